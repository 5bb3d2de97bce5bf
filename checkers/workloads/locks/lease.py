"""Locks and leases: no two processes hold a lock at once, and an old token lets no write in.

Each key names a lock and what it guards:

- `acquire`: the reply is None, or a fencing token (a whole number), or an object with `token` (or `fence`),
  and perhaps `lease_s`, for how long it is held;
- `renew`: holds it for that long again; `release`: gives it up. Their values and replies are not looked at;
- `write`, of a token or an object with `token`: uses the guarded resource under that token. `ok` means that
  the write was let in, `fail` that it was kept out.

Three rules are judged, each exactly:

- *one holder*. From the reply of `acquire` a process certainly holds the lock, until it begins to release it,
  asks for it again, or ends; or, with a lease, until the lease has run out, counted from when the last
  answered acquire or renew *began*, since the server cannot have begun to count earlier. No two such
  intervals may overlap.
- *rising tokens*. A token is greater than that of every acquire that was answered before this one began; no
  token is given twice.
- *fencing*. No write is let in with a token smaller than one that was let in before this write began.
  (Kleppmann, "How to do distributed locking", 2016: without this, a lease protects nothing.)

This assumes that a client's second is no longer than the server's: state a `lease_s` that is shorter than the
real one by as much as clocks may drift.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability.answer import NEVER
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.workloads.client_operations import (
    ClientOperation,
    by_key,
    client_operations,
    numbers,
    of,
    quantiles,
    whole,
)
from history import Recording
from history.units import MILLISECOND_NS, SECOND_NS

ACQUIRE, RENEW, RELEASE, WRITE = "acquire", "renew", "release", "write"


class Hold(NamedTuple):
    """An interval in which a process certainly held a lock."""

    by: ClientOperation
    """The acquire that began it, or a renew after the lease may have run out."""
    since: int
    """Position in the history of the reply."""
    until: int
    """Position of the event that ended it, or of the first event after its lease ran out; `NEVER` for none.
    """
    until_ns: int
    """When its lease ran out; `NEVER` without a lease."""
    renews: tuple[ClientOperation, ...] = ()
    """The renews that prolonged its lease: the last two at most."""
    ended_by: int | None = None
    """The number of the operation that ended it before its lease had run out; None for none."""


@dataclass(frozen=True)
class Leases:
    """Looks for two holders at once, tokens out of order, and late writers let in."""

    lease_s: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None
    """How long an acquire or renew lasts, where replies do not say it; None: until the release."""
    name: str = "lease"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of locks.

        Raises:
            IllegalOperation: an operation of another kind, or a token that is none.
        """
        counts: Counter[str] = Counter()
        evidence: list[Evidence] = []
        found: Counter[str] = Counter()
        held_ms: list[float] = []
        time = recording.history.columns.time.tolist()
        comparable = 0
        for key, calls in by_key(
            client_operations(recording.history, self.name, (ACQUIRE, RENEW, RELEASE, WRITE))
        ).items():
            counts.update(f"{one.invocation.f}_{one.outcome}" for one in calls)
            holds = self._holds(calls, time)
            ends = (min(time[min(hold.until, len(time) - 1)], hold.until_ns) for hold in holds)
            held_ms += [
                (end - time[hold.since]) / MILLISECOND_NS for hold, end in zip(holds, ends, strict=True)
            ]
            given = [
                (one, token)
                for one in calls
                if one.invocation.f == ACQUIRE and (token := _given(one)) is not None
            ]
            used = [(one, _used(one)) for one in calls if one.invocation.f == WRITE]
            used = [(one, token) for one, token in used if one.outcome == "ok"]
            comparable += max(len(holds) - 1, 0) + max(len(used) - 1, 0)
            for case in (
                *_overlaps(key, holds),
                *_falling(key, given, strictly=True),
                *_falling(key, used),
            ):
                found[case.title] += 1
                if found[case.title] <= MOST_EVIDENCE:
                    evidence.append(case)
        mark: Mark
        if evidence:
            tally = ", ".join(f"{title}: {count}" for title, count in found.items())
            mark, summary = Validity.INVALID, f"{tally}; for example: {evidence[0].text}"
        elif not counts[f"{ACQUIRE}_ok"] and not counts[f"{WRITE}_ok"]:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                "no lock was acquired and no write let in, so nothing is known",
            )
        elif not comparable:
            mark, summary = Unjudged.NOT_EXERCISED, "no lock was acquired twice, so nothing could go wrong"
        else:
            mark = Validity.VALID
            used_ok = f"{counts['write_ok']} writes were let in, in the order of their tokens"
            summary = f"{counts['acquire_ok']} acquisitions, one holder at a time; {used_ok}"
        measures: dict[str, Any] = dict(sorted(counts.items())) | {
            "held_ms": quantiles(held_ms),
            "found": dict(found),
        }
        caveat = "no lease was stated: a lock counts as held until its release, unless a reply says how long"
        caveats = (caveat,) if self.lease_s is None else ()
        return Verdict.marked(self.name, mark, summary, tuple(evidence[:MOST_EVIDENCE]), measures, caveats)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)

    def _holds(self, calls: list[ClientOperation], time: list[int]) -> list[Hold]:
        """The intervals in which processes certainly held the lock, in the order in which they began."""
        found: list[Hold] = []
        current: dict[int, Hold] = {}
        leases: dict[int, float | None] = {}
        for one in calls:
            process, f = one.invocation.process, one.invocation.f
            hold, follows = current.get(process), None
            if one.outcome == "ok" and (f == ACQUIRE or (f == RENEW and hold is not None)):
                lease_s = leases[process] = _lease(one, self.lease_s if f == ACQUIRE else leases[process])
                until_ns = NEVER if lease_s is None else one.invocation.time + int(lease_s * SECOND_NS)
                if f == RENEW and hold is not None and time[one.until] < hold.until_ns:
                    current[process] = hold._replace(until_ns=until_ns, renews=(*hold.renews[-1:], one))
                    continue
                follows = Hold(one, one.until, NEVER, until_ns)
            elif f not in (RENEW, RELEASE) and one.outcome != "info":
                continue  # it neither begins nor ends a hold
            if hold is not None:
                found.append(hold._replace(until=one.at, ended_by=one.at))
                del current[process]
            if follows is not None:
                current[process] = follows
        ended = [
            hold if hold.until_ns > time[-1] else _run_out(hold, bisect_left(time, hold.until_ns))
            for hold in (*found, *current.values())
        ]
        return sorted((hold for hold in ended if hold.until > hold.since), key=lambda hold: hold.since)


