"""The worlds of real processes by name, and which mechanisms each offers to faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.nemesis.mechanisms.clocks import CLOCK_RATES, WALL_CLOCKS
from harness.nemesis.mechanisms.cluster import MEMBERS
from harness.nemesis.mechanisms.disks import DISKS, STORED_FILES
from harness.nemesis.mechanisms.links import BAD_LINKS, LINKS, LOSSY_LINKS, MESSAGE_LINKS
from harness.nemesis.mechanisms.processes import PROCESS_LIMITS, PROCESSES, PROCESSOR_TIME
from harness.nemesis.mechanisms.world import Mechanism, WorldKind

if TYPE_CHECKING:
    from harness.systems.base import Links

HOSTED: frozenset[Mechanism[Any]] = frozenset(
    (
        *(PROCESSES, PROCESSOR_TIME, PROCESS_LIMITS, LINKS, LOSSY_LINKS, BAD_LINKS),
        *(WALL_CLOCKS, CLOCK_RATES, DISKS, STORED_FILES, MEMBERS),
    )
)
"""What every world of real processes offers. mechanisms/catalogue.py has what carries each out, and refuses
to load if one is missing; so the help of a command, which says where faults can be had, need not load it."""
LOCAL = WorldKind("local", HOSTED | {MESSAGE_LINKS})
"""Its links are proxies, which know connections and messages."""
NETNS = WorldKind("netns", HOSTED)
SSH = WorldKind("ssh", HOSTED)
WITHOUT_LINKS = WorldKind(
    "local",
    LOCAL.mechanisms - {LINKS, LOSSY_LINKS, BAD_LINKS, MESSAGE_LINKS},
    " for a system whose nodes are known by their addresses; --world netns gives each its own",
)
"""The local world of a system whose members dial each other directly."""
HOSTED_WORLDS: Mapping[str, WorldKind] = {kind.name: kind for kind in (LOCAL, NETNS, SSH)}
"""By the name that `--world` takes."""


def kind_of(world: str, links: Links) -> WorldKind:
    """The kind of a world by its name, for a system whose nodes are dialled so."""
    return WITHOUT_LINKS if (world, links) == ("local", "addresses") else HOSTED_WORLDS[world]
