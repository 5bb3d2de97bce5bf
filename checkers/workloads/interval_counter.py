"""A counter, read by read: each read lies between the least and the most that the additions allow.

An addition that was acknowledged before a read began is certainly in it. One that began after the read had
ended, or failed, is certainly not. Any other may be. So a read lies between what is certain plus all
subtractions that are possible, and what is certain plus all additions that are possible. Jepsen's `counter`
does this for additions alone; here `add` takes negative numbers, too, and `decrement` subtracts.

Operations: `add` (or `increment`, `decrement`) of a whole number, and `read`, whose reply is one. Each read
is judged by itself, in one pass; whether one order explains several reads is for the model `counter`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict, checked
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    named,
    numbers,
    of,
    whole,
)
from history import Recording

READ = "read"
SIGN = {"add": 1, "increment": 1, "decrement": -1}


class BoundedRead(NamedTuple):
    """A read that was answered, and the least and the most that a correct answer may be."""

    read: ClientOperation
    least: int
    value: int
    most: int

    @property
    def error(self) -> int:
        """How far the answer is outside these bounds; 0 if it is inside."""
        return max(self.least - self.value, self.value - self.most, 0)


@dataclass(frozen=True)
class IntervalCounter:
    """Compares each read with the least and the most that the counter may have shown."""

    initial: int = 0
    """What the counter held before the first addition."""
    name: str = "interval-counter"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of counters.

        Raises:
            IllegalOperation: an operation of another kind, or one that does not take or give a whole number.
        """
        adds = wrong_count = 0
        reads = widest = largest = 0
        moved = False
        evidence: list[Evidence] = []
        for key, calls in by_key(client_operations(recording.history, self.name, [READ, *SIGN])).items():
            adds += sum(one.invocation.f != READ and one.outcome != "fail" for one in calls)
            for bounds in intervals(calls, self.initial):
                reads += 1
                widest = max(widest, bounds.most - bounds.least)
                moved |= bounds.most != self.initial or bounds.least != self.initial
                if bounds.error:
                    wrong_count += 1
                    largest = max(largest, bounds.error)
                    if len(evidence) < MOST_EVIDENCE:
                        evidence.append(_evidence(key, bounds, calls, self.initial))
        mark: Mark
        if evidence:
            mark = Validity.INVALID
            summary = f"{wrong_count} of {reads} reads are impossible; for example: {evidence[0].text}"
        elif not reads:
            mark, summary = Unjudged.NOT_EXERCISED, "no read was answered, so no value is known"
        elif not moved:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "nothing was added before any read, so no read could be wrong",
            )
        else:
            mark, summary = Validity.VALID, f"{reads} reads are within what {adds} additions allow"
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(evidence),
            measures={
                "additions": adds,
                "reads": reads,
                "impossible": wrong_count,
                "largest_error": largest,
                "widest_interval": widest,
            },
            caveats=(
                "each read was judged by itself; whether one order explains all is for --model counter",
            ),
        )

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def intervals(calls: list[ClientOperation], initial: int) -> Iterator[BoundedRead]:
    """Every answered read of one counter, in the order of their completions."""
    certain_up = certain_down = possible_up = possible_down = initial
    at_begin: dict[int, tuple[int, int]] = {}
    events = sorted(
        (row, place, row == one.at)
        for place, one in enumerate(calls)
        if one.outcome != "fail"
        for row in one.positions
    )
    for _, place, begins in events:
        one = calls[place]
        if one.invocation.f == READ:
            if begins:
                at_begin[place] = certain_up, certain_down
            elif one.outcome == "ok":
                value = whole(one.positions[-1], one.reply, "a read gives a whole number")
                up, down = at_begin.pop(place)
                yield BoundedRead(one, up + possible_down - initial, value, down + possible_up - initial)
            continue
        amount = _amount(one)
        if begins and amount >= 0:
            possible_up += amount
        elif begins:
            possible_down += amount
        elif one.outcome == "ok" and amount >= 0:
            certain_up += amount
        elif one.outcome == "ok":
            certain_down += amount


def _amount(one: ClientOperation) -> int:
    return SIGN[one.invocation.f] * whole(
        one.at, one.invocation.value, f"{one.invocation.f} takes a whole number"
    )


def _evidence(key: str | None, bounds: BoundedRead, calls: list[ClientOperation], initial: int) -> Evidence:
    read, begun, ended = bounds.read, bounds.read.at, bounds.read.until
    adds = [one for one in calls if one.invocation.f != READ and one.outcome != "fail" and one.at < ended]
    certain = [one for one in adds if one.until < begun]
    maybe = [one for one in adds if one.until >= begun]
    low = bounds.value < bounds.least
    limit = bounds.least if low else bounds.most
    text = (
        f"Operation {read.at} read {bounds.value}{of(key)}, but the counter was at "
        f"{'least' if low else 'most'} {limit}: "
        f"when the read began, the acknowledged additions came to {sum(map(_amount, certain)) + initial}"
        + (f" ({named(certain)})" if certain else "")
        + (f"; {named(maybe)} may or may not have taken effect by then" if maybe else "")
        + "."
    )
    shown = adds if len(adds) <= MOST_EVIDENCE else []
    return Evidence(f"an impossible read{of(key)}", text, numbers(read, *shown))
