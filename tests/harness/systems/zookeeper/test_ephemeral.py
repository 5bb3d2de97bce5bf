"""An instance whose session has expired is made again in the new session, whatever the old one has left."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kazoo.exceptions import NodeExistsError

from harness.systems.zookeeper import ephemeral
from harness.systems.zookeeper.ephemeral import Holder

OLD, NEW = 1, 2


class Tree:
    """One node, which the old session keeps until it was asked for some times."""

    client_id = (NEW, b"")

    def __init__(self, owner: int, goes_after: int) -> None:
        self.owner: int | None = owner
        self.left = goes_after

    def create(self, path: str, value: bytes, ephemeral: bool) -> None:
        if self.left == 0:
            self.owner = None
        self.left -= 1
        if self.owner is not None:
            raise NodeExistsError
        self.owner = NEW

    def get(self, path: str) -> tuple[bytes, Any]:
        return b"r1", SimpleNamespace(ephemeralOwner=self.owner)


@pytest.mark.parametrize(("owner", "goes_after"), [(OLD, 0), (OLD, 3), (NEW, 9)])
def test_an_instance_is_made_again_in_its_new_session(
    owner: int, goes_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ephemeral, "RETRY_S", 0.0)
    holder = Holder("127.0.0.1:1", 4.0, "/ephemeral/a", "r1")
    tree = holder.zk = Tree(owner, goes_after)
    holder._lost = True
    holder._make_again()
    assert (tree.owner, holder._lost) == (NEW, False)
