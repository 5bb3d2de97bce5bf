"""The room of these tests, and the process that forks for their calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ackproof.cli.every.forked import Forking
from tests.ackproof.cli.every.room import Room


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """One of each thing that commands take."""
    return Room(tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="session")
def forking(room: Room) -> Iterator[Forking]:
    """Calls commands in forks."""
    with Forking(room.path / "state") as made:
        yield made
