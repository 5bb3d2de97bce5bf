"""`ackproof maelstrom`: tests programs that speak Maelstrom's protocol."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from ackproof.cli import options
from ackproof.cli.output.ending import judge_and_finish
from harness.errors import CouldNotRun
from harness.systems.maelstrom.topology import TOPOLOGIES
from harness.systems.maelstrom.workloads import DATA_TYPES, KAFKA

WORKLOADS = {
    "broadcast": "g-set",
    "txn-list-append": "append",
    "txn-rw-register": "txn",
    "lin-mutex": "lock",
}
"""Maelstrom's workloads that have another name here."""
TARGETS = {"partition": "partition:random-halves", "kill": "kill:one", "pause": "pause:one"}
"""What a fault strikes if no target is given: Maelstrom's nodes have no leader that one could ask for."""

_program = click.option("--bin", "program", required=True, metavar="PROGRAM", help="The program of a node.")
_topology = click.option(
    "--topology",
    default="grid",
    show_default=True,
    type=click.Choice(sorted(TOPOLOGIES)),
    help="Who is whose neighbour, for broadcast.",
)


@click.group()
def maelstrom() -> None:
    """Test programs that speak Maelstrom's protocol.

    Nodes are programs in any language that read messages from standard input and write them to standard
    output, as JSON, one a line: those of the Gossip Glomers challenges, for example.
    """


@maelstrom.command()
@click.option(
    "-w",
    "--workload",
    required=True,
    metavar="NAME",
    type=click.Choice(sorted(DATA_TYPES)),
    help=f"What clients ask, as Maelstrom's workload of that name: {', '.join(sorted(DATA_TYPES))}.",
)
@_program
@click.argument("arguments", nargs=-1)
@click.option(
    "--node-count", default=5, show_default=True, type=click.IntRange(1, 100), help="How many nodes."
)
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds of work and faults. Healing and the final reads come after.",
)
@click.option(
    "--rate",
    default=20.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Operations a second, of all clients together.",
)
@click.option(
    "--concurrency",
    default="2n",
    show_default=True,
    metavar="COUNT|Kn",
    help="How many clients: a number, or as `2n` a multiple of the number of nodes.",
)
@click.option(
    "--latency",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="How many milliseconds a message between nodes takes in the mean.",
)
@click.option(
    "--latency-dist",
    default="constant",
    show_default=True,
    type=click.Choice(["constant", "uniform", "exponential"]),
    help="How this time is distributed.",
)
@_topology
@click.option(
    "--nemesis",
    default="none",
    show_default=True,
    metavar="FAULT,...",
    callback=options.fault_list,
    shell_complete=options.completing(options.fault_names, by_commas=True),
    help="Faults: partition, and also kill, pause and others that Maelstrom does not have "
    "(ackproof run --help lists all).",
)
@click.option(
    "--nemesis-interval",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How many seconds a fault lasts.",
)
@click.option(
    "--consistency-models",
    "consistency",
    default="strict-serializable",
    show_default=True,
    metavar="MODEL",
    help="What transactions are judged by, such as read-committed or snapshot-isolation.",
)
@click.option(
    "--availability",
    default="",
    metavar="SHARE|total",
    help="The least share of requests, from 0 to 1, that must get an ok reply; total: all of them.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Repeats the choices of an earlier run.")
