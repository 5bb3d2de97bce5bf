"""Convergence: once all faults are healed and writes have ended, every node catches up with the others.

When the last reads of a run begin (`harness/workload/final_reads.py`), replies have named some Raft index.
Every member of the cluster has to apply its log up to there within the bound. What shows how far a node is,
are its answers to reads of its own state, and the end of its trace.

A node that stays behind for longer than the bound is a violation. On a real clock, the stalls of the harness
do not count, only answers to reads tell the time, and a node that still makes progress may only be slow: then
the verdict is `unknown`. In virtual time all links are fast by then, so a node that is still behind is wrong
even if it moves. A node that was removed need not follow.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from checkers.run.faults import fault_operations
from checkers.run.recovery import DEFAULT_BOUND_S
from checkers.run.stalls import Stalls, ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural, seconds
from history import History, Operation, Recording, TraceEvent
from history.nemesis import FINAL_HEAL
from history.units import SECOND_NS

LAST_READS, OWN_STATE = "final-", "final-local"
"""How the names of the last reads begin; those of a node's own state."""


@dataclass(frozen=True)
class _End:
    """The quiet end of a run."""

    floor: int
    """The highest Raft index that any reply had named when the last reads began."""
    since: int
    """From when on all nodes could catch up with that, in nanoseconds of the run."""


@dataclass(frozen=True)
class _Node:
    """What shows how far one node came."""

    name: str
    answers: tuple[Operation, ...]
    """The completions of the reads of its own state."""
    last: TraceEvent | None
    """The last event of its trace."""

    @property
    def reached(self) -> int:
        """Up to where it is known to have applied its log."""
        named = [answer.raft_index or 0 for answer in self.answers]
        return max([*named, 0 if self.last is None else self.last.applied])


@dataclass(frozen=True)
class Convergence:
    """Judges whether every node has caught up at the end."""

    name: str = "convergence"

    def check(self, recording: Recording) -> Verdict:
        """Compare what each node had applied at last with the highest index that was named before."""
        end = _end(recording)
        if end is None:
            reason = "no index was named, or nothing was read, after the final heal"
            return Verdict.marked(checker=self.name, mark=Unjudged.NOT_EXERCISED, summary=reason)
        bound = recording.options.get("recovery_bound_s", DEFAULT_BOUND_S)
        bound_ns = int((bound if isinstance(bound, int | float) else DEFAULT_BOUND_S) * SECOND_NS)
        judged = [_node(name, recording) for name in members(recording)]
        late = {node.name: end.floor - node.reached for node in judged if node.reached < end.floor}
        evidence: list[Evidence] = []
        doubts: list[str] = []
        for node in judged:
            if node.name not in late:
                continue
            missing, why_not = late[node.name], _excuse(node, end, recording, bound_ns)
            if why_not is None:
                evidence.append(_evidence(recording.history, node, missing, end, judged))
            else:
                doubts.append(f"{node.name} is {plural(missing, 'entry', 'entries')} behind, but {why_not}")
        mark: Mark
        if evidence:
            mark, summary = Validity.INVALID, "; ".join(one.title for one in evidence)
        elif doubts:
            mark, summary = Validity.UNKNOWN, "; ".join(doubts)
        else:
            mark = Validity.VALID
            summary = f"{plural(len(judged), 'node')} reached index {end.floor} after the final heal"
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence),
            measures={"bound_s": bound_ns / SECOND_NS, "index": end.floor, "entries_behind": late},
        )


def members(recording: Recording) -> tuple[str, ...]:
    """The voters and learners of the newest configuration that some node traced as committed; all nodes,
    where no trace names one."""
    newest, found = -1, recording.nodes
    for trace in recording.traces.values():
        waiting: list[tuple[int, tuple[str, ...]]] = []
        for event in trace.events:
            if event.event == "configuration" and event.members is not None:
                waiting.append((event.index or 0, (*event.members, *event.learners)))
            elif not waiting:
                continue
            # Beyond the end of the log it was truncated, or lost in a crash, and never comes into force.
            waiting = [one for one in waiting if one[0] <= event.last]
            for index, named in [one for one in waiting if one[0] <= event.commit]:
                waiting.remove((index, named))
                if index > newest:
                    newest, found = index, named
    return tuple(node for node in recording.nodes if node in found)


def _end(recording: Recording) -> _End | None:
    heals = [fault for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL]
    if not heals:
        return None
    healed = heals[-1].completion
    floor, named_at = 0, 0
    for operation in recording.history:
        if not operation.is_client:
            continue
        if operation.index > healed.index and operation.f.startswith(LAST_READS):
            return _End(floor, max(healed.time, named_at)) if floor else None
        if operation.type == "ok" and (operation.raft_index or 0) > floor:
            floor, named_at = operation.raft_index or 0, operation.time
    return None


def _node(name: str, recording: Recording) -> _Node:
    answers = tuple(
        operation
        for operation in recording.history
        if operation.type == "ok" and operation.f == OWN_STATE and operation.node == name
    )
    trace = recording.traces.get(name)
    (last,) = deque(() if trace is None else trace.events, maxlen=1) or (None,)
    return _Node(name, answers, last)


def _excuse(node: _Node, end: _End, recording: Recording, bound_ns: int) -> str | None:
    """Why it is no violation that a node is behind; None if it is one."""
    is_real = ran_on_a_real_clock(recording)
    times = [answer.time for answer in node.answers]
    if not is_real and node.last is not None:
        times.append(node.last.at)
    if not times:
        return "it answered no read of its own state"
    if not Stalls.of(recording).ran_longer_than(bound_ns, end.since, max(times)):
        return f"it is not known where it was {bound_ns / SECOND_NS:g} s later, without stalls of the harness"
    halfway = [one.raft_index or 0 for one in node.answers if one.time <= max(times) - bound_ns // 2]
    if is_real and (not halfway or max(halfway) < node.reached):
        return "it still made progress"
    return None


def _evidence(history: History, node: _Node, missing: int, end: _End, judged: list[_Node]) -> Evidence:
    others = ", ".join(f"{one.name} up to {one.reached}" for one in judged if one is not node)
    at = seconds(node.answers[-1].time) if node.answers else "the end"
    last = node.last
    return Evidence(
        title=f"{node.name} stays {plural(missing, 'entry', 'entries')} behind",
        text=(
            f"At {seconds(end.since)} all faults were healed, and a reply had named index {end.floor}. "
            f"At {at} {node.name} had applied its log only up to index {node.reached} ({others})."
        ),
        operations=tuple(history.number(answer.index) for answer in node.answers[-1:]),
        events=() if last is None else (EventRef(last.node, last.life, last.seq),),
        kind="a node stays behind",
    )
