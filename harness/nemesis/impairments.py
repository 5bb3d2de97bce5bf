"""Bad links: late, slow, stalled, reset; and, message by message, repeated, overtaken, corrupted.

Links are chosen by the shapes of partitions: what a partition would cut, these make bad. How bad is drawn.
Consensus must stay safe on all of them, and most shared assumptions about order and uniqueness break
first where messages are repeated or overtake one another. Loss is a package of its own (loss.py).

Where links are proxies whole messages are struck; elsewhere packets are, by tc
(harness/hosts/links/netem.py), and TCP makes up for what they suffer: nodes see late messages, never
repeated or overtaken ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, EndImpairment, Impair
from harness.nemesis.package import REAL, FaultPackage, WorldName
from harness.nemesis.partition import SHAPES
from harness.nemesis.targets import TargetError, target_of
from history import Operation

PROXIES: tuple[WorldName, ...] = ("local",)
PACKETS: tuple[WorldName, ...] = ("netns", "ssh")


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
        target = target_of(operation)
        shape = SHAPES.get(target) if isinstance(target, str) else None
        if shape is None:
            raise TargetError(f"no {self._name} is called {target!r}; there are {', '.join(SHAPES)}")
        drawn = Draw(draw)
        links = shape(view, drawn)
        how = drawn.choose(self._kinds, "how bad")
        return (Impair(links, self._name, drawn.bits("messages"), **how),) if links else ()


def _package(
    name: str, about: str, *kinds: Mapping[str, Any], worlds: tuple[WorldName, ...] = REAL
) -> FaultPackage:
    return FaultPackage(
        name=name,
        about=about,
        begin=name,
        end=f"heal-{name}",
        targets=tuple(SHAPES),
        planner=ImpairmentPlanner(name, kinds),
        worlds=worlds,
        not_in_all=PACKETS,
    )


DELAY = _package(
    "delay",
    "messages between nodes arrive late, each by another time",
    {"delay_ms": 20, "jitter_ms": 20},
    {"delay_ms": 100, "jitter_ms": 100},
    {"delay_ms": 0, "jitter_ms": 800},
)
RATE = _package(
    "rate",
    "links between nodes carry only so many bytes a second",
    {"rate_bytes_s": 1_000},
    {"rate_bytes_s": 10_000},
)
STALL = _package(
    "stall",
    "links between nodes carry nothing, and then all of it late",
    {"is_stalled": True},
    worlds=PROXIES,
)
RESET = _package(
    "reset",
    "connections between nodes are reset again and again",
    {"reset_percent": 2},
    {"reset_percent": 20},
    worlds=PROXIES,
)
DUPLICATE = _package(
    "duplicate",
    "messages between nodes arrive twice",
    {"repeated_percent": 10},
    {"repeated_percent": 50},
)
REORDER = _package(
    "reorder",
    "messages between nodes overtake one another",
    {"overtaken_percent": 10},
    {"overtaken_percent": 50},
)
CORRUPT = _package(
    "corrupt",
    "one bit of some messages between nodes is flipped",
    {"corrupted_percent": 2},
    {"corrupted_percent": 20},
)
IMPAIRMENTS = (DELAY, RATE, STALL, RESET, DUPLICATE, REORDER, CORRUPT)
