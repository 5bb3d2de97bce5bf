"""A queue, in all: what goes in comes out, once it is drained.

Operations, as Jepsen's `total-queue` has them: `enqueue` of an element, `dequeue`, whose reply is one, or
None if there is none, and `drain`, whose reply is a list of all that was left. Equal elements are counted. Of
an element:

- *unexpected*: it came out although nobody had put it in (all who tried failed, or began later);
- *lost*: it was put in (replied `ok`) before the queue was found empty, and never came out;
- *duplicated*: it came out more often than it may have been put in. Queues that deliver at least once do
  that: it is counted, and blamed if `exactly_once` is asked for;
- *recovered*: it came out, and nobody had been told that it was in.

A queue is *found empty* by a drain, by a dequeue that gave None, or by one that failed and says `empty` or
`exhausted`. Without any after the last element went in, what is missing may be left in it. A dequeue of
unknown outcome may have taken one element that nobody saw, a drain any number: so many are not called lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Validity, Verdict, checked
from checkers.workloads.asked import Asked, asked, by_key, element, named, of, rows
from history import Recording

ENQUEUE, DEQUEUE, DRAIN = "enqueue", "dequeue", "drain"
EMPTY = frozenset({"empty", "exhausted"})
COUNTS = (
    "enqueued",
    "acknowledged",
    "out",
    "unexpected",
    "lost",
    "duplicated",
    "recovered",
    "left",
    "unseen",
)


@dataclass(slots=True)
class Element:
    """All that was asked about one element."""

    value: Any
    tried: list[Asked] = field(default_factory=list)
    """Enqueues, but for those that failed."""
    failed: list[Asked] = field(default_factory=list)
    out: list[Asked] = field(default_factory=list)
    """What took it out; one that took it twice stands here twice."""


@dataclass(frozen=True)
class TotalQueue:
    """Counts what went in and what came out, element by element."""

    exactly_once: bool = False
    """Whether an element that came out twice is a violation."""
    name: str = "total-queue"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of queues.

        Raises:
            IllegalOperation: an operation of another kind, or a drain that gives no list.
        """
        told = Told()
        counts = told.counts
        for key, calls in by_key(asked(recording.history, self.name, [ENQUEUE, DEQUEUE, DRAIN])).items():
            empty = max((one for one in calls if _is_empty(one)), key=lambda one: one.at, default=None)
            gone: list[tuple[Element, int]] = []
            for one in _elements(calls).values():
                certain = [put for put in one.tried if put.outcome == "ok"]
                counts["enqueued"] += len(one.tried) + len(one.failed)
                counts["acknowledged"] += len(certain)
                counts["out"] += len(one.out)
                counts["recovered"] += max(min(len(one.out), len(one.tried)) - len(certain), 0)
                begun = [put.at for put in one.tried]
                early = [take for take in one.out if not begun or take.until < begun[0]]
                if early:
                    told.add("unexpected", len(early), _unexpected(key, one, early))
                over = _over(
                    begun, sorted(take.until for take in one.out if not begun or take.until > begun[0])
                )
                if over and begun:
                    told.add("duplicated", over, _duplicated(key, one) if self.exactly_once else None)
                sure = [put for put in certain if empty is not None and put.until < empty.at]
                missing = _missing(sure, one)
                counts["left"] += _missing(certain, one) - missing
                if missing:
                    gone.append((one, missing))
            if gone and empty is not None:
                total, spare = sum(count for _, count in gone), _taken_unseen(calls, empty)
                if spare is None or total <= spare:
                    counts["unseen"] += total
                else:
                    told.add(
                        "lost", total - spare, *(_lost(key, one, empty, spare, total) for one, _ in gone)
                    )
        return self._verdict(told)

    def check(self, recording: Recording) -> Verdict:
        """As `judge`; what it refuses is unknown."""
        return checked(self, recording)

    def _verdict(self, told: Told) -> Verdict:
        counts = told.counts
        shown = [one for cases in told.evidence.values() for one in cases]
        tally = ", ".join(
            f"{counts[kind]} {kind}" for kind in ("unexpected", "lost", "duplicated", "recovered")
        )
        doubts = [
            f"{counts[kind]} {why}"
            for kind, why in (
                ("left", "may be left in the queue, which was not found empty after they went in"),
                ("unseen", "may have been taken by what was never answered"),
            )
            if counts[kind]
        ]
        if shown:
            validity, summary = Validity.INVALID, f"{tally}, as: {shown[0].text}"
        elif doubts:
            validity, summary = Validity.UNKNOWN, f"of what went in and did not come out, {', '.join(doubts)}"
        elif not counts["out"]:
            validity, summary = Validity.UNKNOWN, "nothing came out, so nothing was shown"
        else:
            validity = Validity.VALID
            summary = f"all {counts['acknowledged']} elements that went in came out ({tally})"
        return Verdict(self.name, validity, summary, tuple(shown[:MOST_EVIDENCE]), counts)


