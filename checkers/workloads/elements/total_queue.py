"""A queue, counted: every element that went in came out, once the queue is drained.

Operations, as Jepsen's `total-queue` has them: `enqueue` of an element, `dequeue`, whose reply is one, or
None if there is none, and `drain`, whose reply is a list of all that was left. Equal elements are counted. An
element is

- *unexpected* if it came out and no enqueue had put it in: each that tried failed, or began later;
- *lost* if it was acknowledged before the queue was found empty, and never came out;
- *duplicated* if it came out more often than it may have been put in. Queues that deliver at least once do
  that: it is counted, and a violation only with the option `exactly_once`;
- *recovered* if it came out although its enqueue was never acknowledged.

A queue is *found empty* by a drain, by a dequeue that gave None, or by one that failed and says `empty` or
`exhausted`. If none of these followed the last enqueue, a missing element may still be in the queue. A
dequeue of unknown outcome may have taken one element, and a drain of unknown outcome any number: up to that
number, missing elements are not called lost. Whether they leave a doubt is for `missing_as_taken` to say: a
run with faults always has some, and the model `queue` takes them as explained, too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    element,
    named,
    numbers,
    of,
)
from history import Recording
from history.values import elements

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
    """All operations on one element."""

    value: Any
    tried: list[ClientOperation] = field(default_factory=list)
    """Enqueues that did not fail."""
    failed: list[ClientOperation] = field(default_factory=list)
    out: list[ClientOperation] = field(default_factory=list)
    """Dequeues and drains that took it out; one that took it twice is here twice."""


@dataclass(frozen=True)
class TotalQueue:
    """Compares, element by element, what went in with what came out."""

    exactly_once: bool = False
    """Whether an element that came out twice is a violation."""
    missing_as_taken: bool = False
    """Whether a missing element counts as taken if a dequeue without a reply may have taken it; else the
    verdict is `unknown` then."""
    name: str = "total-queue"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of queues.

        Raises:
            IllegalOperation: an operation of another kind, or a drain that gives no list.
        """
        findings = QueueFindings()
        operations = client_operations(recording.history, self.name, [ENQUEUE, DEQUEUE, DRAIN])
        for key, calls in by_key(operations).items():
            self._judge_queue(key, calls, findings)
        return self._verdict(findings)

    def _judge_queue(self, key: str | None, calls: list[ClientOperation], findings: QueueFindings) -> None:
        """Count one queue's elements."""
        counts = findings.counts
        empty = max((one for one in calls if _is_empty(one)), key=lambda one: one.at, default=None)
        gone: list[tuple[Element, int]] = []
        for one in _elements(calls).values():
            self._count_taken(key, one, findings)
            certain = [put for put in one.tried if put.outcome == "ok"]
            before_empty = [put for put in certain if empty is not None and put.until < empty.at]
            missing = _missing(before_empty, one)
            counts["left"] += _missing(certain, one) - missing
            if missing:
                gone.append((one, missing))
        if not gone or empty is None:
            return
        total, spare = sum(count for _, count in gone), _taken_unseen(calls, empty)
        if spare is None or total <= spare:
            counts["unseen"] += total
            findings.any_number |= spare is None
        else:
            lost = [_lost(key, one, empty, spare, total) for one, _ in gone]
            findings.add("lost", total - spare, *lost)

    def _count_taken(self, key: str | None, one: Element, findings: QueueFindings) -> None:
        """Count how often one element went in and came out, and note what is wrong with that."""
        counts = findings.counts
        certain = sum(put.outcome == "ok" for put in one.tried)
        counts["enqueued"] += len(one.tried) + len(one.failed)
        counts["acknowledged"] += certain
        counts["out"] += len(one.out)
        counts["recovered"] += max(min(len(one.out), len(one.tried)) - certain, 0)
        begun = [put.at for put in one.tried]
        early = [take for take in one.out if not begun or take.until < begun[0]]
        if early:
            findings.add("unexpected", len(early), _unexpected(key, one, early))
        later = sorted(take.until for take in one.out if not begun or take.until > begun[0])
        over = _over(begun, later)
        if over and begun:
            findings.add("duplicated", over, _duplicated(key, one) if self.exactly_once else None)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _verdict(self, findings: QueueFindings) -> Verdict:
        counts = findings.counts
        shown = [one for cases in findings.evidence.values() for one in cases]
        tally = ", ".join(
            f"{counts[kind]} {kind}" for kind in ("unexpected", "lost", "duplicated", "recovered")
        )
        doubts = [
            f"{counts[kind]} {why}"
            for kind, why in (
                ("left", "may still be in the queue, which was never found empty afterwards"),
                ("unseen", "may have been taken by operations without a reply"),
            )
            if counts[kind] and not (kind == "unseen" and self.missing_as_taken and not findings.any_number)
        ]
        mark: Mark
        if shown:
            mark, summary = Validity.INVALID, f"{tally}; for example: {shown[0].text}"
        elif doubts:
            mark, summary = (
                Validity.UNKNOWN,
                f"of the elements that went in and did not come out, {', '.join(doubts)}",
            )
        elif not counts["out"]:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "nothing came out of the queue, so nothing is known about it",
            )
        else:
            mark = Validity.VALID
            unseen = counts["unseen"]
            but = f", but for {unseen} that dequeues without a reply may have taken" if unseen else ""
            summary = f"all {counts['acknowledged']} elements that went in came out{but} ({tally})"
        caveats = (
            ("a dequeue without a reply may have taken an element, or none",) if counts["unseen"] else ()
        )
        return Verdict.marked(self.name, mark, summary, tuple(shown[:MOST_EVIDENCE]), counts, caveats)


