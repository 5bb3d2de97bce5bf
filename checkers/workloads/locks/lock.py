"""Locks: no two processes hold one at once, as far as the replies prove; and fencing tokens rise.

Each key is a lock. `acquire` that is `ok` got it; its reply is None or a fencing token (a whole number).
`release` that is `ok` says that the process held the lock until then; one that `fail`ed says that it was lost
before, at a time that is not known. What a history proves of a hold is therefore

- that it had the lock at some moment within its acquire, in any case;
- that it had the lock from the reply of its acquire until it began its release, if the release is `ok`: the
  hold is *confirmed*. Of any other hold (lost, never released, of unknown outcome) only the moment counts,
  since a session that ended by itself may have freed the lock.

Three rules follow. Together they are exact: a history breaks one exactly if no order explains it.

- *one holder*: no acquire happened within another's confirmed hold, and no two confirmed holds overlap;
- *rising tokens*: a token is greater than that of every acquire of the lock that was answered before this one
  began; and no token is given twice;
- *tokens in the order of the holds*: the smaller token was given first, so its confirmed hold has ended when
  the greater one is given.

Without tokens, the first rule is linearizability of a mutex whose holder may lose it at any time unless a
release confirms it. `lease` (lease.py) judges locks of which a lease states how long they are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural, seconds
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
from history.units import MILLISECOND_NS

ACQUIRE, RELEASE = "acquire", "release"
TWO_HOLDERS = "two processes held a lock at once"
NOT_RISING = "a token did not rise"
TWICE = "a token was given twice"


class LockHold(NamedTuple):
    """One acquisition that succeeded."""

    acquire: ClientOperation
    release: ClientOperation | None
    """The release that confirms it; None if there is none."""
    token: int | None

    @property
    def since(self) -> int:
        """Position in the history of the reply: from there on the process certainly had it, if confirmed."""
        return self.acquire.until

    @property
    def until(self) -> int:
        """Position up to which the process certainly had it; that of the reply if it is not confirmed."""
        return self.since if self.release is None else self.release.at


@dataclass(frozen=True)
class Lock:
    """Looks for two holders at once, and for tokens that do not rise."""

    name: str = "lock"

    def judge(self, recording: Recording) -> Verdict:
        """Judge a history of locks.

        Raises:
            IllegalOperation: an operation of another kind, or a token that is no whole number.
        """
        history = recording.history
        time = history.columns.time.tolist()
        counts: Counter[str] = Counter()
        held_ms: list[float] = []
        evidence: dict[str, list[Evidence]] = {}
        for key, calls in by_key(client_operations(history, self.name, (ACQUIRE, RELEASE))).items():
            holds = holds_of(calls)
            confirmed = [hold for hold in holds if hold.release is not None]
            counts["acquired"] += len(holds)
            counts["confirmed"] += len(confirmed)
            counts["comparable"] += len(holds) > 1 and bool(confirmed)
            counts["lost"] += sum(one.invocation.f == RELEASE and one.outcome == "fail" for one in calls)
            held_ms += [(time[hold.until] - time[hold.since]) / MILLISECOND_NS for hold in confirmed]
            for case in (*_two_holders(key, holds, time), *_tokens(key, holds)):
                evidence.setdefault(case.kind, []).append(case)
        found = {kind: len(cases) for kind, cases in evidence.items()}
        shown = [case for cases in evidence.values() for case in cases[:MOST_EVIDENCE]][:MOST_EVIDENCE]
        acquired = plural(counts["acquired"], "acquisition")
        mark: Mark
        if shown:
            tally = ", ".join(f"{kind}: {number}" for kind, number in found.items())
            mark, summary = Validity.INVALID, f"{tally}; for example: {shown[0].text}"
        elif not counts["acquired"]:
            mark, summary = Unjudged.NOT_EXERCISED, "no lock was acquired"
        elif not counts["comparable"]:
            mark, summary = (
                Unjudged.NOT_EXERCISED,
                f"{acquired}, but no lock was acquired twice with a release that confirms that it was held",
            )
        else:
            mark = Validity.VALID
            summary = (
                f"{acquired}, of which a release confirms {counts['confirmed']}: one holder at a time; "
                f"{plural(counts['lost'], 'lock was', 'locks were')} lost before the release"
            )
        return Verdict.marked(
            self.name,
            mark,
            summary,
            tuple(shown),
            {
                "acquired": counts["acquired"],
                "confirmed": counts["confirmed"],
                "lost": counts["lost"],
                "held_ms": quantiles(held_ms),
                "found": found,
            },
            ("a hold without an acknowledged release counts only at the moment of its acquisition",),
        )

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def holds_of(calls: list[ClientOperation]) -> list[LockHold]:
    """The acquisitions of one lock that succeeded, in the order in which they were answered."""
    found: list[LockHold] = []
    current: dict[int, ClientOperation] = {}

    def end(acquire: ClientOperation | None, release: ClientOperation | None) -> None:
        if acquire is not None:
            found.append(LockHold(acquire, release, _token(acquire)))

    for one in calls:
        process = one.invocation.process
        held = current.pop(process, None)
        if one.invocation.f == ACQUIRE:
            if one.outcome == "fail":
                # It was not got: this says nothing about a hold of the same process before.
                if held is not None:
                    current[process] = held
                continue
            end(held, None)  # acquired again: nothing confirms that it was held until then
            if one.outcome == "ok":
                current[process] = one
        else:
            end(held, one if one.outcome == "ok" else None)
    for acquire in current.values():
        end(acquire, None)
    return sorted(found, key=lambda hold: hold.since)


def _token(acquire: ClientOperation) -> int | None:
    if acquire.reply is None:
        return None
    return whole(acquire.positions[-1], acquire.reply, "acquire gives a token, a whole number, or nothing")


def _two_holders(key: str | None, holds: list[LockHold], time: list[int]) -> Iterator[Evidence]:
    """Each acquisition that certainly happened while another process certainly held the lock."""
    longest: LockHold | None = None
    for hold in holds:  # by their replies, so that all confirmed holds that began before are known
        if longest is not None and _within(hold, longest):
            yield _overlap(key, longest, hold, time)
        if hold.release is not None and (longest is None or hold.until > longest.until):
            longest = hold


def _within(hold: LockHold, confirmed: LockHold) -> bool:
    """Whether a hold that was answered later certainly met a confirmed one."""
    if hold.release is not None:
        return hold.since < confirmed.until
    return confirmed.since < hold.acquire.at and hold.since < confirmed.until


def _overlap(key: str | None, first: LockHold, second: LockHold, time: list[int]) -> Evidence:
    assert first.release is not None
    a, b = first.acquire, second.acquire
    where = "" if key is None else f" {key}"
    text = (
        f"Process {a.invocation.process} got the lock{of(key)} by operation {a.at} "
        f"and held it until operation {first.release.at} released it, which was acknowledged. "
        f"Within that time process {b.invocation.process} got it, too, by operation {b.at}."
    )
    title = (
        f"process {b.invocation.process} got the lock{where} at {seconds(time[second.since])}, while process "
        f"{a.invocation.process} held it ({seconds(time[first.since])} to {seconds(time[first.until])})"
    )
    shown = numbers(a, first.release, b, *(() if second.release is None else (second.release,)))
    return Evidence(title, text, shown, kind=TWO_HOLDERS)


def _tokens(key: str | None, holds: list[LockHold]) -> Iterator[Evidence]:
    """Tokens that were given twice, or out of order."""
    given: dict[int, LockHold] = {}
    by_token: list[tuple[int, LockHold]] = []
    for hold in holds:
        if hold.token is None:
            continue
        if hold.token in given:
            first = given[hold.token]
            text = (
                f"Operations {first.acquire.at} and {hold.acquire.at} were both given token "
                f"{hold.token}{of(key)}."
            )
            title = f"token {hold.token}{of(key)} was given twice"
            yield Evidence(title, text, numbers(first.acquire, hold.acquire), kind=TWICE)
        else:
            given[hold.token] = hold
            by_token.append((hold.token, hold))
    by_token.sort(key=lambda pair: pair[0])
    longest: LockHold | None = None
    latest: LockHold | None = None
    for _, hold in by_token:  # each has a greater token than all before, so it must come after them
        if latest is not None and latest.acquire.at > hold.since:
            yield _out_of_order(key, hold, latest)
        elif longest is not None and longest.until > hold.since:
            yield _held_on(key, longest, hold)
        if latest is None or hold.acquire.at > latest.acquire.at:
            latest = hold
        if hold.release is not None and (longest is None or hold.until > longest.until):
            longest = hold


def _out_of_order(key: str | None, greater: LockHold, smaller: LockHold) -> Evidence:
    text = (
        f"Operation {smaller.acquire.at} was given token {smaller.token}{of(key)}, although operation "
        f"{greater.acquire.at}, which had ended before it began, was given token {greater.token}."
    )
    title = f"token {smaller.token}{of(key)} was given after token {greater.token}"
    return Evidence(title, text, numbers(greater.acquire, smaller.acquire), kind=NOT_RISING)


def _held_on(key: str | None, first: LockHold, second: LockHold) -> Evidence:
    assert first.release is not None
    text = (
        f"Operation {first.acquire.at} was given token {first.token}{of(key)}, and its process held the lock "
        f"until operation {first.release.at} released it, which was acknowledged. But operation "
        f"{second.acquire.at} was given the greater token {second.token} before that."
    )
    title = f"token {second.token}{of(key)} was given while the holder of token {first.token} had the lock"
    shown = numbers(first.acquire, first.release, second.acquire)
    return Evidence(title, text, shown, kind=TWO_HOLDERS)
