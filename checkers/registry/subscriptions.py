"""Subscriptions: a client that waits for a service to change is answered when it does.

Two promises of docs/node.md. A node that keeps a list back answers it as soon as it has applied a change of
the service, or has taken it over with a snapshot; and at the latest when the client's time is over. What the
answer shows is for the checkers of lists: it is one moment between its invocation and its answer.

The nodes' traces show it: `hold` when a list begins to wait, `answer` when it ends, and in between `apply`
and `snapshot`. Only registrations count as changes: each of them shows an id that was not there before. A
node that goes on with other work for longer than the bound, when it should have answered, has forgotten the
client. How long it was stopped does not count: the time runs from the first event that it took afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checkers.lacking import lacks
from checkers.limits import MOST_EVIDENCE
from checkers.registry.applied import applied_ops
from checkers.registry.names import REGISTER, SUBSCRIBE, service_of
from checkers.run.stalls import ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural, seconds
from history import NodeTrace, Operation, Recording, TraceEvent
from history.units import MILLISECOND_NS

VIRTUAL_BOUND_NS = 20 * MILLISECOND_NS
REAL_BOUND_NS = 1000 * MILLISECOND_NS
TAKEN = frozenset({"receive", "synced", "apply", "answer"})
"""Events that show that the node goes on with other work."""


@dataclass
class _Held:
    """A list that waits at a node."""

    invocation: Operation
    since: TraceEvent
    over_at: int
    """When the client's time is over, also by a clock that is as slow as the run allows."""
    changed: TraceEvent | None = None
    """The event by which the node first had a change of the service."""
    index: int = 0
    """The Raft index of that change."""
    due: TraceEvent | None = None
    """The first event that the node took once it should have answered."""


@dataclass
class _Seen:
    """What the traces of all nodes show."""

    woken: int = 0
    by_snapshot: int = 0
    ended: int = 0
    """How many were answered since their time was over."""
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True)
class Subscriptions:
    """Judges how long nodes keep subscribers waiting."""

    name: str = "subscriptions"

    def check(self, recording: Recording) -> Verdict:
        """Follow each subscription through the trace of its node."""
        seen, changes = _Seen(), _Changes(recording)
        bound = REAL_BOUND_NS if ran_on_a_real_clock(recording) else VIRTUAL_BOUND_NS
        for trace in recording.traces.values():
            _Waiting(trace, recording, changes, bound, seen).follow()
        gaps = any(trace.gaps for trace in recording.traces.values())
        mark: Mark
        if seen.evidence:
            mark, summary = Validity.INVALID, seen.evidence[0].title
        elif lacks(recording, "traces"):
            mark, summary = Unjudged.NOT_APPLICABLE, "this system writes no traces"
        elif gaps:
            mark, summary = Validity.UNKNOWN, "the traces lack lines, so a subscriber may have been forgotten"
        elif not seen.woken:
            mark, summary = Unjudged.NOT_EXERCISED, "no service changed while a subscriber waited for it"
        else:
            mark = Validity.VALID
            summary = (
                f"{plural(seen.woken, 'subscriber')} had an answer as soon as a service changed, "
                f"{seen.by_snapshot} of them by a snapshot"
            )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(seen.evidence[:MOST_EVIDENCE]),
            measures={
                "answered_by_a_change": seen.woken,
                "answered_by_a_snapshot": seen.by_snapshot,
                "answered_at_their_time": seen.ended,
                "bound_s": bound / 1e9,
            },
        )


class _Changes:
    """The registrations that took effect, by service, as far as any trace shows them."""

    def __init__(self, recording: Recording) -> None:
        self.service_at: dict[int, str] = {}
        history = recording.history
        for index, op in applied_ops(recording.traces).items():
            if op is None or not op.isdecimal() or int(op) >= len(history):
                continue
            invocation = history[int(op)]
            if invocation.f == REGISTER and invocation.key is not None:
                self.service_at[index] = service_of(invocation.key)

    def between(self, after: int, until: int) -> Iterator[tuple[int, str]]:
        """(index, service) of those with an index above the first and up to the second, ascending."""
        for index in range(after + 1, until + 1):
            service = self.service_at.get(index)
            if service is not None:
                yield index, service