@dataclass
class QueueFindings:
    """The counts and the evidence so far, by kind."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    evidence: dict[str, list[Evidence]] = field(default_factory=dict)
    any_number: bool = False
    """Whether a drain without a reply may have taken any number of those that are missing."""

    def add(self, kind: str, count: int, *cases: Evidence | None) -> None:
        """Count more findings of a kind, and keep their evidence as long as there is room."""
        self.counts[kind] += count
        known = self.evidence.setdefault(kind, [])
        known += [case for case in cases if case is not None][: MOST_EVIDENCE - len(known)]


def _over(begun: list[int], taken: list[int]) -> int:
    """How many of these takes (by their completions, ascending) have no enqueue that began before them."""
    return max([0, *(place - bisect_left(begun, end) for place, end in enumerate(taken, start=1))])


def _missing(puts: list[ClientOperation], one: Element) -> int:
    """How many of these enqueues have no take of the element that completed after they began."""
    ends = sorted(take.until for take in one.out)
    latest_first = enumerate(sorted((put.at for put in puts), reverse=True), start=1)
    return max([0, *(count - (len(ends) - bisect_left(ends, at)) for count, at in latest_first)])


def _elements(calls: list[ClientOperation]) -> dict[Hashable, Element]:
    found: dict[Hashable, Element] = {}

    def known(value: Any) -> Element:
        return found.setdefault(element(value), Element(value))

    for one in calls:
        if one.invocation.f == ENQUEUE:
            here = known(one.invocation.value)
            (here.failed if one.outcome == "fail" else here.tried).append(one)
        elif one.outcome == "ok":
            for value in _taken(one):
                known(value).out.append(one)
    return found


def _taken(one: ClientOperation) -> Iterator[Any]:
    """The elements that a reply says it took out."""
    reply = one.reply
    if reply is None or (one.invocation.f == DRAIN and _text(reply) in EMPTY):
        return
    if one.invocation.f == DEQUEUE:
        yield reply
    elif (drained := elements(reply)) is not None:
        yield from drained
    else:
        raise IllegalOperation(one.positions[-1], f"a drain gives a list of elements, not {reply!r}")


def _is_empty(one: ClientOperation) -> bool:
    if one.invocation.f == ENQUEUE or one.completion is None:
        return False
    if one.outcome == "ok":
        return one.invocation.f == DRAIN or one.reply is None
    return one.outcome == "fail" and (one.completion.error in EMPTY or _text(one.reply) in EMPTY)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _taken_unseen(calls: list[ClientOperation], empty: ClientOperation) -> int | None:
    """How many elements operations without a reply may have taken before the queue was empty; None: any."""
    unknown = [
        one
        for one in calls
        if one.outcome == "info" and one.invocation.f != ENQUEUE and one.at < empty.positions[-1]
    ]
    return None if any(one.invocation.f == DRAIN for one in unknown) else len(unknown)


def _unexpected(key: str | None, one: Element, early: list[ClientOperation]) -> Evidence:
    tried, verb = (one.tried[:1], "began only after that") if one.tried else (one.failed[:1], "failed")
    reason = f"{named(tried)}, which was to put it in, {verb}" if tried else "no client put it in"
    text = f"Operation {early[0].at} took out {one.value!r}{of(key)}, but {reason}."
    return Evidence(
        f"{one.value!r}{of(key)} came out without having been put in", text, numbers(early[0], *tried)
    )


def _duplicated(key: str | None, one: Element) -> Evidence:
    out, tried = f"{len(one.out)} times ({named(one.out)})", len(one.tried)
    text = f"{one.value!r}{of(key)} came out {out}, but went in {tried}."
    shown = [*one.tried, *one.out][:MOST_EVIDENCE]
    return Evidence(f"{one.value!r}{of(key)} was duplicated", text, numbers(*shown))


def _lost(key: str | None, one: Element, empty: ClientOperation, spare: int, missing: int) -> Evidence:
    put = next(put for put in one.tried if put.outcome == "ok")
    text = (
        f"Operation {put.at} put in {one.value!r}{of(key)} and was acknowledged. Later, operation {empty.at} "
        "found the queue empty, but no operation ever took that element out"
    )
    text += (
        f" (of {missing} missing elements, {spare} may have gone to operations without a reply)."
        if spare
        else "."
    )
    return Evidence(f"{one.value!r}{of(key)} was lost", text, numbers(put, empty))
