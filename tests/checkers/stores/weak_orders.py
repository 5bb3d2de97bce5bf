"""Weak levels by trying every order of commits: the definitions, and nothing that the checker uses.

After Biswas & Enea (OOPSLA 2019), section 2: a history keeps a level if its transactions have an order of
commits that contains what reads saw (and the order of processes, where the level has it), such that for each
read of x from t1 and each other writer t2 of x that the level lets the read see, t2 comes before t1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations, permutations

from history import History

INITIAL = -1


@dataclass
class Txn:
    """One transaction: its outcome, what it wrote last by key, and its reads from outside, in order."""

    number: int
    process: int
    outcome: str
    writes: dict[str, int] = field(default_factory=dict)
    reads: list[tuple[str, int | None]] = field(default_factory=list)
    contradicts_itself: bool = False


class EveryCommitOrder:
    """Decides levels by exhaustion."""

    def __init__(self, history: History, initial: int | None = None) -> None:
        self.txns = list(_transactions(history))
        self._initial = initial
        """What each key held before its first write."""

    def keeps(self, level: str) -> bool:
        """Whether the history keeps the level."""
        sure = [t for t in self.txns if t.outcome == "ok"]
        perhaps = [t for t in self.txns if t.outcome == "info"]
        subsets = chain.from_iterable(combinations(perhaps, n) for n in range(len(perhaps) + 1))
        return any(self._kept([*sure, *more], level) for more in subsets)

    def _kept(self, committed: list[Txn], level: str) -> bool:
        sources = _sources(committed, self._initial)
        if sources is None:
            return False
        if level == "pram":
            return all(
                any(_is_view(order, sources, process) for order in _orders(committed, sources, False, True))
                for process in {t.process for t in committed}
            )
        sessions = level.startswith("strong-session-") or level == "causal"
        base = level.removeprefix("strong-session-")
        return any(
            _allowed(order, sources, base, sessions) for order in _orders(committed, sources, True, sessions)
        )


Sources = dict[int, list[tuple[str, int]]]
"""By transaction its reads in order: the key, and the transaction that was seen or INITIAL."""


def _transactions(history: History) -> Iterator[Txn]:
    for operation in history:
        if operation.type != "invoke":
            continue
        completion = history.completion(operation)
        outcome = "info" if completion is None else completion.type
        txn = Txn(operation.index, operation.process, outcome)
        source = completion if completion is not None and outcome == "ok" else operation
        for f, key, value in source.value:
            if f == "w":
                txn.writes[key] = value
            elif outcome == "ok":
                if key not in txn.writes:
                    txn.reads.append((key, value))
                elif txn.writes[key] != value:
                    txn.contradicts_itself = True
        yield txn


def _sources(committed: list[Txn], initial: int | None) -> Sources | None:
    """What each read saw; None if a read saw nothing that these transactions left there."""
    final: dict[tuple[str, int | None], int] = {
        (key, value): t.number for t in committed for key, value in t.writes.items()
    }
    found: Sources = {}
    for txn in committed:
        if txn.contradicts_itself:
            return None
        for key, value in txn.reads:
            author = INITIAL if value == initial else final.get((key, value))
            if author is None or author == txn.number:
                return None
            found.setdefault(txn.number, []).append((key, author))
    return found


def _comes_before(a: Txn, b: Txn) -> bool:
    """Whether a process had the reply to one when it began the other; without a reply it may come later."""
    return a.process == b.process and a.number < b.number and a.outcome == "ok"


def _orders(committed: list[Txn], sources: Sources, reads: bool, sessions: bool) -> Iterator[tuple[Txn, ...]]:
    """The orders that contain what reads saw and the order of processes, as asked for."""
    for order in permutations(committed):
        place = {t.number: n for n, t in enumerate(order)}
        if sessions and any(
            _comes_before(a, b) and place[a.number] > place[b.number] for a in order for b in order
        ):
            continue
        if reads and any(
            author != INITIAL and place[author] > place[reader]
            for reader, seen in sources.items()
            for _, author in seen
        ):
            continue
        yield order


def _allowed(order: tuple[Txn, ...], sources: Sources, base: str, sessions: bool) -> bool:
    place = {t.number: n for n, t in enumerate(order)}
    place[INITIAL] = -1
    happened = _happened_before(order, sources) if base == "causal" else set()
    for t3 in order:
        seen = sources.get(t3.number, [])
        for position, (key, t1) in enumerate(seen):
            for t2 in order:
                if key not in t2.writes or t2.number in (t1, t3.number):
                    continue
                before = any(author == t2.number for _, author in seen[:position])
                any_read = any(author == t2.number for _, author in seen)
                earlier = sessions and _comes_before(t2, t3)
                visible = {
                    "read-committed": False,
                    "monotonic-atomic-view": before,
                    "read-atomic": any_read or earlier,
                    "causal": (t2.number, t3.number) in happened,
                }[base]
                if visible and place[t2.number] > place[t1]:
                    return False
    return True


def _happened_before(order: tuple[Txn, ...], sources: Sources) -> set[tuple[int, int]]:
    known = {(a.number, b.number) for a in order for b in order if _comes_before(a, b)}
    known |= {(author, reader) for reader, seen in sources.items() for _, author in seen if author != INITIAL}
    while True:
        more = {(a, d) for a, b in known for c, d in known if b == c} - known
        if not more:
            return known
        known |= more


def _is_view(order: tuple[Txn, ...], sources: Sources, process: int) -> bool:
    """Whether each read of the process saw the last write in this order."""
    last: dict[str, int] = {}
    for txn in order:
        if txn.process == process and any(
            last.get(key, INITIAL) != author for key, author in sources.get(txn.number, [])
        ):
            return False
        last.update(dict.fromkeys(txn.writes, txn.number))
    return True
