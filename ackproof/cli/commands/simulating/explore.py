"""`ackproof explore`: tries every behaviour of the Raft core within small bounds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NoReturn, TypedDict, Unpack

import click

from ackproof.cli import options
from ackproof.cli.commands.simulating.sim import about_simulated
from ackproof.cli.output.ending import finish

_COUNT = click.IntRange(min=0)


class ScopeOptions(TypedDict):
    """The options that are fields of a `Scope`, by the names of these fields."""

    nodes: int
    elections: int
    proposals: int
    crashes: int
    heartbeats: int
    checks: int
    duplicates: int
    reads: int
    changes: int
    transfers: int
    pairs: int
    repeats: int
    clients: int
    snapshots: int
    lease_ticks: int
    voters: int
    pre_vote: bool
    disk: Literal["prompt", "any"]
    batch: int
    start: str


def _start_names() -> Iterable[str]:
    from harness.sim.explore.scope import STARTS

    return STARTS


def _count(name: str, default: int, text: str) -> options.Option:
    return click.option(name, default=default, show_default=True, type=_COUNT, help=text)


SCOPE = options.group(
    click.option("--nodes", default=3, show_default=True, type=click.IntRange(2, 5), help="How many nodes."),
    _count("--elections", 1, "How many election time-outs, of all nodes together."),
    _count("--proposals", 1, "How many writes of clients."),
    _count("--crashes", 1, "How many crashes; each is followed by a restart."),
    _count("--heartbeats", 0, "How many heartbeats of leaders."),
    _count("--checks", 0, "How many times a leader checks that a majority still answers it."),
    _count("--duplicates", 0, "How many messages arrive twice."),
    _count("--reads", 0, "How many linearizable reads of clients."),
    _count("--changes", 0, "How many changes of the members: nodes are added, vote, and are removed."),
    _count("--transfers", 0, "How often a leader is asked to hand over."),
    _count("--pairs", 0, "How many steps in which a node takes two events that are at hand together."),
    _count("--repeats", 0, "How many writes of clients arrive again; all writes then have a session."),
    click.option(
        "--clients",
        default=1,
        show_default=True,
        type=click.IntRange(1, 5),
        help="Whose writes these are; of several, nodes forget one that has not written for long.",
    ),
    _count("--snapshots", 0, "How many snapshots; a node then forgets the entries that it has applied."),
    _count(
        "--lease-ticks", 0, "Leaders read under leases, and time passes so often; else any timer may fire."
    ),
    _count("--voters", 0, "How many of the nodes vote at first; 0 for all. The others can be added."),
    click.option("--pre-vote/--no-pre-vote", default=True, show_default=True, help="As the node's option."),
    click.option(
        "--disk",
        default="prompt",
        show_default=True,
        type=click.Choice(["prompt", "any"]),
        help="While a node waits for its disk: prompt allows only a crash of it, any allows everything.",
    ),
    click.option(
        "--batch",
        default=256,
        show_default=True,
        type=click.IntRange(min=1),
        help="Most entries in one AppendEntries.",
    ),
    click.option(
        "--start",
        default="fresh",
        show_default=True,
        metavar="NAME",
        callback=options.known("start", _start_names),
        help="What is on the disks at first: fresh (nothing), or figure-8 of the Raft paper; led: a leader "
        "is elected first.",
    ),
    options.mutant_option("Explore a core with this seeded bug"),
)

BOUNDS = options.group(
    click.option("--max-states", type=click.IntRange(min=1), help="Stop after this many states."),
    click.option(
        "--time-limit",
        default=600.0,
        show_default=True,
        type=click.FloatRange(min=0),
        help="Stop after this many seconds.",
    ),
    click.option(
        "--memory-mb",
        default=4000,
        show_default=True,
        type=click.IntRange(min=64),
        help="Stop when the process uses this much memory.",
    ),
)


@click.command()
@SCOPE
@BOUNDS
@click.option(
    "--symmetry/--no-symmetry",
    default=True,
    help="Count states once that differ only in nodes' names; not where members change.",
)
@click.option(
    "--walks",
    is_flag=True,
    help="Take random walks in place of looking at every state: they find what needs many steps, and prove "
    "nothing.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="The seed of the walks.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="Write the steps to a violation for `ackproof replay`, and a picture next to it.",
)
@options.ci_options()
@options.json_option()
def explore(
    mutant: str | None,
    symmetry: bool,
    walks: bool,
    seed: int,
    max_states: int | None,
    time_limit: float,
    memory_mb: int,
    out: Path | None,
    as_json: bool,
    **scope: Unpack[ScopeOptions],
) -> NoReturn:
    """Try every behaviour of the Raft core within small bounds.

    Messages arrive in any order or never, timers fire at any time, nodes crash between any two steps, and
    Raft's invariants are checked in each state. If no behaviour within the bounds breaks one, the core is
    verified for these bounds.

    \b
        ackproof explore                     3 nodes, a crash: some seconds
        ackproof explore --nodes 2 --elections 2 --heartbeats 1
        ackproof explore --mutant half-is-a-majority --out steps.json
        ackproof explore --changes 1 --snapshots 1 --proposals 0 --no-pre-vote
        ackproof explore --walks --elections 6 --proposals 0 --crashes 0 --batch 1
        ackproof explore --start led --lease-ticks 2 --heartbeats 1 --reads 1 \\
            --proposals 0 --crashes 0 --no-pre-vote
        ackproof replay steps.json           show the steps to the violation

    Exit codes: 0 verified, 1 violation, 2 unknown: the search stopped early, or nothing happens in it.
    """
    from harness.sim.explore import command  # here, since these load the simulator
    from harness.sim.explore.scope import Scope

    explored = command.explore(
        Scope(**scope),
        mutant,
        command.SearchBounds(max_states, time_limit, memory_mb),
        out=out,
        symmetry=symmetry,
        walks_seed=seed if walks else None,
        quiet=as_json,
    )
    is_kept = out is not None and explored.found.outcome == "violation"
    again = (shlex.join(["ackproof", "replay", str(out)]),) if is_kept else ()
    finish(
        explored.found.outcome,
        explored,
        lambda: command.show(explored, out),
        as_json=as_json,
        about=lambda: about_simulated(next_=again),
        cases=lambda: (),
    )
