"""What a seed's plan must leave out where its nodes are made of a core of others.

A core has no membership changes and no settings of the reference node. A node that does not say which role
it has cannot be aimed at as the leader. And where a quorum alone is healed, a core without pre-vote may
rightly elect no leader, so no run of a core ends so.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.nemesis import NEMESES
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.plan.plan import Plan
from harness.sim.plan.scheduled_faults import CrashAfterElection, MuteLeader

LOCKSTEP = "lockstep"
"""What a test of a core names as its system."""
NOT_OF_CORES = frozenset({"membership"})
_LEADER = "leader"


def faults_for_core(faults: Sequence[str], core: ForeignCore) -> tuple[str, ...]:
    """Those of a seed's faults that nodes of this core can have, aimed at what they say of themselves."""
    possible = [fault for fault in faults if fault.partition(":")[0] not in NOT_OF_CORES]
    if core.traces != "none":
        return tuple(possible)
    return tuple(aimed for fault in possible if (aimed := _without_leader(fault)) is not None)


def _without_leader(fault: str) -> str | None:
    """A fault that no leader is the target of; None if it has no other target."""
    name, _, target = fault.partition(":")
    others = [one for one in NEMESES[name].targets if _LEADER not in one]
    if name == "ambush" or not others:
        return None
    return fault if target in others else f"{name}:{others[0]}"


def plan_for_core(plan: Plan, core: ForeignCore) -> Plan:
    """The plan of a seed for nodes of this core."""
    aimed = CrashAfterElection | MuteLeader
    faults = plan.scheduled_faults
    if core.traces == "none":
        faults = tuple(fault for fault in faults if not isinstance(fault, aimed))
    return msgspec.structs.replace(
        plan,
        test=msgspec.structs.replace(plan.test, system=LOCKSTEP, plain_clients=0),
        scheduled_faults=faults,
        settings={},
        quorum_end=None,
        core=core,
    )
