"""A cut took effect once these very links swallowed something since, and not because rules are in place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

import pytest

from harness.nemesis.faults.network.losing import EFFECT_BOUND_S, begin_to_lose
from harness.nemesis.faults.network.loss import Lose
from harness.nemesis.faults.network.partition import Cut
from harness.nemesis.mechanisms.links import LINKS, LOSSY_LINKS, HealedLinks, LinkPair, Links
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.outcome import Outcome

AB = ("n1", "n2")


class CountingLinks:
    """Links that swallow what the test says."""

    def __init__(self, counts: list[int], *, refuses: bool = False) -> None:
        self.counts = counts
        self.refuses = refuses

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        return () if self.refuses else tuple(links)

    async def swallowed(self, links: Iterable[LinkPair]) -> int:
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]

    async def heal(self) -> HealedLinks:
        raise AssertionError("nobody heals")


class WaitingWorld:
    """A world of two nodes in which only time passes."""

    names = AB

    def __init__(self, links: CountingLinks) -> None:
        self.links = links
        self.now = 0.0

    def now_s(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def mechanism(self, mechanism: object) -> Links:
        assert mechanism in (LINKS, LOSSY_LINKS)
        return self.links


def carried_out(action: Cut | Lose, links: CountingLinks) -> tuple[Outcome, float]:
    """What came of it, and how long it waited."""
    world = WaitingWorld(links)
    return asyncio.run(action.carry_out(cast(WorldMechanisms, world))), world.now


@pytest.mark.parametrize("action", [Cut((AB,)), Lose((AB,))], ids=["cut", "loss"])
def test_it_took_effect_once_something_was_swallowed_since(action: Cut | Lose) -> None:
    outcome, waited_s = carried_out(action, CountingLinks([7, 7, 7, 9]))
    assert outcome.took_effect is True
    assert 0 < waited_s < EFFECT_BOUND_S


@pytest.mark.parametrize("action", [Cut((AB,)), Lose((AB,))], ids=["cut", "loss"])
def test_what_was_swallowed_before_does_not_count_and_silence_is_no_effect(action: Cut | Lose) -> None:
    outcome, waited_s = carried_out(action, CountingLinks([7]))
    assert outcome.took_effect is None
    assert outcome.details["swallowed"] == "nothing within 2 s"
    assert waited_s >= EFFECT_BOUND_S


def test_links_that_do_not_show_the_cut_took_no_effect() -> None:
    outcome, waited_s = carried_out(Cut((AB,)), CountingLinks([0], refuses=True))
    assert (outcome.took_effect, waited_s) == (False, 0)


def test_the_links_that_lose_something_are_given() -> None:
    world = WaitingWorld(CountingLinks([0, 1]))
    outcome, losing = asyncio.run(begin_to_lose(cast(WorldMechanisms, world), LINKS, (AB,)))
    assert (outcome.details["cut"], losing) == ([["n1", "n2"]], (AB,))
