"""The `ackproof` command: reads options, calls the runner, turns a verdict into an exit code.

Exit codes, as Jepsen's: 0 valid, 1 invalid, 2 unknown, 254 the command was called wrongly,
255 the run could not be made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, NoReturn

import click
import msgspec

from ackproof.cli import entry
from ackproof.cli.check import check
from ackproof.cli.explore import explore
from ackproof.cli.hosts import Nodes, clean, faults_in_words, hosts, nodes_of, parse_nodes
from ackproof.cli.mutants import known_mutant, mutants
from ackproof.cli.sim import replay, sim
from checkers.verdict import Validity
from harness.errors import unknown_name
from harness.nemesis import ALL, NEMESES, all_survivable, nemesis_of
from harness.nemesis.schedule import enabled
from harness.run import runner
from harness.run.folder import RunFolder
from harness.run.judging import judge
from harness.run.test import Test
from harness.workload import WORKLOADS
from reports.terminal import show

EXIT = {Validity.VALID: 0, Validity.INVALID: 1, Validity.UNKNOWN: 2}


def _faults(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    """Faults separated by commas, each NAME or NAME:TARGET; or `none`."""
    faults = tuple(dict.fromkeys(fault.strip() for fault in value.split(",") if fault.strip()))
    return () if faults == ("none",) else faults


def _known(kind: str, names: Iterable[str]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Checks that an option names one of these; nothing is asked of an option that is absent."""

    def check(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
        if value is not None and value not in names:
            raise click.BadParameter(unknown_name(kind, value, names))
        return value

    return check


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ackproof", prog_name="ackproof")
def cli() -> None:
    """Prove or refute that a replicated service keeps what it acknowledged.

    \b
    Start here:
        ackproof run                      five local nodes, kills and partitions, 30 s
        ackproof run --mutant forgetful   the same with a bug: see what a violation looks like
        ackproof sim --seeds 1000         the same test in virtual time, many times faster
        ackproof explore                  every behaviour of the Raft core in a small scope
        ackproof analyze store/latest     judge a stored run again

    Exit codes: 0 valid, 1 invalid, 2 unknown, 254 wrong usage, 255 could not run.
    """


@cli.command(epilog=faults_in_words())
@click.option(
    "--nodes",
    metavar="COUNT|HOST,...",
    callback=parse_nodes,
    help="How many nodes; or, with --hosts ssh, on which hosts: [user@]host[:port], aliases of ssh_config, "
    "patterns of such (lab-*).  [default: 5, or all of --nodes-file]",
)
@click.option(
    "--hosts",
    default="local",
    show_default=True,
    type=click.Choice(["local", "netns", "ssh"]),
    help="Where nodes live: on loopback; each in a network namespace (needs root); or remote.",
)
@click.option(
    "--nodes-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Remote hosts, [user@]host[:port] a line; see docs/hosts.md.",
)
@click.option(
    "--concurrency", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many clients."
)
@click.option(
    "--rate",
    default=300.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Client operations a second, all clients together.",
)
@click.option(
    "--time-limit",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds of work and faults; healing, reading back and checking come after.",
)
@click.option(
    "--nemesis",
    default="kill,partition",
    show_default=True,
    metavar="FAULT,...",
    callback=_faults,
    help=f"Faults, separated by commas: {', '.join(NEMESES)}; each also with a target (kill:leader, "
    "kill:n1, partition:isolate-leader); all for every one that a correct system survives; or none.",
)
@click.option(
    "--schedule",
    default="rounds",
    show_default=True,
    metavar="HOW",
    help="When faults come: rounds (each alone, then all together), random (each by itself), bursts, swarm "
    "(the seed enables some of them), or times, such as '2 kill:leader, 5 heal kill'.",
)
@click.option(
    "--workload",
    default="registry",
    show_default=True,
    metavar="NAME",
    callback=_known("workload", WORKLOADS),
    help="What the clients do.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Repeats the same choices.  [default: drawn]")
@click.option(
    "--store",
    default=Path("store"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the run's folder is made.",
)
@click.option(
    "--mutant",
    metavar="NAME",
    callback=known_mutant,
    help="Start nodes with this seeded bug; `ackproof mutants` lists them.",
)
@click.option(
    "--collect",
    type=click.Choice(["packets", "cores"]),
    multiple=True,
    help="Also keep each node's packets (tcpdump, needs root) or core dumps; may be given twice.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit file for CI.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else.")
@click.option(
    "--base-port",
    type=click.IntRange(1024, 65000),
    help="First of the ports that nodes listen on.  [default: free ones]",
)
@click.option(
    "--heartbeat-ms",
    default=100,
    show_default=True,
    type=click.IntRange(1, 60_000),
    help="How often a leader makes itself heard.",
)
@click.option(
    "--election-ms",
    default=500,
    show_default=True,
    type=click.IntRange(2, 600_000),
    help="Election time-outs are drawn between this and twice this; short ones make votes split.",
)
@click.option("--lease", is_flag=True, help="Nodes serve reads under a leader's lease (--clock-drift-bound).")
@click.option(
    "--clock-drift-bound",
    default=10,
    show_default=True,
    type=click.IntRange(0, 99),
    help="With --lease: the percentage by which nodes take any clock to be fast or slow at the most.",
)
@click.option(
    "--snapshot-entries",
    default=10_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="After so many applied entries a node takes a snapshot and forgets its log.",
)
@click.option(
    "--minimum-acknowledged",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Fewer acknowledged writes than this prove nothing: unknown.",
)
@click.option(
    "--recovery-bound",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds after the final heal within which a write must be acknowledged.",
)
def run(
    nodes: Nodes,
    hosts: Literal["local", "netns", "ssh"],
    nodes_file: Path | None,
    concurrency: int,
    rate: float,
    time_limit: float,
    nemesis: tuple[str, ...],
    schedule: str,
    workload: str,
    seed: int | None,
    store: Path,
    mutant: str | None,
    collect: tuple[Literal["packets", "cores"], ...],
    junit: Path | None,
    as_json: bool,
    base_port: int | None,
    heartbeat_ms: int,
    election_ms: int,
    lease: bool,
    clock_drift_bound: int,
    snapshot_entries: int,
    minimum_acknowledged: int,
    recovery_bound: float,
) -> NoReturn:
    """Start nodes, work on them, break them, and judge what they did.

    Starts real processes on loopback; needs no root. Ctrl-C ends the work early: the cluster is
    healed, read back and judged all the same; a second Ctrl-C stops at once.
    """
    if heartbeat_ms >= election_ms:
        raise click.BadParameter(
            f"{heartbeat_ms} must be below --election-ms {election_ms}, best by a factor of 5, "
            "or followers depose healthy leaders",
            param_hint="'--heartbeat-ms'",
        )
    if seed is None:
        seed = runner.drawn_seed()
    names, inventory = nodes_of(hosts, nodes, nodes_file)
    if ALL in nemesis:
        nemesis = tuple(dict.fromkeys((*all_survivable(hosts), *(name for name in nemesis if name != ALL))))
    if schedule == "swarm":
        nemesis = enabled(nemesis, seed)
    try:
        nemesis_of(nemesis, hosts, names, schedule, seed)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--nemesis' or '--schedule'") from error
    test = Test(
        nodes=names,
        hosts=hosts,
        inventory=inventory,
        workload=workload,
        nemesis=nemesis,
        schedule=schedule,
        concurrency=concurrency,
        rate=rate,
        time_limit_s=time_limit,
        seed=seed,
        mutant=mutant,
        collect=collect,
        base_port=base_port,
        heartbeat_ms=heartbeat_ms,
        election_ms=election_ms,
        lease=lease,
        clock_drift_bound_percent=clock_drift_bound,
        snapshot_entries=snapshot_entries,
        recovery_bound_s=recovery_bound,
        minimum_acknowledged=minimum_acknowledged,
    )
    folder = runner.run(test, store, command=sys.argv, quiet=as_json)
    _judge_and_exit(folder, junit, as_json)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit file for CI.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else.")
def analyze(folder: Path, junit: Path | None, as_json: bool) -> NoReturn:
    """Judge a stored run again, also one whose harness was killed.

    FOLDER is a run's folder, such as store/latest.
    """
    _judge_and_exit(RunFolder(folder.resolve()), junit, as_json)


cli.add_command(check)
cli.add_command(sim)
cli.add_command(mutants)
cli.add_command(explore)
cli.add_command(hosts)
cli.add_command(clean)
cli.add_command(replay)


def _judge_and_exit(folder: RunFolder, junit: Path | None, as_json: bool) -> NoReturn:
    results = judge(folder, junit)
    if as_json:
        click.echo(msgspec.json.encode(results))
    else:
        show(results.verdicts, folder.report_html)
    raise SystemExit(EXIT[results.validity])


def main() -> NoReturn:
    """Run the command; every error is one line on standard error."""
    entry.run(cli)


if __name__ == "__main__":
    main()
