"""Watches: were all watchers of a key shown its values in one order, each once, with none missing between?

Operations: `write` of a value (each once), and `watch`, whose reply is the list of all values of the key that
this client's watch was shown so far, in order. A watch is *one* as long as its client lives: from the first
answer of a process on a node to its first operation there that is not `ok`; after that, the client may have
been opened again. It is open from its first answer on, at the latest.

A key has one order of all writes that took effect, which agrees with real time: a write that was
acknowledged or shown by a watch comes before every write that began after that. What a watch was shown must
be one stretch of that order, without a gap. It may begin anywhere before the watch was open, and end
anywhere, since a watch may lag. So these are violations:

- a value that no client wrote, or whose write failed, or began only after it was shown;
- a value that one watch was shown twice; or an answer that takes back or changes what an earlier one showed;
- two watches that were shown different values after, or before, the same value: one of them missed a value,
  or their orders differ;
- an order that contradicts real time;
- a write that took effect, and must lie between two values that a watch was shown (or between its opening and
  a value that it was shown), and that it was not shown;
- stretches that cannot all be stretches of one order: each would have to come before the other.

A watch that was never shown the end of the order is no violation, as no bound is promised. But if it was not
shown a write that was acknowledged `settle_s` before its last answer, after the final heal, the verdict is
`unknown`, since it may have stopped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import msgspec

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import NEVER
from checkers.run.faults import fault_operations
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural, seconds
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    numbers,
    of,
)
from history import Recording
from history.nemesis import FINAL_HEAL
from history.units import SECOND_NS
from history.values import elements

WRITE, WATCH = "write", "watch"
SETTLE_S = 2.0
NEVER_WRITTEN = "a watch was shown a value that was never written"
TWICE = "a watch was shown a value twice"
TAKEN_BACK = "a watch took back what it had shown"
DIFFERENT = "two watches were shown different values next to the same one"
NOT_IN_TIME = "a watch was shown two values in an order that contradicts real time"
MISSING = "a watch missed a value"
NO_ORDER = "what watches were shown has no order"


@dataclass
class WatchSession:
    """One watch of one key: the answers to the `watch` operations of one client."""

    process: int
    node: str | None
    answers: list[ClientOperation] = field(default_factory=list)
    shown: tuple[str, ...] = ()
    """The list of the last answer."""

    @property
    def first(self) -> ClientOperation:
        """The first answer: from then on the watch was certainly open."""
        return self.answers[0]

    @property
    def last(self) -> ClientOperation:
        """The last answer."""
        return self.answers[-1]

    @property
    def called(self) -> str:
        """The name of the watch in evidence."""
        where = "" if self.node is None else f" on {self.node}"
        return f"the watch of process {self.process}{where}"


@dataclass
class WatchedKey:
    """What is known of one key."""

    key: str | None
    writes: Mapping[str, ClientOperation]
    """By value, its write, if it did not fail."""
    failed: Mapping[str, ClientOperation]
    sessions: list[WatchSession]
    known_by: dict[str, int]
    """By value that took effect, the position up to which it had: of its reply, or of the first answer that
    showed it."""
    number: Callable[[int], int]
    """The number of the operation at a position."""


class Violation(NamedTuple):
    """Something that a correct system never shows."""

    kind: str
    title: str
    text: str
    operations: tuple[ClientOperation, ...]


@dataclass(frozen=True)
class WatchOrder:
    """Looks for one order of each key's values in which every watch was shown a stretch without a gap."""

    settle_s: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = SETTLE_S
    """A watch that was not shown a write this long after its acknowledgement, with all faults healed, may
    have stopped."""
    name: str = "watch-order"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of writes and watches.

        Raises:
            IllegalOperation: an operation of another kind, a value that is no text or is written twice, or an
                answer that is no list.
        """
        found: dict[str, list[Violation]] = {}
        doubts: list[str] = []
        counts: Counter[str] = Counter()
        healed = _healed_at(recording)
        for watched, early in watched_keys(recording, self.name):
            counts["watches"] += len(watched.sessions)
            counts["shown"] += sum(len(session.shown) for session in watched.sessions)
            counts["ordered"] += sum(len(session.shown) > 1 for session in watched.sessions)
            counts["keys"] += 1
            for one in (*early, *_of_key(watched)):
                found.setdefault(one.kind, []).append(one)
            if healed is not None:
                doubts += _behind(watched, healed, self.settle_s)
        return self._verdict(found, doubts, counts, healed is not None)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _verdict(
        self, found: dict[str, list[Violation]], doubts: list[str], counts: Counter[str], healed: bool
    ) -> Verdict:
        cases = [one for kind in found.values() for one in kind[:MOST_EVIDENCE]][:MOST_EVIDENCE]
        evidence = [Evidence(one.title, one.text, numbers(*one.operations), kind=one.kind) for one in cases]
        mark: Mark
        if evidence:
            tally = ", ".join(f"{kind}: {len(those)}" for kind, those in found.items())
            mark, summary = Validity.INVALID, f"{tally}; for example: {evidence[0].text}"
        elif not counts["ordered"]:
            mark, summary = Unjudged.NOT_EXERCISED, "no watch was shown two values, so no order is known"
        elif doubts:
            mark, summary = Validity.UNKNOWN, f"{plural(len(doubts), 'reason')}; for example: {doubts[0]}"
            evidence = [Evidence("a watch may have stopped", f"{one}.") for one in doubts[:MOST_EVIDENCE]]
        else:
            mark = Validity.VALID
            watches = plural(counts["watches"], "watch", "watches")
            summary = (
                f"{watches} of {plural(counts['keys'], 'key')} were shown {counts['shown']} values: "
                "one order of each key explains them, and none is missing between two that were shown"
            )
        measures = {name: counts[name] for name in ("keys", "watches", "shown")}
        caveats = () if healed else ("without a final heal, it is not judged whether a watch stopped",)
        return Verdict.marked(
            self.name,
            mark,
            summary,
            tuple(evidence),
            {**measures, "doubts": len(doubts), "found": {kind: len(those) for kind, those in found.items()}},
            caveats,
        )


def watched_keys(recording: Recording, judge: str) -> Iterator[tuple[WatchedKey, list[Violation]]]:
    """Every key, and the violations that single answers show."""
    calls = list(client_operations(recording.history, judge, (WRITE, WATCH)))
    broken = _broken(calls)
    for key, of_key in by_key(calls).items():
        writes: dict[str, ClientOperation] = {}
        failed: dict[str, ClientOperation] = {}
        for one in of_key:
            if one.invocation.f != WRITE:
                continue
            value = one.invocation.value
            if not isinstance(value, str):
                raise IllegalOperation(one.at, f"a value that is watched is a text, not {value!r}")
            if value in writes or value in failed:
                raise IllegalOperation(one.at, f"{value!r} is written a second time; each value must be new")
            (failed if one.outcome == "fail" else writes)[value] = one
        watched = WatchedKey(
            key,
            writes,
            failed,
            [],
            {value: one.until for value, one in writes.items() if one.outcome == "ok"},
            recording.history.number,
        )
        yield watched, list(_read_answers(watched, of_key, broken))


def _broken(calls: Sequence[ClientOperation]) -> Mapping[tuple[int, str | None], list[int]]:
    """By process and node, where operations began that were not `ok`: its client may be a new one then."""
    found: dict[tuple[int, str | None], list[int]] = {}
    for one in calls:
        if one.outcome != "ok":
            found.setdefault((one.invocation.process, one.invocation.node), []).append(one.at)
    return found


def _read_answers(
    watched: WatchedKey,
    calls: Sequence[ClientOperation],
    broken: Mapping[tuple[int, str | None], list[int]],
) -> Iterator[Violation]:
    """Put the answers into sessions; yield what is wrong with single ones."""
    current: dict[tuple[int, str | None], WatchSession] = {}
    for one in calls:
        if one.invocation.f != WATCH or one.outcome != "ok":
            continue
        who = (one.invocation.process, one.invocation.node)
        session = current.get(who)
        if session is None or _any_between(broken.get(who, ()), session.last.at, one.at):
            session = current[who] = WatchSession(*who)
            watched.sessions.append(session)
        shown = _listed(one)
        if shown[: len(session.shown)] != session.shown:
            text = (
                f"Operation {session.last.at} answered that {session.called}{of(watched.key)} was shown "
                f"{_in_words(session.shown)}; operation {one.at} of the same watch then answered "
                f"{_in_words(shown)}."
            )
            title = f"{session.called}{of(watched.key)} took back or changed what it had shown"
            yield Violation(TAKEN_BACK, title, text, (session.last, one))
        for value in shown:
            written = watched.writes.get(value)
            if written is None or written.at > one.until:
                if value not in session.shown:
                    yield _never_written(watched, session, one, value)
            else:
                watched.known_by[value] = min(watched.known_by.get(value, NEVER), one.until)
        session.answers.append(one)
        session.shown = shown


def _any_between(ascending: Sequence[int], begin: int, end: int) -> bool:
    """Whether one of these numbers lies between two others."""
    place = bisect_right(ascending, begin)
    return place < len(ascending) and ascending[place] < end


def _listed(one: ClientOperation) -> tuple[str, ...]:
    shown = elements(one.reply)
    if shown is None or not all(isinstance(value, str) for value in shown):
        raise IllegalOperation(one.positions[-1], f"a watch gives a list of texts, not {one.reply!r}")
    return tuple(shown)


def _never_written(watched: WatchedKey, session: WatchSession, one: ClientOperation, value: str) -> Violation:
    tried = watched.failed.get(value) or watched.writes.get(value)
    why = "which no client wrote"
    if tried is not None:
        why = f"whose write, operation {tried.at}, " + (
            "failed" if tried.outcome == "fail" else "began only after that"
        )
    text = f"Operation {one.at} answered that {session.called}{of(watched.key)} was shown {value!r}, {why}."
    title = f"{session.called}{of(watched.key)} was shown {value!r}, {why.partition(',')[0]}"
    return Violation(NEVER_WRITTEN, title, text, (one, *(() if tried is None else (tried,))))


def _of_key(watched: WatchedKey) -> Iterator[Violation]:
    """What is wrong with the order of one key's values."""
    lists = []
    for session in watched.sessions:
        yield from _twice(watched, session)
        # What was never written, or is there a second time, is noted; the rest must still have an order.
        known = [value for value in session.shown if value in watched.known_by]
        lists.append((session, tuple(dict.fromkeys(known))))
    # Each of these is explained by one or two watches; the rest needs all of them together.
    found = list(_next_to_each_other(watched, lists))
    for session, shown in lists:
        found += _in_real_time(watched, session, shown)
        found += _missing(watched, session, shown)
    yield from found or _no_order(watched, lists)


