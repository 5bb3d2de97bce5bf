"""`ackproof run`: tests real processes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypedDict, Unpack

import click

from ackproof.cli import options
from ackproof.cli.nodes import Nodes, nodes_of, parse_nodes
from ackproof.cli.output.ending import judge_and_finish
from ackproof.cli.output.warnings import warn
from harness.cluster.kinds import HOSTED_WORLDS
from harness.hosts.abilities import in_short
from harness.nemesis import NEMESES
from harness.systems import REFERENCE_NODE, SYSTEMS

if TYPE_CHECKING:
    from harness.run.test import Test


class TestOptions(TypedDict):
    """The options that are fields of a `Test`, by the names of these fields."""

    system: str
    system_options: Mapping[str, str]
    world: Literal["local", "netns", "ssh"] | None
    workload: str | None
    fault_s: tuple[float, float] | None
    nemesis: tuple[str, ...]
    schedule: str
    concurrency: int
    rate: float
    time_limit_s: float | None
    mutant: str | None
    collect: tuple[Literal["packets", "cores"], ...]
    base_port: int | None
    heartbeat_ms: int
    election_ms: int
    lease: bool
    clock_drift_bound_percent: int
    snapshot_entries: int
    minimum_acknowledged: int
    recovery_bound_s: float | None


COLUMNS = 76
"""The end of the help is indented by two, and fits a terminal of 80 columns."""


def faults_in_words() -> str:
    """Every fault and what it needs, for the end of the help (click keeps the lines after a \\b)."""
    lines = []
    for name, fault in NEMESES.items():
        needs = in_short(name)
        worlds = [world.name for world in HOSTED_WORLDS.values() if fault.lacks(world) is None]
        where = ", ".join(worlds) or "sim only"
        broken = f" No system has to survive this: it may assume that {fault.breaks}." if fault.breaks else ""
        text = f"{name}: {fault.about} [{where}{'; needs ' + needs if needs else ''}].{broken}"
        lines += fill(text, COLUMNS, initial_indent="  ", subsequent_indent="      ").splitlines()
    head = fill(
        "Faults, and where each can be had (root, nftables and tc are needed only outside of local; in netns "
        "any user is root where the kernel allows it):",
        COLUMNS,
    )
    return "\b\n" + "\n".join([head, *lines])


CLUSTER = options.group(
    click.option(
        "--system",
        default=REFERENCE_NODE,
        show_default=True,
        metavar="NAME[@VERSION]|PATH.py:NAME|FILE.toml",
        shell_complete=options.completing(options.system_names),
        help=f"What is tested: {', '.join(SYSTEMS)}; or a class in your own file, or a file that describes a "
        "system; see docs/testing-your-system.md.",
    ),
    click.option(
        "--system-option",
        "system_options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=options.system_options,
        help="What the system alone understands, such as the path of its program; may be given often.",
    ),
    click.option(
        "--nodes",
        metavar="COUNT|HOST,...",
        callback=parse_nodes,
        help="How many nodes; with --world ssh also which hosts: [user@]host[:port], aliases of ssh_config, "
        "or patterns of these (lab-*).  [default: 5, or all of --nodes-file]",
    ),
    click.option(
        "--world",
        type=click.Choice(["local", "netns", "ssh"]),
        help="Where nodes run: local processes on loopback, one network namespace for each, or remote "
        "hosts.  [default: local, or netns for a system whose nodes are known by their addresses]",
    ),
    click.option(
        "--nodes-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Remote hosts, [user@]host[:port] a line; see docs/hosts.md.",
    ),
    options.base_port_option("First of the ports that nodes listen on."),
)

CLIENTS = options.group(
    options.workload_option(by_system=True),
    click.option(
        "--concurrency",
        default=10,
        show_default=True,
        type=click.IntRange(1, options.MOST_CLIENTS),
        help="How many clients.",
    ),
    click.option(
        "--rate",
        default=300.0,
        show_default=True,
        type=click.FloatRange(min=0, min_open=True),
        help="Client operations per second, of all clients together.",
    ),
    click.option(
        "--time-limit",
        "time_limit_s",
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds of work and faults. Healing, the final reads and checking come after.  "
        "[default: 30, or as long as each fault needs to have its turn]",
    ),
)

FAULTS = options.group(
    click.option(
        "--nemesis",
        default="kill,partition",
        show_default=True,
        metavar="FAULT,...",
        callback=options.fault_list,
        shell_complete=options.completing(options.fault_names, by_commas=True),
        help="Faults from the list below, separated by commas. A fault may have a target (kill:leader, "
        "kill:n1, partition:isolate-leader). `all` is every fault that a correct system survives; `none` is "
        "no fault.",
    ),
    click.option(
        "--schedule",
        default="rounds",
        show_default=True,
        metavar="HOW",
        help="When faults come: rounds (each alone, then all together), random (each by itself), bursts, "
        "swarm (the seed chooses some of the faults), or times such as '2 kill:leader, 5 heal kill'.",
    ),
    click.option(
        "--fault-seconds",
        "fault_s",
        metavar="SECONDS|LOW-HIGH",
        callback=options.seconds_or_range,
        help="How long each fault lasts.  [default: as the system's own failure detector needs]",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), help="Repeats the choices of an earlier run.  [default: random]"
    ),
)

NODE = options.group(
    options.mutant_option("Reference node only: start nodes with this seeded bug"),
    click.option(
        "--heartbeat-ms",
        default=100,
        show_default=True,
        type=click.IntRange(1, 60_000),
        help="Reference node only: how often a leader sends heartbeats.",
    ),
    click.option(
        "--election-ms",
        default=500,
        show_default=True,
        type=click.IntRange(2, 600_000),
        help="Reference node only: election time-outs are drawn between this and twice this.",
    ),
    options.lease_option(),
    click.option(
        "--clock-drift-bound",
        "clock_drift_bound_percent",
        default=10,
        show_default=True,
        type=click.IntRange(0, 99),
        help="With --lease: nodes assume that no clock is more than this percentage fast or slow.",
    ),
    click.option(
        "--snapshot-entries",
        default=10_000,
        show_default=True,
        type=click.IntRange(min=1),
        help="Reference node only: it takes a snapshot, and drops its log, after this many entries.",
    ),
)

JUDGING = options.group(
    click.option(
        "--minimum-acknowledged",
        default=100,
        show_default=True,
        type=click.IntRange(min=1),
        help="A run with fewer acknowledged writes ends as unknown: it proves too little.",
    ),
    click.option(
        "--recovery-bound",
        "recovery_bound_s",
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds after the final heal within which a write must be acknowledged.  [default: the "
        "system's own bound, 10 for most]",
    ),
    click.option(
        "--stop-at-violation",
        is_flag=True,
        help="Judge the run as it goes on, and end it at its first violation; then the history is short. "
        "Watched are linearizability by key and by index, and on this machine the nodes' traces.",
    ),
    click.option(
        "--collect",
        type=click.Choice(["packets", "cores"]),
        multiple=True,
        help="Also keep each node's packets (tcpdump, needs root) or core dumps; may be given twice.",
    ),
    options.store_option("Where the run's folder is made."),
    options.ci_options(),
    options.json_option(),
)


def with_defaults(given: TestOptions) -> Test:
    """The test of these options; where none was given, with the system's own world, workload and bounds.

    Raises:
        ValueError: there is no such system, or no workload fits it; in words.
    """
    from harness.run.test import Test  # here and below: the help of the command needs none of these
    from harness.systems import fitting_workloads, system_of
    from harness.systems.base import bounds

    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    system = system_of(given["system"], Test(nodes=("n1",), **asked).options())
    if given["world"] is None:
        asked["world"] = "local" if system.links == "proxies" else "netns"
    if given["workload"] is None:
        fitting = fitting_workloads(system)
        if not fitting:
            raise ValueError(
                f"system {system.name} has {', '.join(system.clients) or 'no data type'}; no workload fits it"
            )
        asked["workload"] = fitting[0]
    if given["recovery_bound_s"] is None:
        asked["recovery_bound_s"] = bounds(system).recovery_s
    return Test(nodes=("n1",), **asked)


@click.command(epilog=faults_in_words())
@CLUSTER
@CLIENTS
@FAULTS
@NODE
@JUDGING
def run(
    nodes: Nodes,
    nodes_file: Path | None,
    seed: int | None,
    stop_at_violation: bool,
    store: Path,
    as_json: bool,
    **given: Unpack[TestOptions],
) -> NoReturn:
    """Start a cluster, run clients against it, inject faults, and judge the run.

    By default the nodes are processes on loopback, which needs no root; those that are known by their
    addresses get network namespaces, without root where the kernel allows it. Ctrl-C ends the work early;
    Ackproof then heals the cluster, does the final reads and judges the run as usual. A second Ctrl-C stops
    at once.

    \b
        ackproof run                          five nodes, kills and partitions
        ackproof run --nemesis pause,clock --nodes 3
        ackproof run --workload cas --seed 7
        ackproof run --system etcd --nemesis kill,partition
        ackproof run --system my.py:Mine      a system of your own
        ackproof run --mutant forgetful       a node with a seeded bug
        ackproof analyze store/latest         judge it again
    """
    from msgspec.structs import replace

    from harness.run import runner
    from harness.run.parts import parts_of
    from harness.run.test import with_chosen_faults
    from harness.run.time_limits.enough import too_short, with_usual_time_limit

    if given["heartbeat_ms"] >= given["election_ms"]:
        raise click.BadParameter(
            f"{given['heartbeat_ms']} must be below --election-ms {given['election_ms']}, best by a factor "
            "of 5, or followers depose healthy leaders",
            param_hint="'--heartbeat-ms'",
        )
    drawn = runner.drawn_seed() if seed is None else seed
    try:
        chosen = with_defaults(given)
        names, inventory = nodes_of(chosen.world, nodes, nodes_file)
        test = replace(chosen, nodes=names, inventory=inventory, seed=drawn)
        parts_of(test)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        test = with_chosen_faults(test)
        if given["time_limit_s"] is None:
            test = with_usual_time_limit(test)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--nemesis' or '--schedule'") from error
    if test.world == "netns":
        from harness.hosts import ledger, rootless  # here, since only this world needs them

        rootless.enter_if_needed(lambda: ledger.clean(store=store))
    short = too_short(test)
    warn(() if short is None else (short,))
    folder = runner.run(test, store, command=sys.argv, quiet=as_json, stop_at_violation=stop_at_violation)
    judge_and_finish(folder, as_json=as_json)
