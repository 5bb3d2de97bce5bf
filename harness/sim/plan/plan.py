"""A plan: all that determines a simulated run, apart from the code."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.nemesis.quorum import QuorumEnd
from harness.nemesis.schedule import Pace
from harness.run.test import Test
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.plan.fault_rates import FaultRates
from harness.sim.plan.scheduled_faults import ScheduledFault


class Plan(msgspec.Struct, frozen=True):
    """The test, and the world that it runs in. `plan_of` draws a whole one from a seed (swarm.py)."""

    test: Test
    fault_rates: FaultRates = FaultRates()
    pace: Pace = Pace()
    """How long the nemesis's faults last, and the calm between them."""
    drift_ppm: Mapping[str, int] = {}
    """By node, how much faster its clock runs; 0 for a node that is not named."""
    scheduled_faults: tuple[ScheduledFault, ...] = ()
    in_order: bool = True
    """Whether messages on one link keep their order, as TCP's do."""
    settings: Mapping[str, int | bool] = {}
    """The nodes' settings that are not the default (node_impl/core/config.py): small bounds make often happen
    what is rare with the usual ones."""
    quorum_end: QuorumEnd | None = None
    """What stays broken in the end while a quorum is well; None for a run that ends without such a phase."""
    core: ForeignCore | None = None
    """The core that nodes are made of; None for the reference node."""
    overtime_s: int = 0
    """For how many seconds more work and faults go on, at the most, while fewer writes were acknowledged than
    the test needs."""


class SeedOptions(msgspec.Struct, frozen=True):
    """What the user fixes for all seeds; a seed draws whatever is None."""

    nodes: int | None = None
    concurrency: int | None = None
    rate: int | None = None
    """Client operations a simulated second."""
    time_limit_s: int | None = None
    """Simulated seconds of work and faults."""
    nemesis: tuple[str, ...] | None = None
    workload: str = "registry"
    mutant: str | None = None
    lease: bool = False
    """Nodes serve reads under a lease, within whose bound their clocks drift."""
    right_clocks: bool = False
    """No clock drifts, unless the nemesis is asked for that fault."""
    core: ForeignCore | None = None
    """The core that nodes are made of; None for the reference node."""
