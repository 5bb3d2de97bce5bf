"""Vacuity: a run that put the system to no test is not valid.

The verdict is `unknown` if too few writes were acknowledged, or if a fault that was asked for never took
effect: no kill ended a process; kills were aimed at the leader and none met it; a partition dropped no
message; a pause stopped no process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from checkers.raft.invariants.membership import committed_configurations
from checkers.run.faults import FaultOperation, fault_operations
from checkers.run.writes import WRITES
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import count, plural, sentence
from history import NEMESIS, Recording
from history.history import OK

DEFAULT_MINIMUM_ACKNOWLEDGED = 100
LEADER = "leader"
SWALLOWED = ("swallowed_messages", "swallowed_packets")
"""What a heal reports of the cut that it ends: a link proxy counts messages, a packet filter packets."""


@dataclass(frozen=True)
class Vacuity:
    """Judges whether the run put the system to the test."""

    name: str = "vacuity"
    writes: tuple[str, ...] = WRITES
    """The operations that are writes."""

    def check(self, recording: Recording) -> Verdict:
        """Count acknowledged writes; look for the effect of every kind of fault asked for."""
        columns = recording.history.columns
        codes = [columns.f_code(f) for f in self.writes]
        is_write = np.isin(columns.f, codes) & (columns.process != NEMESIS)
        acknowledged = int(np.count_nonzero(is_write & (columns.type == OK)))
        asked_minimum = recording.options.get("minimum_acknowledged", DEFAULT_MINIMUM_ACKNOWLEDGED)
        minimum = asked_minimum if isinstance(asked_minimum, int) else DEFAULT_MINIMUM_ACKNOWLEDGED
        reasons: list[str] = []
        if acknowledged < minimum:
            reasons.append(
                f"only {plural(acknowledged, 'write was', 'writes were')} acknowledged; "
                f"a run needs at least {count(minimum)}"
            )

        families = dict.fromkeys(fault.partition(":")[0] for fault in asked_faults(recording))
        faults = fault_operations(recording.history)
        for family in families:
            judge = _JUDGES.get(family, _any_effect)
            reason = judge(family, faults, recording)
            if reason is not None:
                reasons.append(reason)
        effects = _effects(faults)
        if reasons:
            summary = f"the run proves little: {'; '.join(reasons)}"
        else:
            asked = (
                f"faults that took effect: {', '.join(families)}" if families else "no fault was asked for"
            )
            summary = f"{plural(acknowledged, 'write was', 'writes were')} acknowledged; {asked}"
        return Verdict(
            checker=self.name,
            validity=Validity.UNKNOWN if reasons else Validity.VALID,
            summary=summary,
            evidence=tuple(
                Evidence(title="the run proves little", text=f"{sentence(reason)}.") for reason in reasons
            ),
            measures={"acknowledged_writes": acknowledged, "actions_that_took_effect": effects},
            caveats=() if families else ("no fault was asked for, so the verdicts say nothing about faults",),
        )


def asked_faults(recording: Recording) -> tuple[str, ...]:
    """The faults that the run was asked for: `kill`, or with a target, `kill:leader`."""
    asked: Any = recording.options.get("nemesis")
    return tuple(item for item in asked if isinstance(item, str)) if isinstance(asked, Sequence) else ()


def _effects(faults: list[FaultOperation]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for fault in faults:
        for action in fault.actions:
            counts[action.kind] = counts.get(action.kind, 0) + bool(action.took_effect)
    return counts


_Judge = Callable[[str, list[FaultOperation], Recording], str | None]
"""A function of (fault name, fault operations, recording): why the fault had no effect, or None if it had."""


def _any_effect(family: str, faults: list[FaultOperation], recording: Recording) -> str | None:
    del recording
    mine = [fault for fault in faults if fault.f == family]
    if any(action.took_effect for fault in mine for action in fault.actions):
        return None
    return f"{family} was asked for ({plural(len(mine), 'operation')}), but never took effect"


def _kill(family: str, faults: list[FaultOperation], recording: Recording) -> str | None:
    without_effect = _any_effect(family, faults, recording)
    if without_effect is not None:
        return without_effect
    kills = [fault for fault in faults if fault.f == family]
    aimed = [fault for fault in kills if fault.target == LEADER]
    if not aimed and f"{family}:{LEADER}" not in asked_faults(recording):
        return None
    lost = [
        fault
        for fault in kills
        if fault.leader is not None and any(fault.leader in action.nodes for action in fault.took("Kill"))
    ]
    if not lost:
        return "the leader was to be killed, but no kill met a leader"
    if recording.traces and not any(_led_later(fault, recording) for fault in lost):
        return f"{plural(len(lost), 'kill')} met a leader, but no node became leader of a later term"
    return None


def _led_later(fault: FaultOperation, recording: Recording) -> bool:
    """Whether some node led a term after the one in which the fault met its leader."""
    if fault.term is None:
        return False
    return any(
        event.event == "role" and event.role == LEADER and event.term > fault.term
        for trace in recording.traces.values()
        for event in trace.events
    )


def _partition(family: str, faults: list[FaultOperation], recording: Recording) -> str | None:
    without_effect = _any_effect(family, faults, recording)
    if without_effect is not None:
        return without_effect
    for fault in faults:
        for action in fault.actions:
            if action.kind == "Heal" and any(_swallowed(action.details.get(name)) for name in SWALLOWED):
                return None
    return "the network was cut, but no message was lost on the links that were cut"


def _membership(family: str, faults: list[FaultOperation], recording: Recording) -> str | None:
    """Judge by what the nodes committed; where there are no traces, by what the changes were answered."""
    if not recording.traces:
        mine = [fault for fault in faults if fault.f == "change-membership"]
        if any(action.took_effect for fault in mine for action in fault.actions):
            return None
        changes = plural(len(mine), "operation")
        return f"{family} was asked for ({changes}), but none is known to have taken effect"
    if committed_configurations(recording.traces.values()) > 1:
        return None
    return f"{family} was asked for, but no node committed a change of the members"


def _ambush(family: str, faults: list[FaultOperation], recording: Recording) -> str | None:
    """Only the wait, or its end, shows which node it met; what provoked the moment does not count."""
    del recording
    if any(list(fault.took(kind)) for fault in faults for kind in ("LieInWait", "EndAmbush")):
        return None
    return f"{family} was asked for, but met no node"


def _swallowed(count: object) -> bool:
    return isinstance(count, int) and count > 0


_JUDGES: dict[str, _Judge] = {
    "kill": _kill,
    "partition": _partition,
    "membership": _membership,
    "ambush": _ambush,
}
