"""What a seed's plan must leave out where its nodes are made of a core of others.

A core has no membership changes and no settings of the reference node. A node that does not say which role
it has cannot be aimed at as the leader. And where a quorum alone is healed, a core without pre-vote may
rightly elect no leader, so no run of a core ends so.

A core whose persists are written and not synced promises nothing after a loss of power. So its nodes lose
power only where the user names that fault, and have no damage that only a journal of synced writes can
distinguish from a crash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.nemesis import NEMESES
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.plan.plan import Plan
from harness.sim.plan.scheduled_faults import (
    CrashAfterElection,
    CrashAtDiskCall,
    CrashAtEffect,
    MuteLeader,
    ScheduledFault,
)

LOCKSTEP = "lockstep"
"""What a test of a core names as its system."""
NOT_OF_CORES = frozenset({"membership"})
NOT_OF_WRITTEN = frozenset({"rot", "torn"})
_POWER = "power"
_LEADER = "leader"


def faults_for_core(faults: Sequence[str], core: ForeignCore, *, are_drawn: bool = False) -> tuple[str, ...]:
    """Those of a seed's faults that nodes of this core can have, aimed at what they say of themselves.

    Args:
        are_drawn: whether the seed has drawn them; the user has named them otherwise.
    """
    without = NOT_OF_CORES
    if core.persists == "written":
        without |= NOT_OF_WRITTEN | ({_POWER} if are_drawn else frozenset())
    possible = [fault for fault in faults if fault.partition(":")[0] not in without]
    if core.traces != "none":
        return tuple(possible)
    return tuple(aimed for fault in possible if (aimed := _without_leader(fault)) is not None)


def impossible_for_core(faults: Sequence[str], core: ForeignCore) -> Iterator[str]:
    """For each fault of a user that nodes of this core cannot have, that in words."""
    for fault in faults:
        if not faults_for_core((fault,), core):
            yield f"nodes of a core cannot have the fault {fault} (docs/lockstep.md)"


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
    if core.persists == "written" and not any(
        fault.partition(":")[0] == _POWER for fault in plan.test.nemesis
    ):
        faults = tuple(map(_with_power, faults))
    return msgspec.structs.replace(
        plan,
        test=msgspec.structs.replace(plan.test, system=LOCKSTEP, plain_clients=0),
        scheduled_faults=faults,
        settings={},
        quorum_end=None,
        core=core,
    )


def _with_power(fault: ScheduledFault) -> ScheduledFault:
    """The same, but the machine keeps its power."""
    match fault:
        case CrashAtDiskCall():
            return msgspec.structs.replace(fault, power_lost=False, power_lost_next=False)
        case CrashAtEffect() | CrashAfterElection():
            return msgspec.structs.replace(fault, power_lost=False)
        case _:
            return fault
