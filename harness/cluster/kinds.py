"""The worlds of real processes, and which mechanisms each offers to faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.nemesis.mechanisms.clocks import CLOCK_RATES, WALL_CLOCKS
from harness.nemesis.mechanisms.cluster import MEMBERS
from harness.nemesis.mechanisms.disks import DISKS, STORED_FILES
from harness.nemesis.mechanisms.links import BAD_LINKS, LINKS, LOSSY_LINKS, MESSAGE_LINKS
from harness.nemesis.mechanisms.processes import PROCESS_LIMITS, PROCESSES, PROCESSOR_TIME
from harness.nemesis.mechanisms.world import Mechanism, WorldKind

_OF_PROCESSES: frozenset[Mechanism[Any]] = frozenset(
    {
        PROCESSES,
        PROCESSOR_TIME,
        PROCESS_LIMITS,
        LINKS,
        LOSSY_LINKS,
        BAD_LINKS,
        DISKS,
        STORED_FILES,
        WALL_CLOCKS,
        CLOCK_RATES,
        MEMBERS,
    }
)

LOCAL = WorldKind("local", _OF_PROCESSES | {MESSAGE_LINKS})
NETNS = WorldKind("netns", _OF_PROCESSES)
SSH = WorldKind("ssh", _OF_PROCESSES)
HOSTED_WORLDS: Mapping[str, WorldKind] = {kind.name: kind for kind in (LOCAL, NETNS, SSH)}
"""By the name that `--hosts` takes."""