class _Waiting:
    """The subscriptions that wait at one node, line by line of its trace."""

    def __init__(
        self, trace: NodeTrace, recording: Recording, changes: _Changes, bound_ns: int, seen: _Seen
    ) -> None:
        self._trace = trace
        self._history = recording.history
        drift = recording.options.get("clock_drift_bound_percent", 0)
        self._slowness = 100 / (100 - drift) if isinstance(drift, int) and 0 < drift < 100 else 1.0
        """How much longer a time lasts by the slowest clock."""
        self._changes = changes
        self._bound_ns = bound_ns
        self._seen = seen
        self._held: dict[str, _Held] = {}
        self._taken: TraceEvent | None = None
        """The last event that shows that the node goes on with other work."""

    def follow(self) -> None:
        """Read the whole trace."""
        applied = 0
        for event in self._trace.events:
            match event.event:
                case "restart":
                    self._end()
                    applied = event.applied
                case "hold" if event.op is not None and event.op.isdecimal():
                    self._hold(event, int(event.op))
                case "answer" if event.op in self._held:
                    self._answer(self._held.pop(event.op), event)
                case "apply" | "snapshot" if event.applied > applied:
                    self._change(event, applied)
            applied = max(applied, event.applied)
            if event.event in TAKEN:
                self._taken = event
                for held in self._held.values():
                    if held.due is None and (held.changed is not None or event.at >= held.over_at):
                        held.due = event
        self._end()

    def _hold(self, event: TraceEvent, op: int) -> None:
        if op < len(self._history) and self._history[op].f == SUBSCRIBE:
            invocation = self._history[op]
            wait_ms = invocation.value if isinstance(invocation.value, int) else 0
            over_at = event.at + int(wait_ms * MILLISECOND_NS * self._slowness)
            self._held[str(op)] = _Held(invocation, event, over_at)

    def _change(self, event: TraceEvent, applied: int) -> None:
        if not self._held:
            return
        for index, service in self._changes.between(applied, event.applied):
            for held in self._held.values():
                if held.changed is None and held.invocation.key == service:
                    held.changed, held.index = event, index

    def _answer(self, held: _Held, event: TraceEvent) -> None:
        if self._judge(held, event):
            return
        if held.changed is None:
            self._seen.ended += 1
        else:
            self._seen.woken += 1
            self._seen.by_snapshot += held.changed.event == "snapshot"

    def _end(self) -> None:
        """The life is over: a subscriber that still waits was never answered."""
        for held in self._held.values():
            self._judge(held, None)
        self._held, self._taken = {}, None

    def _judge(self, held: _Held, answered: TraceEvent | None) -> bool:
        """Whether this subscriber waited too long, which is noted."""
        if self._taken is None or held.due is None or len(self._seen.evidence) >= MOST_EVIDENCE:
            return False
        late_ns = self._taken.at - held.due.at
        if late_ns <= self._bound_ns:
            return False
        self._seen.evidence.append(_evidence(held, answered, late_ns))
        return True


def _evidence(held: _Held, answered: TraceEvent | None, late_ns: int) -> Evidence:
    node, service, op = held.since.node, held.invocation.key, held.invocation.index
    late = f"{seconds(late_ns)} later" if answered is not None else f"not within {seconds(late_ns)}"
    if held.changed is None:
        what, kind = "its time was over", "a subscriber waits beyond its time"
    else:
        how = "applied" if held.changed.event == "apply" else "took over in a snapshot"
        what = f"{node} had the change at index {held.index}"
        kind = f"a node {how} a change, and its subscriber was not answered"
    lines = [one for one in (held.since, held.changed, answered) if one is not None]
    return Evidence(
        f"{node} kept the subscriber of {service} waiting for {seconds(late_ns)} too long",
        f"Operation {op} waited at {node} from index {held.since.applied} on for a change of {service}. "
        f"After {what}, it was answered {late}.",
        (op,),
        tuple(EventRef(one.node, one.life, one.seq) for one in lines),
        kind=kind,
    )
