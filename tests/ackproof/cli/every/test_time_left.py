"""Every command that may work for more than two seconds has a line of progress that knows the time left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.ackproof.cli.every.forked import Forking
from tests.ackproof.cli.every.noting import NOTE
from tests.ackproof.cli.every.room import Room
from tests.ackproof.cli.test_json import COMMANDS

NONE: Mapping[str, str] = {
    "maelstrom core": "it answers a simulator until that ends it",
    "mcp": "it answers an agent until that ends it",
    "hosts check": "this machine is looked at in a moment; several remote hosts: test_hosts.py",
    "systems install": "what it brings comes from elsewhere: test_systems_install.py",
}
"""Commands that the calls here do not show a line of, and why."""
OTHER_CALLS: Mapping[str, tuple[str, ...]] = {
    "systems check": ("systems", "check", "reference-node"),
}
OFTEN = frozenset({"check", "verify", "export", "runs", "site", "serve", "prune", "clean", "findings"})
"""Their calls take a moment; the others are called in campaigns."""


def names() -> Iterator[object]:
    """Each command, but those that show no line here."""
    for name in sorted(COMMANDS.keys() - NONE.keys()):
        marks = () if name in OFTEN else (pytest.mark.campaign,)
        yield pytest.param(name, id=name, marks=marks)


@pytest.mark.parametrize("name", [*names()])
def test_a_command_shows_the_time_left(name: str, room: Room, forking: Forking) -> None:
    is_server = name == "serve"
    usual = room.long_calls()[name] if is_server else room.calls()[name].arguments
    interrupts_s = (1.0,) if is_server else ()
    done = forking.call(
        OTHER_CALLS.get(name, usual), room.path, interrupts_s=interrupts_s, notes_progress=True
    )
    assert NOTE in done.err, done.out + done.err


def test_all_that_is_named_here_is_a_command() -> None:
    assert COMMANDS.keys() >= {*NONE, *OTHER_CALLS, *OFTEN}
