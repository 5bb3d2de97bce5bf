"""Vacuity: a run that put the system to no test is not valid.

The verdict is `unknown` if too few writes were acknowledged; if no operation of some kind ever succeeded; or
if a fault that was asked for never took effect. What shows the effect, each fault declares itself
(`history.nemesis.Proof`), and the run's folder keeps it. That a leader was lost, and another followed, the
nodes' traces show; without traces it rests on what nodes answered when they were asked, and a caveat says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from checkers.lacking import lacks
from checkers.raft.invariants.membership import committed_configurations
from checkers.run.faults import FaultOperation, fault_operations
from checkers.run.writes import WRITES, are_writes
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import count, plural, sentence
from history import NEMESIS, History, Recording
from history.history import INVOKE, OK
from history.nemesis import FaultKind, FaultKinds, Proof
from history.recording import ENDED_EARLY

DEFAULT_MINIMUM_ACKNOWLEDGED = 100
LEADER = "leader"
SWALLOWED = ("swallowed_messages", "swallowed_packets", "swallowed_bytes")
"""What a heal reports of the cut that it ends: a link proxy counts messages, or bytes where it cannot tell
messages apart; a packet filter counts packets."""


@dataclass(frozen=True)
class Vacuity:
    """Judges whether the run put the system to the test."""

    name: str = "vacuity"
    writes: tuple[str, ...] = WRITES
    """The operations that are writes."""

    def check(self, recording: Recording) -> Verdict:
        """Count acknowledged writes; look for the effect of every kind of fault asked for."""
        columns = recording.history.columns
        is_write = are_writes(recording.history, self.writes)
        acknowledged = int(np.count_nonzero(is_write & (columns.type == OK)))
        asked_minimum = recording.options.get("minimum_acknowledged", DEFAULT_MINIMUM_ACKNOWLEDGED)
        minimum = asked_minimum if isinstance(asked_minimum, int) else DEFAULT_MINIMUM_ACKNOWLEDGED
        reasons: list[str] = []
        if ENDED_EARLY in recording.options:
            reasons.append(f"its work ended early: {recording.options[ENDED_EARLY]}")
        if not ((columns.type == OK) & (columns.process != NEMESIS)).any():
            reasons.append(f"no operation of a client succeeded{commonest_error(recording.history)}")
        else:
            if acknowledged < minimum:
                reasons.append(
                    f"only {plural(acknowledged, 'write was', 'writes were')} acknowledged; "
                    f"a run needs at least {count(minimum)}"
                )
            reasons += [
                f"no {f} operation succeeded, of {count(asked)}" for f, asked in _never_ok(recording.history)
            ]
        families = dict.fromkeys(fault.partition(":")[0] for fault in asked_faults(recording))
        faults, kinds = fault_operations(recording.history), FaultKinds(recording.fault_kinds)
        caveats = [] if families else ["no fault was asked for, so the verdicts say nothing about faults"]
        for family in families:
            kind = kinds.named(family)
            if kind is None or kind.proof is None:
                reason: str | None = f"the run does not record what shows that {family} took effect"
            else:
                reason = _JUDGES[kind.proof](kind, faults, recording)
                rests_on = _rests_on(kind, faults, recording)
                caveats += [] if rests_on is None else [rests_on]
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
            caveats=tuple(caveats),
        )


def writes_of(checkers: Iterable[object]) -> tuple[str, ...]:
    """The names of the operations that are writes, as the one of these checkers counts them that counts."""
    return next((checker.writes for checker in checkers if isinstance(checker, Vacuity)), WRITES)


def asked_faults(recording: Recording) -> tuple[str, ...]:
    """The faults that the run was asked for: `kill`, or with a target, `kill:leader`."""
    asked: Any = recording.options.get("nemesis")
    return tuple(item for item in asked if isinstance(item, str)) if isinstance(asked, Sequence) else ()


def _never_ok(history: History) -> list[tuple[str, int]]:
    """The clients' operations by name of which none ended `ok`, and how many there were."""
    columns = history.columns
    client = columns.process != NEMESIS
    asked = np.bincount(columns.f[client & (columns.type == INVOKE)], minlength=len(columns.f_names))
    answered = np.bincount(columns.f[client & (columns.type == OK)], minlength=len(columns.f_names))
    return [
        (columns.f_names[code], int(asked[code])) for code in np.flatnonzero((asked > 0) & (answered == 0))
    ]


def commonest_error(history: History) -> str:
    """Which error most operations of clients ended with, as the end of a sentence."""
    columns = history.columns
    said = columns.error[(columns.process != NEMESIS) & (columns.error >= 0)]
    return "" if not len(said) else f": most ended with '{columns.errors[int(np.bincount(said).argmax())]}'"


