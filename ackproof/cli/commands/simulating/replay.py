"""`ackproof replay`: repeats a failure from a file, or says of a finding whether it is still there."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.campaigns import OF_REPLAYS, about_replayed, readable_campaigns, show_replayed
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.output.cases import of_replayed
from ackproof.cli.output.ending import finish, judge_and_finish
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working

if TYPE_CHECKING:
    from harness.campaign.again.replaying import Replayed
    from harness.sim.lockstep.protocol import ForeignCore

_FINDING = re.compile(r"[0-9a-f]{10}|.+:\d+:\d+")
"""A fingerprint, or CAMPAIGN:CELL:SEED (harness/campaign/again/target.py)."""
USUAL_SECONDS = 600.0


class ReplayedSteps(msgspec.Struct, frozen=True):
    """The steps of an exploration, one by one."""

    story: tuple[str, ...]
    violation: str | None


@click.command()
@click.argument("what", metavar="FILE|FINDING|RUN")
@options.store_option("Where the run's folder is made; of a finding: where its campaigns are.")
@click.option(
    "--world",
    type=click.Choice(["sim", "local"]),
    help="Of a FILE. sim repeats the run exactly; local repeats on local processes what processes can "
    "repeat.  [default: sim]",
)
@options.base_port_option("With --world local: first of the ports that nodes listen on.")
@click.option(
    "--anyway", is_flag=True, help="Of a FILE: replay even if the code has changed since it was written."
)
@options.core_option("Of a FILE or a FINDING of a core of yours: the core")
@click.option("--runs", type=click.IntRange(min=1), help="Of a finding: do at most this many runs.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help=f"Of a finding: begin no run after this many seconds.  [default: {USUAL_SECONDS:.0f}]",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Of a finding: how sure FIXED must be.  [default: 0.99]",
)
@options.jobs_option()
@options.ci_options()
@options.json_option()
def replay(
    what: str,
    store: Path,
    world: str | None,
    base_port: int | None,
    anyway: bool,
    core: ForeignCore | None,
    runs: int | None,
    seconds: float | None,
    confidence: float | None,
    jobs: int | None,
    as_json: bool,
) -> NoReturn:
    """Repeat a failure from a file, or say whether a finding is FIXED.

    A FILE of `ackproof sim --shrink` holds a schedule: it is run again, into a folder with a report. A FILE
    of `ackproof explore --out` holds steps: they are shown one by one. If the code has changed since FILE
    was written, the command says what differs, and replays nothing.

    A FINDING is a fingerprint of `ackproof findings`, and a RUN is one run of a campaign, CAMPAIGN:CELL:SEED.
    The example runs again, and the answer is FIXED (exit code 0), STILL FAILS (1) or CANNOT TELL (2). With
    the code that found it, a simulated example is exact. Other code may draw other runs, and real runs always
    differ: then the cell runs until one run shows the finding, or enough valid ones do not.

    \b
        ackproof replay small.json
        ackproof replay small.json --world local     the same on real processes
        ackproof replay 0a1b2c3d4e                   is this finding still there?
        ackproof replay campaign-2026-11-28T134200-nightly:2:17
    """
    is_finding = not Path(what).is_file() and _FINDING.fullmatch(what) is not None
    for_files = {"--world": world, "--base-port": base_port, "--anyway": anyway or None}
    for_findings = {"--runs": runs, "--seconds": seconds, "--confidence": confidence, "--jobs": jobs}
    wrong = for_files if is_finding else for_findings
    names = ", ".join(name for name, value in wrong.items() if value is not None)
    if names:
        raise click.UsageError(f"{names}: for {'a FILE' if is_finding else 'a FINDING or a RUN'} alone")
    if is_finding:
        most_s = seconds or USUAL_SECONDS
        with Working(f"looking for {what}", quiet=as_json, most_s=most_s) as working:
            found = _look_again(what, store, core, runs, most_s, confidence, jobs, working)
        finish(
            OF_REPLAYS[found.answer],
            found,
            lambda: show_replayed(found),
            as_json=as_json,
            about=lambda: about_replayed(found),
            cases=lambda: of_replayed(found),
        )
    if core is not None and world == "local":
        raise click.UsageError("--core is for the simulated world: leave --world local out")
    _replay_file(Path(what), store, world or "sim", base_port, anyway, core, as_json)


def _look_again(
    what: str,
    store: Path,
    core: ForeignCore | None,
    runs: int | None,
    seconds: float,
    confidence: float | None,
    jobs: int | None,
    working: Working,
) -> Replayed:
    """Run a finding's example, or its cell, again."""
    from harness.campaign.again.replaying import replayed
    from harness.campaign.again.target import target
    from harness.campaign.again.trying import Limits
    from harness.campaign.executors import usual_executors

    chosen: dict[str, Any] = {} if confidence is None else {"confidence": confidence}
    wanted = target(readable_campaigns(store, working), what, core)
    executors = usual_executors(jobs or os.cpu_count() or 1)(store / "replays")
    try:
        executor = executors[0] if wanted.is_simulated else executors[1]
        return replayed(
            wanted, executor, Limits(runs=runs, seconds=seconds, **chosen), tell_share=working.tell
        )
    finally:
        for each in executors:
            each.close()


