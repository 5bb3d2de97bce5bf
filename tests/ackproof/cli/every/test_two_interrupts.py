"""Ctrl-C at any moment, and a second one at any moment after it, never print a traceback.

The whole process group of the command gets both, as in a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.ackproof.cli.every.forked import Forking
from tests.ackproof.cli.every.room import Room

TRIES = 20
"""Pairs of moments for each command. One of each is tried in campaigns, and of some commands always."""
LATEST_S = 3.0
COMMANDS = (
    *("run", "analyze", "maelstrom test", "sim", "sim --seeds", "sim --shrink", "cause", "replay"),
    *("replay finding", "resimulate", "explore", "mutants", "campaign run", "gate", "check", "check -"),
    *("record", "serve", "site", "systems", "systems check", "lockstep check", "campaign merge", "findings"),
    *("bisect", "verify", "export", "runs", "compare", "prune", "hosts check", "clean"),
)
ALWAYS = frozenset({"sim --seeds", "explore", "serve", "cause"})
ENDS = (0, 1, 2, 255)


def pairs() -> Iterator[object]:
    """Each command with each pair of moments."""
    for name in COMMANDS:
        random = Random(name)
        for number in range(TRIES):
            first = random.uniform(0, LATEST_S) * random.random()
            second = first + random.choice((0, 0.01, 0.1, 0.5, 1)) * random.random()
            often = pytest.mark.thorough if number else pytest.mark.campaign
            marks = () if name in ALWAYS and number == 0 else (often,)
            label = f"{name}, {first:.3f} s and {second:.3f} s"
            yield pytest.param(name, (first, second), id=label, marks=marks)


def test_every_long_call_is_interrupted(room: Room) -> None:
    assert set(COMMANDS) == room.long_calls().keys()


@pytest.mark.parametrize(("name", "moments_s"), [*pairs()])
def test_two_interrupts_print_no_traceback(
    name: str, moments_s: tuple[float, float], room: Room, forking: Forking
) -> None:
    done = forking.call(room.long_calls()[name], room.path, interrupts_s=moments_s)
    assert "Traceback" not in done.out + done.err, done.err[-3000:]
    assert "Exception ignored" not in done.err, done.err[-3000:]
    assert done.code in ENDS, done.err[-3000:]
