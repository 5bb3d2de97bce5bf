"""`ackproof explore`: every behaviour of the Raft core in a small scope. Thin; see harness/sim/explore.

That is loaded where it is used, as the simulator is (cli_sim.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from ackproof.cli.mutants import known_mutant
from harness.errors import unknown_name

_COUNT = click.IntRange(min=0)


def _start(_context: click.Context, _option: click.Parameter, value: str) -> str:
    from harness.sim.explore.scope import STARTS  # here, since only this command needs the simulator

    if value not in STARTS:
        raise click.BadParameter(unknown_name("start", value, STARTS))
    return value


@click.command()
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(2, 5), help="How many nodes.")
@click.option(
    "--elections", default=1, show_default=True, type=_COUNT, help="Election time-outs, all nodes together."
)
@click.option("--proposals", default=1, show_default=True, type=_COUNT, help="Clients' writes.")
@click.option(
    "--crashes", default=1, show_default=True, type=_COUNT, help="Crashes, each with a start after it."
)
@click.option("--heartbeats", default=0, show_default=True, type=_COUNT, help="Heartbeats of leaders.")
@click.option(
    "--checks", default=0, show_default=True, type=_COUNT, help="Times that a leader looks for its majority."
)
@click.option(
    "--duplicates", default=0, show_default=True, type=_COUNT, help="Messages that arrive once more."
)
@click.option("--reads", default=0, show_default=True, type=_COUNT, help="Clients' linearizable reads.")
@click.option("--pre-vote/--no-pre-vote", default=True, show_default=True, help="As the node's option.")
@click.option(
    "--disk",
    default="prompt",
    show_default=True,
    type=click.Choice(["prompt", "any"]),
    help="prompt: a node that waits for its disk may crash, and nothing else happens. any: anything may.",
)
@click.option("--batch", default=256, show_default=True, type=click.IntRange(min=1), help="Entries in one.")
@click.option(
    "--start",
    default="fresh",
    show_default=True,
    metavar="NAME",
    callback=_start,
    help="What is on the disks: fresh (nothing), or figure-8 of the Raft paper.",
)
@click.option("--mutant", metavar="NAME", callback=known_mutant, help="A core with this seeded bug.")
@click.option("--symmetry/--no-symmetry", default=True, help="Count states once that differ in names alone.")
@click.option("--max-states", type=click.IntRange(min=1), help="End after so many.")
@click.option(
    "--time-limit", default=600.0, show_default=True, type=click.FloatRange(min=0), help="End after seconds."
)
@click.option(
    "--memory-mb",
    default=4000,
    show_default=True,
    type=click.IntRange(min=64),
    help="End at so much.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the way to a violation for `ackproof replay`, and a picture beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, and nothing else.")
def explore(
    mutant: str | None,
    symmetry: bool,
    max_states: int | None,
    time_limit: float,
    memory_mb: int,
    out: Path | None,
    as_json: bool,
    **scope: Any,
) -> NoReturn:
    """Try every behaviour of the Raft core in a small scope, and hold Raft's invariants in each state.

    Messages arrive in any order or never, timers fire at any time, nodes crash between any two steps. If no
    behaviour is left that breaks an invariant, the core is verified in that scope.

    \b
        ackproof explore                                        3 nodes, a crash: some seconds
        ackproof explore --nodes 2 --elections 2 --heartbeats 1
        ackproof explore --mutant half-is-a-majority --elections 2 --out way.json
        ackproof replay way.json                                the way to the violation, step by step

    Exit codes: 0 verified, 1 violation, 2 unknown: the scope was not exhausted, or nothing happens in it.
    """
    from harness.sim.explore import command
    from harness.sim.explore.scope import Scope

    explored = command.explore(
        Scope(**scope),
        mutant,
        command.Bounds(max_states, time_limit, memory_mb),
        out=out,
        symmetry=symmetry,
        quiet=as_json,
    )
    if as_json:
        click.echo(msgspec.json.encode(explored))
    else:
        command.show(explored, out)
    raise SystemExit(command.EXIT[explored.found.outcome])