def _twice(watched: WatchedKey, session: WatchSession) -> Iterator[Violation]:
    for value, often in Counter(session.shown).items():
        if often > 1:
            text = (
                f"By operation {session.last.at}, {session.called}{of(watched.key)} was shown {value!r} "
                f"{often} times."
            )
            title = f"{session.called}{of(watched.key)} was shown {value!r} twice"
            yield Violation(TWICE, title, text, (session.last,))


Shown = tuple[WatchSession, tuple[str, ...]]


def _next_to_each_other(watched: WatchedKey, lists: Sequence[Shown]) -> Iterator[Violation]:
    """Two watches that were shown different values after the same one, or before it."""
    after: dict[str, tuple[str, Shown]] = {}
    before: dict[str, tuple[str, Shown]] = {}
    reported: set[tuple[int, int]] = set()
    for one in lists:
        for value, following in pairwise(one[1]):
            for known, at, there in ((after, value, following), (before, following, value)):
                other, by = known.setdefault(at, (there, one))
                pair = (id(by[0]), id(one[0]))
                if other != there and pair not in reported:
                    reported.add(pair)
                    yield _different(watched, at, known is after, (other, by), (there, one))


def _different(
    watched: WatchedKey, at: str, is_after: bool, first: tuple[str, Shown], second: tuple[str, Shown]
) -> Violation:
    (a, (one, shown)), (b, (other, others)) = first, second
    side = "right after" if is_after else "right before"
    missed = ""
    if a in others and b not in shown:
        missed = f" So {one.called} missed {b!r}."
    elif b in shown and a not in others:
        missed = f" So {other.called} missed {a!r}."
    elif a in others and b in shown:
        missed = " So the two were shown these values in different orders."
    else:
        missed = " So one of them missed a value."
    text = (
        f"By operation {one.last.at}, {one.called}{of(watched.key)} was shown {a!r} {side} {at!r}; by "
        f"operation {other.last.at}, {other.called} was shown {b!r} there.{missed}"
    )
    title = f"{one.called} was shown {a!r}{of(watched.key)} {side} {at!r}, and {other.called} {b!r}"
    shown_by = (watched.writes[a], watched.writes[b], watched.writes[at], one.last, other.last)
    return Violation(DIFFERENT, title, text, shown_by)


