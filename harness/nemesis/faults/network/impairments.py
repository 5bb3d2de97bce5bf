"""Bad links: the actions, the planner and the fault that delay, rate, stall, ... have in common.

Links are chosen by the shapes of partitions: what a partition would cut, these make bad. How bad is drawn.
Consensus must stay safe on all of them, and most shared assumptions about order and uniqueness break
first where messages are repeated or overtake one another. Loss is a fault of its own (loss.py).

Where links are proxies whole messages are struck; elsewhere packets are, by tc
(harness/hosts/links/netem.py), and TCP makes up for what they suffer: nodes see late messages, never
repeated or overtaken ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.action import Action, Link, details_of
from harness.nemesis.fault import Fault
from harness.nemesis.faults.network.shapes import SHAPES, links_of_shape
from harness.nemesis.mechanisms.links import BAD_LINKS, BadLinks
from harness.nemesis.mechanisms.world import Mechanism, WorldMechanisms, WorldName, eventually
from harness.nemesis.needs import Need
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from history import Operation

EFFECT_BOUND_S = 2.0
POLL_S = 0.02
WORLDS_OF_PACKETS: tuple[WorldName, ...] = ("netns", "ssh")


class Impair(Action, frozen=True):
    """Make these links bad, in addition to what other faults do to them."""

    verb = "impair"
    links: tuple[Link, ...]
    by: str
    """The fault's name."""
    draw: int
    """Which messages are struck follows from it."""
    delay_ms: int = 0
    jitter_ms: int = 0
    """Up to so much more delay, drawn for each message."""
    rate_bytes_s: int | None = None
    is_stalled: bool = False
    """Nothing passes until the end of the fault, and then everything does."""
    reset_percent: int = 0
    lost_percent: int = 0
    repeated_percent: int = 0
    overtaken_percent: int = 0
    corrupted_percent: int = 0

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the first message, or piece of a stream, has been struck."""
        links = world.mechanism(BAD_LINKS)
        how = {name: value for name, value in details_of(self).items() if name not in ("by", "draw")}
        await links.impair(self.links, how, self.by, self.draw)

        async def has_struck() -> bool:
            return await links.struck(self.by) > 0

        struck = await eventually(world, has_struck, EFFECT_BOUND_S, POLL_S)
        asked = {name: value for name, value in how.items() if value}
        return Outcome(struck, asked, error=None if struck else "struck nothing yet")


class EndImpairment(Action, frozen=True):
    """End what one fault did to links."""

    verb = "repair the links"
    by: str

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done if the fault was on; the details count what it struck."""
        count = await world.mechanism(BAD_LINKS).end_impairment(self.by)
        return Outcome(count is not None, {"struck": count or 0})


class ImpairmentPlanner:
    """`NAME` with a partition's shape as its target, `heal-NAME` for all links.

    Args:
        kinds: arguments of `Impair`, one of which is drawn.
    """

    def __init__(self, name: str, kinds: tuple[Mapping[str, Any], ...]) -> None:
        self._name = name
        self._kinds = kinds

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Make the links of the shape bad."""
        if operation.f != self._name:
            return (EndImpairment(self._name),)
        drawn = Draw(draw)
        links = links_of_shape(self._name, operation, view, drawn)
        how = drawn.choose(self._kinds, "how bad")
        return (Impair(links, self._name, drawn.bits("messages"), **how),) if links else ()


def impairing(
    name: str,
    about: str,
    *kinds: Mapping[str, Any],
    evidence: str,
    packet_needs: tuple[Need, ...] = (),
    mechanism: Mechanism[BadLinks] = BAD_LINKS,
) -> Fault:
    """The fault that makes links bad in one way; which of `kinds` is drawn.

    Args:
        kinds: arguments of `Impair`.
        mechanism: `MESSAGE_LINKS` for what is possible only where links know messages.
    """
    return Fault(
        name=name,
        about=about,
        begin=name,
        end=f"heal-{name}",
        targets=tuple(SHAPES),
        planner=ImpairmentPlanner(name, kinds),
        actions=(Impair, EndImpairment),
        mechanisms=tuple(dict.fromkeys((BAD_LINKS, mechanism))),
        evidence=evidence,
        family="wire",
        begun_by=(Impair,),
        packet_needs=packet_needs,
        not_in_all=WORLDS_OF_PACKETS,
    )
