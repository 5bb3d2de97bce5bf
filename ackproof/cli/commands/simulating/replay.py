"""`ackproof replay`: repeats a failure that `sim --shrink` or `explore --out` saved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.ending import finish, judge_and_finish
from ackproof.cli.printing import say


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.store_option("Where the run's folder is made.")
@click.option(
    "--world",
    default="sim",
    show_default=True,
    type=click.Choice(["sim", "local"]),
    help="sim repeats the run exactly; local repeats on local processes what processes can repeat.",
)
@options.base_port_option("With --world local: first of the ports that nodes listen on.")
@click.option("--anyway", is_flag=True, help="Replay even if the code has changed since FILE was written.")
@options.json_option()
def replay(
    file: Path, store: Path, world: str, base_port: int | None, anyway: bool, as_json: bool
) -> NoReturn:
    """Repeat a failure that `sim --shrink` or `explore --out` saved.

    A FILE of `ackproof sim --shrink` holds a schedule: it is run again, into a folder with a report. A FILE
    of `ackproof explore --out` holds steps: they are shown one by one. If the code has changed since FILE
    was written, the command says what differs, and replays nothing.

    \b
        ackproof replay small.json
        ackproof replay small.json --world local     the same on real processes, as far as possible
    """
    from harness.sim.explore.counterexample import is_counterexample

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

    folder, warning = command.replayed(file, store, sys.argv, anyway=anyway)
    _warn(warning)
    judge_and_finish(folder, as_json=as_json)


def _show_steps(file: Path, anyway: bool, as_json: bool) -> NoReturn:
    """Take the steps that an exploration found, and show them."""
    from harness.sim.explore import command

    walked = command.replayed(file, anyway=anyway)
    finish(
        "violation" if walked.violation else "verified",
        {"story": walked.story, "violation": walked.violation},
        lambda: command.show_walk(walked),
        as_json=as_json,
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
