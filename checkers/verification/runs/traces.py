"""Rechecks violations of Raft's invariants that one or two lines of the nodes' traces show by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from checkers.verification.certificate import CertificateError, TracedEvent, TracedEvents
from history import NodeTrace, TraceEvent

Traces = Mapping[str, NodeTrace]


def recheck_events(traces: Traces, invariant: str, proof: TracedEvents) -> None:
    """Recheck that the lines are in the traces and contradict the invariant.

    Raises:
        CertificateError: a line is not there, or they contradict nothing.
    """
    if invariant not in INVARIANTS:
        raise CertificateError(f"no certificate is known for {invariant!r}")
    events = [_found(traces, where) for where in proof.events]
    if not 1 <= len(events) <= 2 or not INVARIANTS[invariant](events):
        raise CertificateError(f"these lines do not contradict {invariant}")


def _found(traces: Traces, where: TracedEvent) -> TraceEvent:
    trace = traces.get(where.node)
    for event in () if trace is None else trace.events:
        if (event.life, event.seq) == (where.life, where.seq):
            return event
    raise CertificateError(f"the trace of {where.node} has no line {where.seq} in life {where.life}")


def _two_leaders(events: Sequence[TraceEvent]) -> bool:
    """Two nodes led one term, or one node was elected in it in two of its lives."""
    one, other = events[0], events[-1]
    apart = (one.node, one.life) != (other.node, other.life)
    return one.role == other.role == "leader" and one.term == other.term and apart


def _two_votes(events: Sequence[TraceEvent]) -> bool:
    one, other = events[0], events[-1]
    both = one.vote is not None and other.vote is not None and one.vote != other.vote
    return both and one.node == other.node and one.term == other.term


def _different_entries(events: Sequence[TraceEvent]) -> bool:
    """Two logs were given different entries of one index and term."""
    if any(event.event != "append" for event in events):
        return False
    held = {(entry.index, entry.term): entry.hash for entry in events[0].entries}
    return any(held.get((e.index, e.term), e.hash) != e.hash for e in events[-1].entries)


def _different_applied(events: Sequence[TraceEvent]) -> bool:
    """Two nodes applied different entries at one index."""
    if any(event.event != "apply" for event in events):
        return False
    applied = {entry.index: (entry.term, entry.hash) for entry in events[0].entries}
    return any(applied.get(e.index, (e.term, e.hash)) != (e.term, e.hash) for e in events[-1].entries)


def _term_went_back(events: Sequence[TraceEvent]) -> bool:
    """Within a life; or a life began in an earlier term than an earlier life of the node had on its disk."""
    one, other = events[0], events[-1]
    within = one.life == other.life and one.seq < other.seq
    after = one.event == "synced" and other.event == "restart" and one.life < other.life
    return one.node == other.node and (within or after) and one.term > other.term


def _indices_went_back(events: Sequence[TraceEvent]) -> bool:
    one, other = events[0], events[-1]
    if not other.applied <= other.commit <= other.last:
        return True
    later = (one.node, one.life) == (other.node, other.life) and one.seq < other.seq
    return later and (one.commit > other.commit or one.applied > other.applied)


def _leader_truncated(events: Sequence[TraceEvent]) -> bool:
    return len(events) == 1 and events[0].event == "truncate" and events[0].role == "leader"


def _truncated_committed(events: Sequence[TraceEvent]) -> bool:
    """A node removed an entry at or below its own commitIndex, or was to and refused."""
    cut = events[-1]
    return cut.event in ("truncate", "refuse") and cut.index is not None and cut.index <= cut.commit


INVARIANTS: Mapping[str, Callable[[Sequence[TraceEvent]], bool]] = {
    "election-safety": _two_leaders,
    "one-vote-a-term": _two_votes,
    "log-matching": _different_entries,
    "state-machine-safety": _different_applied,
    "term-monotonic": _term_went_back,
    "commit-monotonic": _indices_went_back,
    "leader-append-only": _leader_truncated,
    "committed-never-truncated": _truncated_committed,
}
"""By invariant, whether the lines contradict it (Ongaro and Ousterhout 2014, Figures 2 and 3)."""
