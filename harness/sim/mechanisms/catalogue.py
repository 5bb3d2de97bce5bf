"""All mechanisms of the simulated world. A new one is a class of this folder, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.nemesis.mechanisms.clocks import CLOCK_RATES
from harness.nemesis.mechanisms.cluster import EXACT_MOMENTS, MEMBERS
from harness.nemesis.mechanisms.disks import DISKS, STORED_FILES
from harness.nemesis.mechanisms.links import BAD_LINKS, LINKS, LOSSY_LINKS, MESSAGE_LINKS
from harness.nemesis.mechanisms.processes import PROCESSES, PROCESSOR_TIME
from harness.nemesis.mechanisms.world import Mechanism, WorldKind
from harness.sim.mechanisms.clocks import SimulatedClockRates
from harness.sim.mechanisms.cluster import SimulatedMembers, SimulatedMoments
from harness.sim.mechanisms.disks import SimulatedDisks, SimulatedFiles
from harness.sim.mechanisms.links import SimulatedBadLinks, SimulatedLinks, SimulatedLossyLinks
from harness.sim.mechanisms.processes import SimulatedProcesses, SimulatedProcessorTime
from harness.sim.world.world import SimulatedWorld

MECHANISMS: Mapping[Mechanism[Any], Callable[[SimulatedWorld], Any]] = {
    PROCESSES: SimulatedProcesses,
    PROCESSOR_TIME: SimulatedProcessorTime,
    LINKS: SimulatedLinks,
    LOSSY_LINKS: SimulatedLossyLinks,
    BAD_LINKS: SimulatedBadLinks,
    MESSAGE_LINKS: SimulatedBadLinks,
    DISKS: SimulatedDisks,
    STORED_FILES: SimulatedFiles,
    CLOCK_RATES: SimulatedClockRates,
    MEMBERS: SimulatedMembers,
    EXACT_MOMENTS: SimulatedMoments,
}
"""The class that implements each mechanism. A class is made once for each world, also where it is listed
twice."""

SIM = WorldKind("sim", frozenset(MECHANISMS))
"""What faults can have in the simulated world. Not here: wall clocks, which no part of a simulated node
reads, and limits on files and memory, which a simulated node does not use."""
