"""Beats: an ephemeral instance is unhealthy, and is removed, when its times say so: not earlier, not later.

The leader alone remembers beats (`node_impl/core/serving/beat_watch.py`), so only what it decides is judged:
the entries `expire:TO:REGISTERED:KEY` that it appends while it leads. In a simulated world all traces have
one clock, and each node's own is fast or slow by a known bound at the most. There

- no instance is unhealthy or removed **earlier** than its time after the last beat that this leader took,
  after its registration there, and after this leader began: a new leader gives every instance its full time;
- none is kept **longer**: an instance that certainly sent no beat is decided on within its time, while the
  leader is neither paused nor slow;
- one that **revives** is healthy again: a beat that is taken of an unhealthy instance is followed by the
  entry that says so.

A beat counts only where one node alone led from the beat's invocation to its answer, since a leader that is
deposed and does not know it takes beats, too. A beat without an answer may arrive late. On a real clock
nothing is judged: the order of a beat and a decision is not known there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.registry.applied import applied_ops
from checkers.registry.names import DEREGISTER, REGISTER
from checkers.run.stalls import ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence, Unjudged, Validity, Verdict
from checkers.words import plural, seconds
from history import History, NodeTrace, Operation, Recording, TraceEvent
from history.units import MILLISECOND_NS

BEAT, TAKEN = "beat", "taken"
EXPIRE = "expire:"
UNANSWERED_NS = 4_000 * MILLISECOND_NS
"""For so long a beat without an answer may still be under way."""
SPARE_NS = 200 * MILLISECOND_NS
"""How much later than its time a decision may come, in addition to an election time-out: a timer that is
later than that says that the node was asleep."""
ROUNDING_NS = MILLISECOND_NS
NEVER_NS = 2**63 - 1


class _Decision(NamedTuple):
    """What a leader decided on a registration."""

    at: int
    to: str
    registered: int
    event: TraceEvent


@dataclass
class _Reign:
    """The time in which one node led one term, by its trace."""

    node: str
    term: int
    begin: int
    end: int
    """The last line with that role."""
    until: int
    """The first line without it. Of a node that ended as the leader, when its next life began: it may have
    taken beats after its last line."""
    watches_from: int | None = None
    """When it had surely applied all that earlier leaders had committed."""
    applied: dict[int, int] = field(default_factory=dict)
    """By index, when the node applied the entry in this reign."""
    applied_before: int = 0
    """Up to where the node had applied its log when the reign began."""
    decisions: list[_Decision] = field(default_factory=list)
    silences: list[tuple[int, int]] = field(default_factory=list)
    """Times without any line: the process was paused, slow or starved."""


@dataclass(frozen=True)
class _Registration:
    """One registration of a key, by the log."""

    key: str
    index: int
    ends: int | None
    """The index of the entry that removes or replaces it."""
    unhealthy: tuple[int, ...]
    healthy: tuple[int, ...]
    """The indices of the entries that say so of it."""


@dataclass(frozen=True)
class Beats:
    """Judges what leaders decided about instances that beat, or do not.

    Times are those that the workload's clients give their instances.
    """

    name: str = "beats"
    timeout_ms: int = 300
    delete_ms: int = 600

    def check(self, recording: Recording) -> Verdict:
        """Compare each decision, and each silence, with the times of the instances."""
        drift = recording.options.get("clock_drift_bound_percent")
        election = recording.options.get("election_ms")
        if ran_on_a_real_clock(recording) or not isinstance(drift, int) or not isinstance(election, int):
            reason = "the clocks of these nodes are not known"
            return Verdict.marked(checker=self.name, mark=Unjudged.NOT_EXERCISED, summary=reason)
        judging = _Judging(recording, self, drift, election * MILLISECOND_NS)
        evidence = [*judging.early(), *judging.late(), *judging.not_revived()]
        counts = judging.counts
        judged = sum(counts.values())
        if not evidence and not judged:
            reason = "no leader decided on an instance"
            return Verdict.marked(checker=self.name, mark=Unjudged.NOT_EXERCISED, summary=reason)
        summary = (
            f"{plural(len(evidence), 'violation')}; for example: {evidence[0].title}"
            if evidence
            else f"{plural(counts['decisions'], 'decision')} came in time, and "
            f"{plural(counts['revivals'], 'instance')} became healthy again"
        )
        return Verdict(
            checker=self.name,
            validity=Validity.INVALID if evidence else Validity.VALID,
            summary=summary,
            evidence=tuple(evidence[:MOST_EVIDENCE]),
            measures=dict(counts),
            caveats=("beats that more than one leader may have taken were left out",),
        )


class _Judging:
    """One recording, read once."""

    def __init__(self, recording: Recording, times: Beats, drift: int, election_ns: int) -> None:
        self.history = recording.history
        self.times = times
        self.drift = drift
        self.slack_ns = election_ns * (100 + drift) // 100 + SPARE_NS
        self.reigns = [
            reign
            for name, trace in recording.traces.items()
            for events, ended in _lives(trace)
            for reign in _reigns(name, events, ended, election_ns // 2)
        ]
        self.registrations = _registrations(applied_ops(recording.traces), recording.history)
        self.by_index = {one.index: one for one in self.registrations}
        self.beats = _beats(recording.history)
        # After the last line of the history, a client may have sent beats that it does not show.
        self.recorded_until = int(self.history.columns.time.max(initial=0))
        self.counts = {"decisions": 0, "silences": 0, "revivals": 0}

    # ---- earlier ---------------------------------------------------------------------------------------

    def early(self) -> Iterator[Evidence]:
        """Decisions that came before the instance's time was over."""
        for reign in self.reigns:
            for decision in reign.decisions:
                known = self.by_index.get(decision.registered)
                if known is None or decision.to == "healthy":
                    continue
                self.counts["decisions"] += 1
                allowed_ms = self._time_ms(decision.to)
                since, why, beat = self._last_sign(reign, known, decision.at)
                least_ns = allowed_ms * MILLISECOND_NS * 100 // (100 + self.drift) - ROUNDING_NS
                if decision.at - since >= least_ns:
                    continue
                waited_ms = (decision.at - since) // MILLISECOND_NS
                yield Evidence(
                    title=f"{reign.node} called {known.key} {decision.to} {waited_ms} ms after {why}",
                    text=(
                        f"At {seconds(decision.at)} {reign.node}, leader of term {reign.term}, decided that "
                        f"the registration of {known.key} at index {known.index} is {decision.to}: "
                        f"{waited_ms} ms after {why} at {seconds(since)}. Its time is {allowed_ms} ms, by a "
                        f"clock that is fast by {self.drift} % at the most."
                    ),
                    operations=() if beat is None else (self._asked(beat),),
                    events=(_ref(decision.event),),
                    nodes=(reign.node,),
                    kind=f"an instance was {decision.to} too early",
                )

    def _time_ms(self, to: str) -> int:
        return self.times.delete_ms if to == "removed" else self.times.timeout_ms

    def _last_sign(
        self, reign: _Reign, known: _Registration, before: int
    ) -> tuple[int, str, Operation | None]:
        """The last time from which the leader certainly had to wait in full, and what happened then."""
        found: tuple[int, str, Operation | None] = (reign.begin, "it began to lead", None)
        registered = reign.applied.get(known.index, reign.begin)
        if registered > found[0]:
            found = registered, "the registration", None
        for begun, ended, beat in self.beats.get(known.key, ()):
            if beat.value != TAKEN or begun < max(registered, found[0]) or ended > before:
                continue
            if self._alone(begun, ended) is reign:
                found = begun, "a beat that it took", beat
        return found

    def _asked(self, beat: Operation) -> int:
        """The index of a beat's invocation."""
        return self.history.invocation(beat).index

    def _alone(self, begun: int, ended: int) -> _Reign | None:
        """The reign in which one node alone led all that time."""
        met = [reign for reign in self.reigns if reign.begin <= ended and reign.until >= begun]
        if len(met) != 1 or met[0].begin > begun or met[0].end < ended:
            return None
        return met[0]

    # ---- later -----------------------------------------------------------------------------------------

    def late(self) -> Iterator[Evidence]:
        """Silent instances that a leader kept for longer than their times."""
        for reign in self.reigns:
            if reign.watches_from is None:
                continue
            decided = {(one.to, one.registered): one.at for one in reversed(reign.decisions)}
            for known in self.registrations:
                begin, end = self._held(reign, known)
                removed = decided.get(("removed", known.index))
                longest_ns = self.times.delete_ms * MILLISECOND_NS * 100 // (100 - self.drift) + self.slack_ns
                for silent, until in self._silences(reign, known, begin, end):
                    wait_ns = longest_ns + 1 if removed is None else removed - silent
                    if until - silent <= longest_ns and not 0 <= wait_ns <= longest_ns:
                        continue
                    self.counts["silences"] += 1
                    if wait_ns > longest_ns:
                        yield self._kept(reign, known, silent, min(until, removed or until))
                        break

    def _held(self, reign: _Reign, known: _Registration) -> tuple[int, int]:
        """From when until when the leader certainly watched a registration; never, if the end comes first."""
        assert reign.watches_from is not None
        registered = reign.applied.get(known.index)
        if registered is None and known.index > reign.applied_before:
            return reign.end, reign.begin
        if known.ends is not None and known.ends <= reign.applied_before:
            return reign.end, reign.begin
        end = reign.end if known.ends is None else reign.applied.get(known.ends, reign.end)
        return max(reign.watches_from, registered or 0), min(end, self.recorded_until)

    def _silences(
        self, reign: _Reign, known: _Registration, begin: int, end: int
    ) -> Iterator[tuple[int, int]]:
        """The times in which no beat of the key can have arrived and the leader was awake."""
        unsure = [(begun, ended) for begun, ended, _ in self.beats.get(known.key, ())]
        at = begin
        for begun, ended in sorted([*unsure, *reign.silences]):
            if ended <= at:
                continue
            if begun >= end:
                break
            if begun > at:
                yield at, begun
            at = max(at, ended)
        if at < end:
            yield at, end

    def _kept(self, reign: _Reign, known: _Registration, silent: int, until: int) -> Evidence:
        kept_ms = (until - silent) // MILLISECOND_NS
        return Evidence(
            title=f"{reign.node} kept {known.key} for {kept_ms} ms of silence",
            text=(
                f"{reign.node}, leader of term {reign.term}, held the registration of {known.key} at index "
                f"{known.index}. No beat of it came from {seconds(silent)} to {seconds(until)}, {kept_ms} "
                f"ms, and it was not removed. Its time is {self.times.delete_ms} ms, by a clock that is slow "
                f"by {self.drift} % at the most."
            ),
            nodes=(reign.node,),
            kind="a silent instance was kept too long",
        )

    # ---- revived ---------------------------------------------------------------------------------------

    def not_revived(self) -> Iterator[Evidence]:
        """Beats that were taken of unhealthy instances, which stayed unhealthy."""
        for known in self.registrations:
            for begun, ended, beat in self.beats.get(known.key, ()) if known.unhealthy else ():
                reign = self._alone(begun, ended) if beat.value == TAKEN else None
                if reign is None or reign.watches_from is None or reign.watches_from > begun:
                    continue
                held_from, held_until = self._held(reign, known)
                last = self._said_last(reign, known, begun)
                if held_from > begun or held_until < ended or last != "unhealthy":
                    continue
                self.counts["revivals"] += 1
                answers = (one for one in reign.decisions if one.registered == known.index)
                if any(begun <= one.at <= ended for one in answers):
                    continue
                yield Evidence(
                    title=f"{reign.node} took a beat of {known.key}, which stayed unhealthy",
                    text=(
                        f"{reign.node}, leader of term {reign.term}, took the beat of operation "
                        f"{self._asked(beat)} on {known.key} between {seconds(begun)} and {seconds(ended)}. "
                        "The instance was unhealthy, and no entry says that it is healthy again."
                    ),
                    operations=(self._asked(beat),),
                    nodes=(reign.node,),
                    kind="an instance that beats again stays unhealthy",
                )

    def _said_last(self, reign: _Reign, known: _Registration, before: int) -> str:
        """What the last entry says of a registration that the leader had applied, or decided, by then."""
        said = [(index, "unhealthy") for index in known.unhealthy]
        said += [(index, "healthy") for index in known.healthy]
        applied = [
            (index, to)
            for index, to in said
            if index <= reign.applied_before or reign.applied.get(index, before + 1) <= before
        ]
        decided = [one for one in reign.decisions if one.registered == known.index and one.at <= before]
        if decided and decided[-1].to != "unhealthy":
            return decided[-1].to
        return max(applied, default=(0, ""))[1]


