"""All mechanisms of clusters of real processes.

A new one is a file of its own, one line here, and its name in harness/cluster/kinds.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.cluster.attachment import MakeAttachment, RunningCluster
from harness.cluster.collecting.cores import CoreDumps
from harness.cluster.collecting.packets import PacketCapture
from harness.cluster.kinds import HOSTED
from harness.cluster.mechanisms.clocks import HostClocks
from harness.cluster.mechanisms.disks import HostDisks
from harness.cluster.mechanisms.files import HostFiles
from harness.cluster.mechanisms.limits import HostLimits
from harness.cluster.mechanisms.links import HostBadLinks, NoLinks
from harness.cluster.mechanisms.members import HostMembers
from harness.cluster.mechanisms.processes import HostProcesses, HostProcessorTime
from harness.nemesis.mechanisms.clocks import CLOCK_RATES, WALL_CLOCKS
from harness.nemesis.mechanisms.cluster import MEMBERS
from harness.nemesis.mechanisms.disks import DISKS, STORED_FILES
from harness.nemesis.mechanisms.links import BAD_LINKS, LINKS, LOSSY_LINKS
from harness.nemesis.mechanisms.processes import PROCESS_LIMITS, PROCESSES, PROCESSOR_TIME
from harness.nemesis.mechanisms.world import Mechanism, MechanismError


def _lossy_links(cluster: RunningCluster) -> Any:
    if cluster.layout.lossy is None:
        raise MechanismError("the links of this world cannot lose a part of what they carry")
    return cluster.layout.lossy


MECHANISMS: Mapping[Mechanism[Any], Callable[[RunningCluster], Any]] = {
    PROCESSES: HostProcesses,
    PROCESSOR_TIME: HostProcessorTime,
    PROCESS_LIMITS: HostLimits,
    LINKS: lambda cluster: cluster.layout.links or NoLinks(),
    LOSSY_LINKS: _lossy_links,
    BAD_LINKS: HostBadLinks,
    WALL_CLOCKS: HostClocks,
    CLOCK_RATES: HostClocks,
    DISKS: HostDisks,
    STORED_FILES: HostFiles,
    MEMBERS: HostMembers,
}
"""How each mechanism is made. One that must be prepared at nodes before they start is an `Attachment`; two
mechanisms with the same class share one object of it."""
if MECHANISMS.keys() != HOSTED:
    raise LookupError("harness/cluster/kinds.py and mechanisms/catalogue.py do not name the same mechanisms")

COLLECTORS: Mapping[str, MakeAttachment] = {"packets": PacketCapture, "cores": CoreDumps}
"""What `--collect` names."""