def _effects(faults: list[FaultOperation]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for fault in faults:
        for action in fault.actions:
            counts[action.kind] = counts.get(action.kind, 0) + bool(action.took_effect)
    return counts


_Judge = Callable[[FaultKind, list[FaultOperation], Recording], str | None]
"""A function of (kind of fault, fault operations, recording): why the fault had no effect, or None if it had.
"""


def _any_effect(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    del recording
    mine = [fault for fault in faults if fault.f == kind.begin]
    if any(action.took_effect for fault in mine for action in fault.actions):
        return None
    if not mine:
        return f"{kind.name} is a fault of this run, but it never had a turn"
    return f"{kind.name} was asked for ({plural(len(mine), 'operation')}), but never took effect"


def _leader_lost(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    """Where a leader was aimed at, one must have been met, and another must have followed it."""
    without_effect = _any_effect(kind, faults, recording)
    if without_effect is not None:
        return without_effect
    aimed = any(fault.f == kind.begin and fault.target == LEADER for fault in faults)
    if not aimed and f"{kind.name}:{LEADER}" not in asked_faults(recording):
        return None
    lost = _lost_leaders(kind, faults)
    if not lost:
        return f"a leader was the target of {kind.name}, but no {kind.name} met a leader"
    followed = _followed(lost, recording)
    if followed is False:
        return f"{plural(len(lost), kind.name)} met a leader, but no node became leader of a later term"
    return None


def _lost_leaders(kind: FaultKind, faults: list[FaultOperation]) -> list[FaultOperation]:
    """The operations of a fault that met the leader of the moment."""
    return [
        fault
        for fault in faults
        if fault.f == kind.begin
        and fault.leader is not None
        and any(fault.leader in action.nodes for name in kind.begun_by for action in fault.took(name))
    ]


def _followed(lost: list[FaultOperation], recording: Recording) -> bool | None:
    """Whether a leader of a later term followed one that was lost; None if nothing shows it either way.

    Traces show it. Without them it rests on what nodes answered when they were asked.
    """
    if _is_traced(recording):
        return any(_led_later(fault, recording) for fault in lost)
    answers = [
        (status.time, status.node, status.term) for status in recording.statuses if status.role == LEADER
    ]
    for fault in fault_operations(recording.history):
        if fault.leader is not None:
            answers.append((fault.invocation.time, fault.leader, fault.term or 0))
    if any(_answered_later(fault, *answer) for fault in lost for answer in answers):
        return True
    names_terms = any(status.term > 0 for status in recording.statuses)
    return False if names_terms and any(fault.term for fault in lost) else None


def _answered_later(fault: FaultOperation, time: int, leader: str, term: int) -> bool:
    """Whether an answer names a leader after the one that a fault met: of a later term, where terms are
    named, or else another node."""
    if time <= fault.completion.time:
        return False
    return term > fault.term if fault.term and term else leader != fault.leader


def _rests_on(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    """What the proof that a leader was lost rests on, where there are no traces."""
    lost = _lost_leaders(kind, faults)
    if kind.proof != "leader lost" or not lost or _is_traced(recording):
        return None
    met = f"that {kind.name} met a leader rests on what nodes answered when they were asked"
    match _followed(lost, recording):
        case True:
            return f"{met}, and so does that another leader followed"
        case False:
            return f"{met}; none of them led a later term afterwards"
    return f"{met}; whether another leader followed is not known"


def _is_traced(recording: Recording) -> bool:
    """Whether there are traces of the nodes, and not only folders for those that the system cannot write."""
    return bool(recording.traces) and not lacks(recording, "traces")


def _led_later(fault: FaultOperation, recording: Recording) -> bool:
    """Whether some node led a term after the one in which the fault met its leader."""
    if fault.term is None:
        return False
    return any(
        event.event == "role" and event.role == LEADER and event.term > fault.term
        for trace in recording.traces.values()
        for event in trace.events
    )


def _traffic_lost(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    """What heals the links must report that messages or packets were lost on them.

    What began to lose them cannot always tell: nodes may have been silent for as long as it looked.
    """
    healed = [action for fault in faults for action in fault.actions if action.kind in kind.ended_by]
    if any(_swallowed(action.details.get(name)) for action in healed for name in SWALLOWED):
        return None
    mine = [fault for fault in faults if fault.f == kind.begin]
    if any(action.took_effect is not False for fault in mine for action in fault.actions):
        return f"{kind.name} was in place, but no message was lost on the links that it struck"
    return _any_effect(kind, faults, recording)


def _members_changed(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    """Judge by what the nodes committed; where there are no traces, by what the changes were answered."""
    if not _is_traced(recording):
        mine = [fault for fault in faults if fault.f == kind.begin]
        if any(action.took_effect for fault in mine for action in fault.actions):
            return None
        changes = plural(len(mine), "operation")
        return f"{kind.name} was asked for ({changes}), but none is known to have taken effect"
    if committed_configurations(recording.traces.values()) > 1:
        return None
    return f"{kind.name} was asked for, but no node committed a change of the members"


def _node_met(kind: FaultKind, faults: list[FaultOperation], recording: Recording) -> str | None:
    """Only the wait, or its end, shows which node it met; what provoked the moment does not count."""
    del recording
    if any(list(fault.took(name)) for fault in faults for name in ("LieInWait", "EndAmbush")):
        return None
    return f"{kind.name} was asked for, but met no node"


def _swallowed(count: object) -> bool:
    return isinstance(count, int) and count > 0


_JUDGES: Mapping[Proof, _Judge] = {
    "effect": _any_effect,
    "leader lost": _leader_lost,
    "traffic lost": _traffic_lost,
    "members changed": _members_changed,
    "node met": _node_met,
}