def _lives(trace: NodeTrace) -> Iterator[tuple[Sequence[TraceEvent], int]]:
    """The lines of each life of a node, and by when it had surely ended."""
    lives = [events for _, events in trace.lives()]
    if lives:
        yield from zip(lives, [*(events[0].at for events in lives[1:]), NEVER_NS], strict=True)


def _reigns(node: str, events: Sequence[TraceEvent], ended: int, longest_silence_ns: int) -> Iterator[_Reign]:
    reign: _Reign | None = None
    first_own = 0
    for event in events:
        if reign is not None and (event.role != "leader" or event.term != reign.term):
            reign.until = event.at
            yield reign
            reign = None
        if event.role != "leader":
            continue
        if reign is None:
            reign = _Reign(node, event.term, event.at, event.at, event.at, applied_before=event.applied)
            first_own = 0
        if event.at - reign.end > longest_silence_ns:
            reign.silences.append((reign.end, event.at))
        reign.end = reign.until = event.at
        if event.event == "append":
            first_own = first_own or event.entries[0].index
            reign.decisions += _decisions(event, reign.term)
        elif event.event == "apply":
            reign.applied.update((entry.index, event.at) for entry in event.entries)
        if reign.watches_from is None and first_own and event.applied >= max(first_own, event.commit):
            reign.watches_from = event.at
    if reign is not None:
        reign.until = ended
        yield reign