def _in_real_time(watched: WatchedKey, session: WatchSession, shown: tuple[str, ...]) -> Iterator[Violation]:
    """Values that a watch was shown before others that had certainly been written earlier."""
    earliest: str | None = None
    found: tuple[str, str] | None = None
    for value in reversed(shown):
        if earliest is not None and watched.known_by[earliest] < watched.writes[value].at:
            found = (value, earliest)
        if earliest is None or watched.known_by[value] < watched.known_by[earliest]:
            earliest = value
    if found is None:
        return
    late, early = found
    text = (
        f"By operation {session.last.at}, {session.called}{of(watched.key)} was shown {late!r} before "
        f"{early!r}. But operation {watched.writes[early].at} had written {early!r} by operation "
        f"{watched.number(watched.known_by[early])}, before operation {watched.writes[late].at} began to "
        f"write {late!r}."
    )
    title = f"{session.called}{of(watched.key)} was shown {late!r} before {early!r}, which is older"
    operations = (watched.writes[early], watched.writes[late], session.last)
    yield Violation(NOT_IN_TIME, title, text, operations)


def _missing(watched: WatchedKey, session: WatchSession, shown: tuple[str, ...]) -> Iterator[Violation]:
    """Values that must lie between two that a watch was shown, or between its opening and one of these."""
    if not shown:
        return
    writes, known = watched.writes, watched.known_by
    first = min(shown, key=lambda value: known[value])
    last = max(shown, key=lambda value: writes[value].at)
    there = set(shown)
    for value, by in known.items():
        begun = writes[value].at
        if value in there or by >= writes[last].at:
            continue
        opened = session.first.until
        if known[first] < begun:
            since, shown_by = f"after {first!r} was there", writes[first]
        elif opened < begun:
            since, shown_by = f"after operation {session.first.at} had shown the watch open", session.first
        else:
            continue
        text = (
            f"Operation {begun} wrote {value!r}{of(watched.key)} {since}. It was there by operation "
            f"{watched.number(by)}, before operation {writes[last].at} began to write {last!r}. By "
            f"operation {session.last.at}, {session.called} was shown {last!r}, but not {value!r}."
        )
        title = f"{session.called}{of(watched.key)} missed {value!r}, and was shown the later {last!r}"
        yield Violation(MISSING, title, text, (shown_by, writes[value], writes[last], session.last))