@options.store_option("Where the run's folder is made.")
@options.ci_options()
@options.json_option()
def test(
    workload: str,
    program: str,
    arguments: tuple[str, ...],
    node_count: int,
    time_limit: float,
    rate: float,
    concurrency: str,
    latency: float,
    latency_dist: str,
    topology: str,
    nemesis: tuple[str, ...],
    nemesis_interval: float,
    consistency: str,
    availability: str,
    seed: int | None,
    store: Path,
    as_json: bool,
) -> NoReturn:
    """Run a cluster of nodes, ask them what a workload of Maelstrom asks, and judge the answers.

    Arguments of the program come last, after `--`. What a node writes to standard error is its log.

    \b
        ackproof maelstrom test -w echo --bin ./echo.py --node-count 1
        ackproof maelstrom test -w broadcast --bin ./b --nemesis partition
        ackproof maelstrom test -w lin-kv --bin ./raft.py --nemesis kill,pause
        ackproof maelstrom test -w txn-rw-register --bin ./txn \\
            --consistency-models read-committed
    """
    from harness.run import runner  # here, since the help needs none of these
    from harness.run.parts import parts_of
    from harness.run.test import Test, with_chosen_faults
    from harness.systems.maelstrom.counting import messages_in_words
    from harness.systems.maelstrom.services import serving

    drawn = runner.drawn_seed() if seed is None else seed
    system_options = {
        "bin": str(Path(program).absolute()) if "/" in program else program,
        "speaks": workload,
        "arguments": json.dumps(arguments),
        "latency": str(latency),
        "latency-dist": latency_dist,
        "topology": topology,
        "consistency": consistency,
        "availability": availability,
    }
    asked: dict[str, Any] = {
        # As Maelstrom names them: some programs reckon with these names.
        "nodes": tuple(f"n{number}" for number in range(node_count)),
        "system": "maelstrom",
        "workload": WORKLOADS.get(workload, workload),
        "nemesis": tuple(TARGETS.get(fault, fault) for fault in nemesis),
        "fault_s": (nemesis_interval, nemesis_interval),
        "concurrency": clients_of(concurrency, node_count),
        "rate": rate,
        "time_limit_s": time_limit,
        "seed": drawn,
        "recovery_bound_s": 20.0,
        "minimum_acknowledged": 10,
    }
    with serving(drawn) as services:
        try:
            chosen = Test(**asked, system_options={**system_options, "services": services})
            parts_of(chosen)
            chosen = with_chosen_faults(chosen)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        folder = runner.run(chosen, store, command=sys.argv, quiet=as_json)

    def show_messages(_validity: str) -> None:
        click.echo(messages_in_words(folder.path, folder.recording().history))

    judge_and_finish(folder, as_json=as_json, more=show_messages)


@maelstrom.command()
@click.option(
    "-w",
    "--workload",
    required=True,
    metavar="NAME",
    type=click.Choice(sorted(DATA_TYPES.keys() - {KAFKA})),
    help="What clients ask, as Maelstrom's workload of that name.",
)
@_program
@click.argument("arguments", nargs=-1)
@_topology
@click.option(
    "--only-reacts",
    is_flag=True,
    help="The program has no timer, although its language waits with a time-out by itself, as Go does.",
)
def core(workload: str, program: str, arguments: tuple[str, ...], topology: str, only_reacts: bool) -> None:
    """Be a core of nodes that only react, for runs in virtual time.

    The simulator starts this command, and speaks the lockstep protocol with it. Nodes must have no timers
    and no clock of their own. Arguments of the program come last, after `--`.

    \b
        ackproof maelstrom core -w g-set --bin ./set.py    # waits for a simulator
        ackproof sim --workload g-set --nodes 3 \\
            --core 'ackproof maelstrom core -w g-set --bin ./set.py'
    """
    from harness.systems.maelstrom.reacting import NotReacting, Setting, serve  # the help needs none of it

    own = str(Path(program).absolute()) if "/" in program else program
    try:
        serve(Setting(workload, (own, *arguments), topology, only_reacts))
    except NotReacting as problem:
        raise CouldNotRun(f"the node does not only react: it {problem}") from problem


def clients_of(text: str, nodes: int) -> int:
    """How many clients a text means: `10`, or `2n` for two a node.

    Raises:
        click.BadParameter: it means no number.
    """
    number, is_multiple = text.removesuffix("n"), text.endswith("n")
    if not number.isdecimal() or not 1 <= int(number) * (nodes if is_multiple else 1) <= options.MOST_CLIENTS:
        raise click.BadParameter(
            f"{text!r} is no number of clients: give one such as 10, or 2n for two a node",
            param_hint="'--concurrency'",
        )
    return int(number) * (nodes if is_multiple else 1)
