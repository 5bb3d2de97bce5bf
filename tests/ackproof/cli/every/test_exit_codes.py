"""How a command's output is read changes nothing about its exit code.

Each command is called with standard output, standard error or both leading to a pipe whose reader is gone, or
goes after the first byte, to a full disk, to nothing, or to a terminal, and with poor encodings. One of these
is tried always, for each command another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.ackproof.cli.every.forked import Forking, Streams
from tests.ackproof.cli.every.room import Room
from tests.ackproof.cli.test_json import COMMANDS, WITHOUT

CONDITIONS: Mapping[str, Streams] = {
    **{f"out {how}": Streams(how) for how in ("gone", "cut", "full", "closed")},
    **{f"both {how}": Streams(how, how) for how in ("gone", "cut", "full", "closed")},
    **{f"err {how}": Streams("kept", how) for how in ("gone", "cut", "full", "closed")},
    "latin-1": Streams(encoding="latin-1"),
    "ascii": Streams(encoding="ascii"),
    "terminal": Streams("terminal", "terminal", {"TERM": "xterm"}),
    "dumb terminal": Streams("terminal", "terminal", {"TERM": "dumb"}),
    "terminal of 20 columns": Streams("terminal", "terminal", {"COLUMNS": "20"}),
    "20 columns": Streams(environment={"COLUMNS": "20"}),
    "80 columns": Streams(environment={"COLUMNS": "80"}),
}
LONG = frozenset({"run", "maelstrom test"})
"""Real nodes run for some seconds each time."""


def combinations() -> Iterator[object]:
    """Each command under each condition, for people and as JSON."""
    for place, name in enumerate(sorted(COMMANDS)):
        for number, condition in enumerate(CONDITIONS):
            for as_json in (False, True):
                if as_json and name in WITHOUT:
                    continue
                is_first = (number + 7 * place) % len(CONDITIONS) == 0 and as_json is bool(place % 2)
                seldom = pytest.mark.campaign if is_first else pytest.mark.thorough
                marks = () if is_first and name not in LONG else (seldom,)
                label = f"{name}, {condition}{', JSON' if as_json else ''}"
                yield pytest.param(name, condition, as_json, id=label, marks=marks)


def test_every_command_has_a_call(room: Room) -> None:
    assert room.calls().keys() == COMMANDS.keys()


@pytest.mark.parametrize(("name", "condition", "as_json"), [*combinations()])
def test_the_exit_code_is_the_same_however_the_output_is_read(
    name: str, condition: str, as_json: bool, room: Room, forking: Forking
) -> None:
    call = room.calls()[name]
    arguments = [*call.arguments, *(["--json"] if as_json else [])]
    done = forking.call(arguments, room.path, CONDITIONS[condition])
    assert done.code == call.code, done.out + done.err
    assert "Traceback" not in done.out + done.err