def _run_out(hold: Hold, at: int) -> Hold:
    """A hold whose lease had run out at this position, if no operation had ended it before."""
    return hold if hold.until <= at else hold._replace(until=at, ended_by=None)


def _overlaps(key: str | None, holds: list[Hold]) -> Iterator[Evidence]:
    """The violations of `one holder`: each hold that began within an earlier one."""
    longest: Hold | None = None
    for hold in holds:
        if longest is not None and hold.since < longest.until:
            verb = "acquired" if hold.by.invocation.f == ACQUIRE else "renewed"
            text = (
                f"Process {longest.by.invocation.process} held the lock{of(key)} "
                f"from the reply to operation {longest.by.at} on"
                f"{_lasting(longest)}. In that time, operation {hold.by.at} of process "
                f"{hold.by.invocation.process} {verb} it, too, which was acknowledged."
            )
            renews = [one for one in longest.renews if one.at < hold.since]
            yield Evidence("two processes held a lock at once", text, numbers(longest.by, *renews, hold.by))
        if longest is None or hold.until > longest.until:
            longest = hold


def _lasting(hold: Hold) -> str:
    ended = "" if hold.ended_by is None else f", until operation {hold.ended_by}"
    lease = "" if hold.until_ns == NEVER else f", by a lease until {hold.until_ns / SECOND_NS:.3f} s"
    return ended + lease


def _falling(
    key: str | None, those: list[tuple[ClientOperation, int]], *, strictly: bool = False
) -> Iterator[Evidence]:
    """Each operation whose token is smaller than one that was answered before it began, or given twice."""
    verb, title = (
        ("was given", "a token did not rise")
        if strictly
        else ("was let in with", "a write with an old token was let in")
    )
    first: dict[int, ClientOperation] = {}
    by_end = sorted(those, key=lambda pair: pair[0].until)
    place, greatest = 0, None
    for one, token in those:
        while place < len(by_end) and by_end[place][0].until < one.at:
            if greatest is None or by_end[place][1] > greatest[1]:
                greatest = by_end[place]
            place += 1
        if strictly and token in first:
            text = f"Operations {first[token].at} and {one.at} were both given token {token}{of(key)}."
            yield Evidence("a token was given twice", text, numbers(first[token], one))
        elif greatest is not None and token < greatest[1]:
            text = (
                f"Operation {one.at} {verb} token {token}{of(key)}, although operation {greatest[0].at}, "
                f"which had ended before it began, {verb} token {greatest[1]}."
            )
            yield Evidence(title, text, numbers(greatest[0], one))
        first.setdefault(token, one)


def _token(operation: int, value: Any) -> int | None:
    if isinstance(value, Mapping):
        value = value.get("token", value.get("fence"))
    return (
        None
        if value is None
        else whole(operation, value, "a token is a whole number, or an object that holds one as token")
    )


def _given(one: ClientOperation) -> int | None:
    return None if one.outcome != "ok" else _token(one.positions[-1], one.reply)


def _used(one: ClientOperation) -> int:
    token = _token(one.at, one.invocation.value)
    if token is None:
        raise IllegalOperation(one.at, f"a write must name its token, not {one.invocation.value!r}")
    return token


def _lease(one: ClientOperation, otherwise: float | None) -> float | None:
    """How long the reply says that the lease lasts, in seconds."""
    value = one.reply.get("lease_s") if isinstance(one.reply, Mapping) else None
    if value is not None and (type(value) not in (int, float) or value < 0):
        raise IllegalOperation(one.positions[-1], f"lease_s is in seconds, not {value!r}")
    return otherwise if value is None else float(value)
