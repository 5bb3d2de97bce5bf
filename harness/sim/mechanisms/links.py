"""Links that are cut or lose messages, and links that are late, slow, stalled or corrupt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from harness.nemesis.mechanisms.links import LinkPair
from harness.sim.plan.stream import Stream
from harness.sim.world.impairments import ImpairedLink
from harness.sim.world.world import SimulatedWorld

LOSS_PERCENT = 20
"""Of the messages on a lossy link, as of the packets and messages of real ones."""


class HealedSimulatedLinks:
    """Implements `HealedLinks`: what a heal ended, and how many messages were lost by then."""

    def __init__(self, links: tuple[LinkPair, ...], count: int, what: str) -> None:
        self.links = links
        self._count = count
        self._what = what

    def details(self) -> dict[str, int]:
        """Count the messages that did not get through."""
        return {self._what: self._count}


class SimulatedLinks:
    """Implements `Links` for partitions: a cut link swallows every message."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        """Cut these links too; give all links that are cut now."""
        return tuple(self._world.network.cut(tuple(links)))

    async def swallowed(self, links: Iterable[LinkPair]) -> None:
        """Every message meets the cut, so there is nothing to wait for; the heal counts them."""

    async def heal(self) -> HealedSimulatedLinks:
        """Let everything through again."""
        healed, swallowed = self._world.network.heal()
        return HealedSimulatedLinks(tuple(healed), swallowed, "swallowed_messages")


class SimulatedBadLinks:
    """Implements `BadLinks` and what only links that know messages can do."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._struck: Counter[str] = Counter()
        self._links: dict[str, list[LinkPair]] = {}
        """By fault, the links that it makes bad."""

    async def impair(self, links: Iterable[LinkPair], how: Mapping[str, Any], by: str, draw: int) -> None:
        """Make links bad, on the account of the fault `by`."""
        self._struck[by] = 0
        for pair in links:
            link = self._world.network.links[pair]
            if link.impaired is None:
                link.impaired = ImpairedLink(self._world, link, self._struck)
            link.impaired.begin(by, how, Stream(draw, *pair))
            self._links.setdefault(by, []).append(pair)

    async def struck(self, by: str) -> int:
        """Count the messages that the fault has struck by now."""
        return self._struck[by]

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did to links; what they held back goes on."""
        if by not in self._links:
            return None
        for pair in self._links.pop(by):
            link = self._world.network.links[pair]
            if link.impaired is not None and not link.impaired.end(by):
                link.impaired = None
        return self._struck[by]

    def impaired_by(self, by: str) -> tuple[LinkPair, ...]:
        """Give the links that a fault makes bad now."""
        return tuple(self._links.get(by, ()))


class SimulatedLossyLinks:
    """Implements `Links` for `loss`: a lossy link loses a share of its messages."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._bad = SimulatedBadLinks(world)
        self._begun = 0

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        """Let these links lose messages too; give all links that do."""
        more = [pair for pair in links if pair not in self._bad.impaired_by("loss")]
        self._begun += 1
        await self._bad.impair(more, {"lost_percent": LOSS_PERCENT}, "loss", self._begun)
        return self._bad.impaired_by("loss")

    async def swallowed(self, links: Iterable[LinkPair]) -> None:
        """Every message meets the loss, so there is nothing to wait for; the heal counts them."""

    async def heal(self) -> HealedSimulatedLinks:
        """Lose no more messages."""
        links = self._bad.impaired_by("loss")
        lost = await self._bad.end_impairment("loss")
        return HealedSimulatedLinks(links, lost or 0, "swallowed_messages")