class Bound(NamedTuple):
    """A position before which something was there, or open; what begins later comes after it."""

    by: int
    words: str
    operation: ClientOperation


class Stretch(NamedTuple):
    """Values that follow each other without a gap, as watches whose lists overlap were shown them."""

    values: tuple[str, ...]
    bounds: tuple[tuple[int, Bound], ...]
    """Pairs of a place in `values` and a bound: what comes before that place began before the bound."""

    @property
    def earliest(self) -> Bound:
        """The first bound. What begins after it is no part of the stretch, or comes after all of it."""
        return min((bound for _, bound in self.bounds), key=lambda bound: bound.by)


def _no_order(watched: WatchedKey, lists: Sequence[Shown]) -> Iterator[Violation]:
    """Why no order of all values explains all lists, where no two lists contradict each other.

    Lists that overlap are joined to stretches, and an order is an order of stretches. A value comes before
    all that began after it was there. A watch that was open before a value began was shown the value, or only
    values before it. So one stretch comes before another if the earliest of these bounds of the one lies
    before the latest beginning of a write of the other. If that relation has a cycle, it has one of two: of a
    cycle, take the stretch with the latest bound; what comes after it comes after all others of the cycle.
    """
    joined, circle = _stretches(lists)
    if circle:
        yield _in_a_circle(watched, circle, lists)
        return
    covered = {value for values in joined for value in values}
    joined += [(value,) for value in watched.known_by if value not in covered]
    stretches = [_bounded(watched, values, lists) for values in joined]
    for stretch in stretches:
        wrong = next(_against_bounds(watched, stretch), None)
        if wrong is not None:
            yield wrong
            return
    writes = watched.writes
    ends = [(one, max(one.values, key=lambda value: writes[value].at)) for one in stretches]
    for place, (one, last) in enumerate(ends):
        for other, other_last in ends[:place]:
            first, second = one.earliest, other.earliest
            if first.by < writes[other_last].at and second.by < writes[last].at:
                text = (
                    f"Watches{of(watched.key)} were shown {_in_words(one.values)} without a gap, and "
                    f"{_in_words(other.values)} without a gap. But {first.words} before operation "
                    f"{writes[other_last].at} began to write {other_last!r}, and {second.words} before "
                    f"operation {writes[last].at} began to write {last!r}: each would have to come before "
                    "the other."
                )
                title = f"no order of the values{of(watched.key)} explains what the watches were shown"
                operations = (first.operation, second.operation, writes[last], writes[other_last])
                yield Violation(NO_ORDER, title, text, operations)
                return


