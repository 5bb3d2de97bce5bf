"""The worlds of real processes by name, and which mechanisms each offers to faults."""

from __future__ import annotations

from collections.abc import Mapping

from harness.cluster.mechanisms.catalogue import MECHANISMS
from harness.nemesis.mechanisms.links import BAD_LINKS, LINKS, LOSSY_LINKS, MESSAGE_LINKS
from harness.nemesis.mechanisms.world import WorldKind
from harness.systems.base import Links

LOCAL = WorldKind("local", frozenset((*MECHANISMS, MESSAGE_LINKS)))
"""Its links are proxies, which know connections and messages."""
NETNS = WorldKind("netns", frozenset(MECHANISMS))
SSH = WorldKind("ssh", frozenset(MECHANISMS))
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