@dataclass
class Told:
    """What was found so far."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    evidence: dict[str, list[Evidence]] = field(default_factory=dict)

    def add(self, kind: str, count: int, *cases: Evidence | None) -> None:
        """So many more of a kind; cases are told as long as there is room."""
        self.counts[kind] += count
        known = self.evidence.setdefault(kind, [])
        known += [case for case in cases if case is not None][: MOST_EVIDENCE - len(known)]


def _over(begun: list[int], taken: list[int]) -> int:
    """How many of those taken (their ends, ascending) there is no enqueue for that began before."""
    return max([0, *(place - bisect_left(begun, end) for place, end in enumerate(taken, start=1))])


def _missing(puts: list[Asked], one: Element) -> int:
    """How many of these enqueues there is no end of a take for that came after their beginning."""
    ends = sorted(take.until for take in one.out)
    latest_first = enumerate(sorted((put.at for put in puts), reverse=True), start=1)
    return max([0, *(count - (len(ends) - bisect_left(ends, at)) for count, at in latest_first)])


def _elements(calls: list[Asked]) -> dict[Hashable, Element]:
    found: dict[Hashable, Element] = {}

    def known(value: Any) -> Element:
        return found.setdefault(element(value), Element(value))

    for one in calls:
        if one.begun.f == ENQUEUE:
            here = known(one.begun.value)
            (here.failed if one.outcome == "fail" else here.tried).append(one)
        elif one.outcome == "ok":
            for value in _taken(one):
                known(value).out.append(one)
    return found


def _taken(one: Asked) -> Iterator[Any]:
    """What a reply says that it took out."""
    told = one.told
    if told is None or (one.begun.f == DRAIN and _said(told) in EMPTY):
        return
    if one.begun.f == DEQUEUE:
        yield told
    elif isinstance(told, list | tuple):
        yield from told
    else:
        raise IllegalOperation(one.rows[-1], f"a drain gives a list of elements, not {told!r}")


def _is_empty(one: Asked) -> bool:
    if one.begun.f == ENQUEUE or one.ended is None:
        return False
    if one.outcome == "ok":
        return one.begun.f == DRAIN or one.told is None
    return one.outcome == "fail" and (one.ended.error in EMPTY or _said(one.told) in EMPTY)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _taken_unseen(calls: list[Asked], empty: Asked) -> int | None:
    """How many elements went to replies that nobody got, before it was empty; None: any number."""
    unknown = [
        one for one in calls if one.outcome == "info" and one.begun.f != ENQUEUE and one.at < empty.rows[-1]
    ]
    return None if any(one.begun.f == DRAIN for one in unknown) else len(unknown)


def _unexpected(key: str | None, one: Element, early: list[Asked]) -> Evidence:
    tried, verb = (one.tried[:1], "began after that") if one.tried else (one.failed[:1], "failed")
    reason = f"{named(tried)}, which put it in, {verb}" if tried else "nobody put it in"
    text = f"Operation {early[0].at} took out {one.value!r}{of(key)}, but {reason}."
    return Evidence(f"{one.value!r}{of(key)} is unexpected", text, rows(early[0], *tried))


def _duplicated(key: str | None, one: Element) -> Evidence:
    out, tried = f"{len(one.out)} times ({named(one.out)})", len(one.tried)
    text = f"{one.value!r}{of(key)} came out {out}, but went in {tried}."
    shown = [*one.tried, *one.out][:MOST_EVIDENCE]
    return Evidence(f"{one.value!r}{of(key)} was duplicated", text, rows(*shown))


def _lost(key: str | None, one: Element, empty: Asked, spare: int, missing: int) -> Evidence:
    put = next(put for put in one.tried if put.outcome == "ok")
    text = (
        f"Operation {put.at} put in {one.value!r}{of(key)}, and was answered; operation {empty.at} found the "
        "queue empty after that, and nothing took it out"
    )
    text += f" (but for {spare} of {missing} that went to replies that nobody got)." if spare else "."
    return Evidence(f"{one.value!r}{of(key)} was lost", text, rows(put, empty))
