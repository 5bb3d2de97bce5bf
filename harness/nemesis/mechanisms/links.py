"""Mechanisms of links between nodes: cut, lossy, or bad in other ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from harness.nemesis.mechanisms.world import Mechanism

LinkPair = tuple[str, str]


class HealedLinks(Protocol):
    """What a heal ended."""

    @property
    def links(self) -> tuple[LinkPair, ...]:
        """The links that had been cut."""
        ...

    def details(self) -> Mapping[str, Any]:
        """Messages, bytes or packets that were swallowed, as far as they were counted, also by link."""
        ...


class Links(Protocol):
    """Links that carry nothing, or lose a share of what they carry, until they are healed."""

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        """Cut these links too; all links that are cut now."""
        ...

    async def swallowed(self, links: Iterable[LinkPair]) -> int | None:
        """How many messages, packets or bytes these links have swallowed since they were last healed.

        None where that need not be asked, since every message goes by way of the simulator, which drops it.
        """
        ...

    async def heal(self) -> HealedLinks:
        """Let everything through again on all links."""
        ...


class BadLinks(Protocol):
    """Links that can be late, slow, stalled, reset, or strike single messages."""

    async def impair(self, links: Iterable[LinkPair], how: Mapping[str, Any], by: str, draw: int) -> None:
        """Make links bad, on the account of the fault `by`.

        Args:
            how: how bad, by the names of the fields of `Impair` (faults/network/impairments.py).
            draw: which messages are struck follows from it.
        """
        ...

    async def struck(self, by: str) -> int:
        """How many messages, packets or pieces of a stream the fault has struck by now."""
        ...

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did to links; how many messages it struck, None if it was not on."""
        ...


LINKS = Mechanism[Links]("links that can be cut", fewest_nodes=2)
LOSSY_LINKS = Mechanism[Links]("links that can lose a part of what they carry", fewest_nodes=2)
BAD_LINKS = Mechanism[BadLinks]("links that can be late, slow or corrupt", fewest_nodes=2)
MESSAGE_LINKS = Mechanism[BadLinks](
    "links that hold back and reset connections message by message", fewest_nodes=2
)
"""The same as `BAD_LINKS`, where links know connections and messages: proxies."""