def _in_a_circle(watched: WatchedKey, circle: tuple[str, ...], lists: Sequence[Shown]) -> Violation:
    named = ", then ".join(map(repr, (*circle, circle[0])))
    text = (
        f"Watches{of(watched.key)} were shown {named}, each right after the one before: no value can come "
        "before itself."
    )
    title = f"watches{of(watched.key)} were shown {_in_words(circle)} in a circle"
    shown_by = [session.last for session, shown in lists if set(circle) & set(shown)]
    return Violation(NO_ORDER, title, text, (*(watched.writes[value] for value in circle), *shown_by))


def _bounded(watched: WatchedKey, values: tuple[str, ...], lists: Sequence[Shown]) -> Stretch:
    """A stretch with its bounds: when each value was there, and when each watch of it was open."""
    bounds = [
        (
            place,
            Bound(
                watched.known_by[value],
                f"{value!r} was there by operation {watched.number(watched.known_by[value])},",
                watched.writes[value],
            ),
        )
        for place, value in enumerate(values)
    ]
    places = {value: place for place, value in enumerate(values)}
    for session, shown in lists:
        if shown and shown[0] in places:
            words = f"{session.called} was open by operation {session.first.at},"
            bounds.append((places[shown[0]], Bound(session.first.until, words, session.first)))
    return Stretch(values, tuple(sorted(bounds, key=lambda pair: pair[0])))


def _against_bounds(watched: WatchedKey, stretch: Stretch) -> Iterator[Violation]:
    """Values of a stretch that began only after a bound that they must come before."""
    ahead = list(stretch.bounds)
    earliest: Bound | None = None
    for place in range(len(stretch.values) - 1, -1, -1):
        value = stretch.values[place]
        begun = watched.writes[value].at
        if earliest is not None and earliest.by < begun:
            text = (
                f"Watches{of(watched.key)} were shown {_in_words(stretch.values)} without a gap. But "
                f"{earliest.words} before operation {begun} began to write {value!r}, which comes before it."
            )
            title = f"watches{of(watched.key)} were shown {value!r} too early, or one of them missed it"
            yield Violation(NO_ORDER, title, text, (earliest.operation, watched.writes[value]))
        while ahead and ahead[-1][0] == place:
            bound = ahead.pop()[1]
            if earliest is None or bound.by < earliest.by:
                earliest = bound


def _stretches(lists: Sequence[Shown]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The values of all lists, joined where lists overlap; and values that follow each other in a circle.

    No value has two successors or two predecessors here.
    """
    after = {value: following for _, shown in lists for value, following in pairwise(shown)}
    values = dict.fromkeys(value for _, shown in lists for value in shown)
    followers = set(after.values())

    def from_on(start: str) -> tuple[str, ...]:
        stretch = [start]
        while (value := after.get(stretch[-1])) is not None and value != start:
            stretch.append(value)
        return tuple(stretch)

    found = [from_on(value) for value in values if value not in followers]
    reached = {value for stretch in found for value in stretch}
    circle = next((from_on(value) for value in values if value not in reached), ())
    return found, circle


def _healed_at(recording: Recording) -> int | None:
    """When the last final heal was over, in nanoseconds; None if there is none."""
    heals = [fault for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL]
    return heals[-1].completion.time if heals else None


def _behind(watched: WatchedKey, healed: int, settle_s: float) -> Iterator[str]:
    """Watches that were not shown a write long after it was acknowledged, with all faults healed."""
    settle_ns = int(settle_s * SECOND_NS)
    for session in watched.sessions:
        asked = session.last.invocation.time
        if asked < healed + settle_ns:
            continue
        begun = min((watched.known_by.get(value, NEVER) for value in session.shown), default=NEVER)
        opened = min(session.first.until, begun)
        missed = [
            one
            for value, one in watched.writes.items()
            if one.outcome == "ok"
            and one.completion is not None
            and value not in session.shown
            and one.at > opened
            and one.completion.time <= asked - settle_ns
        ]
        if missed:
            last = max(missed, key=lambda one: one.at)
            assert last.completion is not None
            waited = seconds(asked - last.completion.time)
            yield (
                f"{session.called}{of(watched.key)} was not shown {last.invocation.value!r}, which was "
                f"acknowledged {waited} before the last answer, operation {session.last.at}"
            )


def _in_words(shown: Sequence[Any]) -> str:
    """A list of values; of a long one, only the end."""
    named = ", ".join(map(repr, shown[-4:]))
    return "nothing" if not shown else named if len(shown) <= 4 else f"..., {named}"