def _decisions(event: TraceEvent, term: int) -> Iterator[_Decision]:
    for entry in event.entries:
        if entry.term == term and entry.op is not None and entry.op.startswith(EXPIRE):
            _, to, registered, _ = entry.op.split(":", 3)
            yield _Decision(event.at, to, int(registered), event)


def _registrations(ops: Mapping[int, str | None], history: History) -> list[_Registration]:
    """Every registration that was applied, in the order of the log."""
    found: list[_Registration] = []
    held: dict[str, int] = {}
    key_of: dict[int, str] = {}
    ends: dict[int, int] = {}
    said: dict[tuple[str, int], list[int]] = {}
    applied_once: set[str] = set()
    for index in sorted(ops):
        op = ops[index]
        if op is None or op in applied_once:
            continue
        if op.startswith(EXPIRE):
            _, to, registered, _ = op.split(":", 3)
            said.setdefault((to, int(registered)), []).append(index)
            key = key_of.get(int(registered))
            if to == "removed" and key is not None and held.get(key) == int(registered):
                ends[held.pop(key)] = index
        elif op.isdecimal() and int(op) < len(history):
            applied_once.add(op)
            invocation = history[int(op)]
            key = str(invocation.key)
            if invocation.f in (REGISTER, DEREGISTER) and key in held:
                ends[held.pop(key)] = index
            if invocation.f == REGISTER:
                held[key], key_of[index] = index, key
    for index, key in key_of.items():
        unhealthy, healthy = (tuple(said.get((to, index), ())) for to in ("unhealthy", "healthy"))
        found.append(_Registration(key, index, ends.get(index), unhealthy, healthy))
    return found


def _beats(history: History) -> dict[str, list[tuple[int, int, Operation]]]:
    """By key: from when until when each beat was under way, and its completion."""
    found: dict[str, list[tuple[int, int, Operation]]] = {}
    for operation in history:
        if operation.f != BEAT or operation.type == "invoke":
            continue
        begun = history.invocation(operation).time
        ended = operation.time if operation.type == "ok" else begun + UNANSWERED_NS
        found.setdefault(str(operation.key), []).append((begun, ended, operation))
    for beats in found.values():
        beats.sort(key=lambda beat: beat[:2])
    return found


def _ref(event: TraceEvent) -> EventRef:
    return EventRef(event.node, event.life, event.seq)
