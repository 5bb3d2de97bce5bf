"""The worlds of real processes by name, and which mechanisms each offers to faults."""

from __future__ import annotations

from collections.abc import Mapping

from harness.cluster.mechanisms.catalogue import MECHANISMS
from harness.nemesis.mechanisms.links import MESSAGE_LINKS
from harness.nemesis.mechanisms.world import WorldKind

LOCAL = WorldKind("local", frozenset((*MECHANISMS, MESSAGE_LINKS)))
"""Its links are proxies, which know connections and messages."""
NETNS = WorldKind("netns", frozenset(MECHANISMS))
SSH = WorldKind("ssh", frozenset(MECHANISMS))
HOSTED_WORLDS: Mapping[str, WorldKind] = {kind.name: kind for kind in (LOCAL, NETNS, SSH)}
"""By the name that `--world` takes."""