def _replay_file(
    file: Path,
    store: Path,
    world: str,
    base_port: int | None,
    anyway: bool,
    core: ForeignCore | None,
    as_json: bool,
) -> NoReturn:
    """Repeat what a file holds."""
    from harness.sim.explore.counterexample import is_counterexample

    if not file.is_file():
        raise click.BadParameter(
            f"{str(file)!r} is no file, no fingerprint (ten of 0-9, a-f), and no run CAMPAIGN:CELL:SEED",
            param_hint="'FILE|FINDING|RUN'",
        )
    if base_port is not None and world != "local":
        raise click.UsageError("--base-port is for --world local: simulated nodes listen on no port")
    if is_counterexample(file):
        if world != "sim":
            raise click.UsageError(
                f"{file} holds steps that `ackproof explore` found, and real processes cannot be made to "
                "take them. --world local is for files of `ackproof sim --shrink`"
            )
        _show_steps(file, anyway, as_json)
    if world == "local":
        _on_processes(file, store, base_port, anyway, as_json)
    from harness.sim import command

    share = command.Share()
    with Working("replaying", quiet=as_json, share=share, is_about=True):
        folder, warning = command.replayed(file, store, sys.argv, anyway=anyway, core=core, share=share)
    _warn(warning)
    judge_and_finish(folder, as_json=as_json)


def _show_steps(file: Path, anyway: bool, as_json: bool) -> NoReturn:
    """Take the steps that an exploration found, and show them."""
    from harness.sim.explore import command

    walked = command.replayed(file, anyway=anyway)
    finish(
        "violation" if walked.violation else "verified",
        ReplayedSteps(walked.story, walked.violation),
        lambda: command.show_walk(walked),
        as_json=as_json,
        about=about_simulated,
        cases=lambda: (),
    )


def _on_processes(file: Path, store: Path, base_port: int | None, anyway: bool, as_json: bool) -> NoReturn:
    """Replay a schedule on local processes; the exit code is that of their run."""
    from harness.sim import command

    folder, simulated, warning = command.replayed_on_processes(
        file, store, sys.argv, anyway=anyway, base_port=base_port, quiet=as_json
    )
    _warn(warning)

    def compare(validity: str) -> None:
        click.echo(f"in the simulated world: {simulated}")
        click.echo(f"on local processes:     {validity}")

    judge_and_finish(folder, as_json=as_json, more=compare)


def _warn(warning: str | None) -> None:
    if warning is not None:
        say(f"ackproof: {warning}", error=True)
