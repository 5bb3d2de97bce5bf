"""The checker `conformance`: is every step of every node an action of Raft's specification?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from checkers.lacking import lacks
from checkers.limits import MUCH_EVIDENCE
from checkers.raft.conformance.order import Run
from checkers.raft.conformance.refinement import IllegalStep
from checkers.raft.facts.cluster import JUDGED_FROM_TRACES
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import count, plural
from history import Recording, TraceEvent

NOT_COVERED = (
    "other checkers judge replies to clients, applied states and configurations (docs/conformance.md)"
)


@dataclass(frozen=True)
class Conformance:
    """Compares every node's trace, step by step, with Raft's specification; see the package's docstring."""

    name: str = field(default="conformance")

    def check(self, recording: Recording) -> Verdict:
        """Judge all traces; where they show nothing but trivial steps, conformance was not exercised."""
        missing = _missing(recording)
        traces = {node: trace for node, trace in recording.traces.items() if trace.events}
        if not traces:
            if lacks(recording, "traces"):
                return Verdict.marked(self.name, Unjudged.NOT_APPLICABLE, "the system writes no traces")
            return Verdict(
                self.name, Validity.UNKNOWN, "no node wrote a trace", caveats=(JUDGED_FROM_TRACES,)
            )
        if lacks(recording, "contents"):
            why = "the system's traces do not say what messages hold"
            return Verdict.marked(self.name, Unjudged.NOT_APPLICABLE, why)
        run = Run(recording.nodes, traces, frozenset(missing))
        refinements = run.refinements.values()
        actions = Counter[str]()
        for refinement in refinements:
            actions.update(refinement.actions)
        refused = [*run.early, *(step for refinement in refinements for step in refinement.refused)]
        doubts = [doubt for refinement in refinements for doubt in refinement.doubts]
        unknown = [*missing.values(), *dict.fromkeys(doubts)]
        trivial = _trivial(actions, len(recording.nodes))
        found = _evidence(refused)
        steps = sum(actions.values())
        mark: Mark
        if found:
            mark = Validity.INVALID
            summary = (
                f"{plural(len(refused), 'step is', 'steps are')} not allowed by Raft's specification; "
                f"for example: {found[0].title}"
            )
        elif unknown:
            mark, summary = Validity.UNKNOWN, unknown[0]
        elif trivial is not None:
            mark, summary = Unjudged.NOT_EXERCISED, trivial
        else:
            mark = Validity.VALID
            summary = (
                f"{plural(steps, 'step')} of the nodes, each allowed by Raft's specification; among them "
                f"{count(actions['BecomeLeader'])} BecomeLeader and "
                f"{count(actions['AdvanceCommitIndex'])} AdvanceCommitIndex"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=(
                *found[:MUCH_EVIDENCE],
                *(Evidence(title="not known from the traces", text=text) for text in unknown[:MUCH_EVIDENCE]),
            ),
            measures={
                "violations": len(refused),
                "doubts": len(doubts),
                "actions": dict(sorted(actions.items())),
            },
            caveats=(JUDGED_FROM_TRACES, NOT_COVERED),
        )


def _missing(recording: Recording) -> dict[str, str]:
    """Nodes whose trace lacks something, and what it lacks."""
    missing: dict[str, str] = {}
    for node in recording.nodes:
        trace = recording.traces.get(node)
        if trace is None or not trace.events:
            missing[node] = f"{node} wrote no trace"
        elif trace.gaps:
            missing[node] = f"the trace of {node} has a gap: {trace.gaps[0]}"
    return missing


def _trivial(actions: Counter[str], nodes: int) -> str | None:
    """The reason why the traces would prove nothing, if there is one."""
    if not actions["BecomeLeader"]:
        return "the trace matches only trivially: no node was elected"
    if not actions["AdvanceCommitIndex"]:
        return "the trace matches only trivially: no leader committed anything"
    if nodes > 1 and not actions["HandleAppendEntriesResponse"]:
        return "the trace matches only trivially: nothing was replicated"
    return None


def _evidence(refused: list[IllegalStep]) -> list[Evidence]:
    """The first illegal step of each kind on each node; later ones may be consequences of it."""
    first: dict[tuple[str, str, str], IllegalStep] = {}
    again: Counter[tuple[str, str, str]] = Counter()
    for step in refused:
        kind = (step.event.node, step.action, step.guard)
        first.setdefault(kind, step)
        again[kind] += 1
    return [_in_words(step, again[kind] - 1) for kind, step in first.items()]


def _in_words(step: IllegalStep, more: int) -> Evidence:
    event = step.event
    text = (
        f"{event.node}, life {event.life}, seq {event.seq}: {_did(event)}. That is the action {step.action}, "
        f"which requires: {step.guard}."
    )
    if step.before:
        text += f" Before: {step.before}. After: {step.after}."
    if step.message:
        text += f" The message that it handled: {step.message}."
    if more:
        text += f" The same happened {more} more times."
    return Evidence(
        title=f"{event.node} took a step that {step.action} does not allow: {step.guard}",
        text=text,
        operations=tuple(sorted({int(e.op) for e in event.entries if e.op is not None and e.op.isdecimal()})),
        events=(EventRef(event.node, event.life, event.seq),),
        nodes=(event.node,),
    )


def _did(event: TraceEvent) -> str:
    """A trace event in words."""
    match event.event:
        case "restart":
            return f"it began a life in term {event.term}, with a log up to index {event.last}"
        case "term":
            return f"its term became {event.term}"
        case "vote":
            return f"it voted for {event.vote} in term {event.term}"
        case "role":
            return f"it became {event.role} in term {event.term}"
        case "append":
            return f"it appended index {event.entries[0].index} to {event.entries[-1].index}"
        case "truncate":
            return f"it removed index {event.index} and above"
        case "refuse":
            return f"it refused a message of {event.peer}"
        case "commit":
            return f"its commitIndex became {event.commit}"
        case "apply":
            return f"it applied up to index {event.applied}"
        case "snapshot":
            how = "took" if event.peer is None else f"installed {event.peer}'s"
            return f"it {how} snapshot up to index {event.index}"
        case "send":
            return f"it sent {event.message} to {event.peer}"
        case "receive":
            return f"it received {event.message} from {event.peer}"
        case name:
            return f"{name}, in term {event.term} with commitIndex {event.commit} and last index {event.last}"
