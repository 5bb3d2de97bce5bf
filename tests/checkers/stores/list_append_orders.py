"""Which isolation a small history of appends keeps, by trying every order. It knows nothing of the checker.

A history keeps a level if *some* choice explains it: which transactions of unknown outcome committed, and
in which order. The definitions, tried as they stand, over lists and not over graphs where that is possible:

- `serializable` (and `repeatable-read`, which is the same where there are only items): an order of the
  transactions in which each read shows the lists as they are then (Papadimitriou, J. ACM 26, 1979);
- `snapshot-isolation`: an order of beginnings and ends, in which a transaction reads the lists as they were
  at its beginning, and two that overlap append to no common key (Berenson et al., SIGMOD 1995, section 4.2);
- the rest after Adya (PhD thesis, MIT 1999, chapters 3 and 4), with an order of the writers of each key,
  whose versions are what these appended, one after the other. `read-committed` (PL-2): each read before an
  own append shows a version that another transaction installed, each later one shows the version that this
  transaction is about to install; no circle of write and read dependencies. `cursor-stability` (PL-CS): also,
  a transaction that read a key and then appended to it appended to what it read. `consistent-view` (PL-2+):
  also, a transaction that depends on another, however indirectly, misses nothing of it. `read-uncommitted`
  (PL-1): no circle of write dependencies alone, as far as reads show the order of the appends; see
  `_read_uncommitted`.

A level with the prefix `strong-session-` keeps to the order of each process, one with `strong-` to real time
(Daudjee & Salem, ICDE 2004): what came first there counts as what the later one depends on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, pairwise, permutations, product
from typing import Any, NamedTuple

from history import History

LEVELS = (
    "read-uncommitted",
    "read-committed",
    "cursor-stability",
    "consistent-view",
    "snapshot-isolation",
    "repeatable-read",
    "serializable",
)
PREFIXES = ("", "strong-session-", "strong-")

List = tuple[int, ...]
Orders = dict[str, tuple[int, ...]]
"""By key its writers in the order of their versions."""


class Txn(NamedTuple):
    """A transaction that did not certainly fail."""

    process: int
    invoked: int
    completed: int | None
    """Where the reply is; None if the outcome is not known."""
    steps: tuple[tuple[str, str, Any], ...]
    """Each step, an append or a read; what was read is None if no reply says it."""

    def appends(self, key: str) -> List:
        """What it appends to a key."""
        return tuple(value for f, of, value in self.steps if f == "append" and of == key)

    @property
    def written(self) -> frozenset[str]:
        """The keys to which it appends."""
        return frozenset(key for f, key, _ in self.steps if f == "append")


def transactions_of(history: History) -> list[Txn]:
    """The transactions of a history that may have happened."""
    found = []
    for op in history:
        if op.type != "invoke":
            continue
        end = history.completion(op)
        if end is None or end.type == "info":
            steps = tuple((f, key, value if f == "append" else None) for f, key, value in op.value)
            found.append(Txn(op.process, op.index, None, steps))
        elif end.type == "ok":
            steps = tuple((f, k, tuple(v or ()) if f == "r" else v) for f, k, v in end.value)
            found.append(Txn(op.process, op.index, end.index, steps))
    return found


class EveryOrder:
    """Answers for one history whether some order explains it, level by level."""

    def __init__(self, history: History) -> None:
        self._txns = transactions_of(history)
        self._sure = [n for n, txn in enumerate(self._txns) if txn.completed is not None]
        self._unsure = [n for n, txn in enumerate(self._txns) if txn.completed is None]

    def keeps(self, level: str) -> bool:
        """Whether the history keeps that level, with its prefix."""
        prefix = next(p for p in reversed(PREFIXES) if level.startswith(p) and level[len(p) :] in LEVELS)
        base, strength = level[len(prefix) :], PREFIXES.index(prefix)
        if base in ("serializable", "repeatable-read"):
            return any(self._serial(chosen, strength) for chosen in self._choices())
        if base == "snapshot-isolation":
            return any(self._snapshots(chosen, strength) for chosen in self._choices())
        if base == "read-uncommitted":
            return self._read_uncommitted(strength)
        return any(
            self._adya(base, chosen, orders, strength)
            for chosen in self._choices()
            for orders in self._version_orders(chosen)
        )

    def _choices(self) -> Iterator[tuple[int, ...]]:
        """The transactions that committed: all that said so, and any of the others."""
        for count in range(len(self._unsure) + 1):
            for more in combinations(self._unsure, count):
                yield tuple(sorted([*self._sure, *more]))

    def _first(self, a: int, b: int, strength: int) -> bool:
        """Whether a process, or real time, puts one transaction before another."""
        one, other = self._txns[a], self._txns[b]
        if strength >= 1 and one.process == other.process and one.invoked < other.invoked:
            return True
        return strength == 2 and one.completed is not None and one.completed < other.invoked

    # Serializability and snapshot isolation: play it.

    def _after(self, lists: Mapping[str, List], number: int) -> dict[str, List] | None:
        """The lists after a transaction that ran alone, or None if it read something else."""
        state = dict(lists)
        for f, key, value in self._txns[number].steps:
            if f == "append":
                state[key] = (*state.get(key, ()), value)
            elif value is not None and value != state.get(key, ()):
                return None
        return state

    def _serial(self, chosen: tuple[int, ...], strength: int) -> bool:
        seen = set()

        def goes_on(lists: Mapping[str, List], left: frozenset[int]) -> bool:
            if not left:
                return True
            state = (frozenset(lists.items()), left)
            if state in seen:  # tried before, in vain
                return False
            seen.add(state)
            for number in left:
                if any(self._first(other, number, strength) for other in left if other != number):
                    continue
                after = self._after(lists, number)
                if after is not None and goes_on(after, left - {number}):
                    return True
            return False

        return goes_on({}, frozenset(chosen))

    def _snapshots(self, chosen: tuple[int, ...], strength: int) -> bool:
        seen = set()

        def goes_on(
            lists: Mapping[str, List], left: frozenset[int], open_: Mapping[int, frozenset[str]]
        ) -> bool:
            """`open_`: by transaction that began, the keys to which others appended since."""
            if not left and not open_:
                return True
            state = (frozenset(lists.items()), left, frozenset(open_.items()))
            if state in seen:  # tried before, in vain
                return False
            seen.add(state)
            for number, since in open_.items():
                mine = self._txns[number]
                if since & mine.written:
                    continue
                after = {**lists, **{k: (*lists.get(k, ()), *mine.appends(k)) for k in mine.written}}
                rest = {n: keys | mine.written for n, keys in open_.items() if n != number}
                if goes_on(after, left, rest):
                    return True
            for number in left:
                waits = any(
                    self._first(other, number, strength) for other in {*left, *open_} if other != number
                )
                if waits or self._after(lists, number) is None:
                    continue
                if goes_on(lists, left - {number}, {**open_, number: frozenset()}):
                    return True
            return False

        return goes_on({}, frozenset(chosen), {})

    # The levels that Adya defines by orders of versions.

    def _version_orders(self, chosen: tuple[int, ...]) -> Iterator[Orders]:
        """All orders of the writers of each key that give each read what it showed."""
        keys = sorted({key for number in chosen for _, key, _ in self._txns[number].steps})
        by_key = [
            [
                order
                for order in permutations(self._writers(chosen, key))
                if self._explains(chosen, key, order)
            ]
            for key in keys
        ]
        for orders in product(*by_key):
            yield dict(zip(keys, orders, strict=True))

    def _writers(self, chosen: Iterable[int], key: str) -> list[int]:
        return [number for number in chosen if key in self._txns[number].written]

    def _version(self, key: str, order: Sequence[int]) -> List:
        return tuple(value for number in order for value in self._txns[number].appends(key))

    def _reads(self, number: int, key: str) -> Iterator[tuple[int, List]]:
        """By read of a key: how many appends its transaction had made there, and what it showed."""
        own = 0
        for f, of, value in self._txns[number].steps:
            if of == key:
                if f == "append":
                    own += 1
                elif value is not None:
                    yield own, value

    def _explains(self, chosen: Iterable[int], key: str, order: Sequence[int]) -> bool:
        for number in chosen:
            for own, seen in self._reads(number, key):
                if own:
                    before = self._version(key, order[: order.index(number)])
                    if seen != (*before, *self._txns[number].appends(key)[:own]):
                        return False
                elif self._source(key, order, seen) in (None, number):
                    return False
        return True

    def _source(self, key: str, order: Sequence[int], seen: List) -> int | None:
        """The writer of the version that shows just that; -1 for the list before any; None for no version."""
        for count in range(len(order) + 1):
            if self._version(key, order[:count]) == seen:
                return order[count - 1] if count else -1
        return None

    def _adya(self, base: str, chosen: tuple[int, ...], orders: Orders, strength: int) -> bool:
        depends = {(a, b) for a, b in product(chosen, chosen) if a != b and self._first(a, b, strength)}
        missed = set()
        for key, order in orders.items():
            depends |= set(pairwise(order))
            for number in chosen:
                for own, seen in self._reads(number, key):
                    if own:
                        continue
                    source = self._source(key, order, seen)
                    assert source is not None
                    depends |= {(source, number)} if source >= 0 else set()
                    later = order[order.index(source) + 1 :] if source >= 0 else order
                    missed |= {(number, other) for other in later if other != number}
                    if base != "read-committed" and number in later and later[0] != number:
                        return False
        reach = _closure(chosen, depends)
        if any((number, number) in reach for number in chosen):
            return False
        return base != "consistent-view" or not any((b, a) in reach for a, b in missed)

    def _read_uncommitted(self, strength: int) -> bool:
        """Whether the transactions that certainly committed have an order of their writes.

        Reads may show anything that somebody appended, but no append twice. Where all reads of a key agree,
        the longest one shows the order of its versions, each of which is named by its transaction's
        last append; those which it does not show come later.
        """
        shown: dict[str, list[List]] = {}
        for number in self._sure:
            for f, key, value in self._txns[number].steps:
                if f == "r":
                    shown.setdefault(key, []).append(value)
        if any(len(set(value)) < len(value) for values in shown.values() for value in values):
            return False
        depends = {
            (a, b) for a, b in product(self._sure, self._sure) if a != b and self._first(a, b, strength)
        }
        for key, values in shown.items():
            longest = max(values, key=len)
            if any(longest[: len(value)] != value for value in values):
                continue
            last = {self._txns[number].appends(key)[-1]: number for number in self._writers(self._sure, key)}
            known = [last[value] for value in longest if value in last]
            later = [number for number in last.values() if number not in known]
            depends |= set(pairwise(known))
            depends |= {(known[-1], number) for number in later if known}
        reach = _closure(self._sure, depends)
        return not any((number, number) in reach for number in self._sure)


def _closure(members: Iterable[int], pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """All pairs that follow from these (Warshall, J. ACM 9, 1962)."""
    found = set(pairs)
    for middle in members:
        into = [a for a, b in found if b == middle]
        onward = [b for a, b in found if a == middle]
        found |= set(product(into, onward))
    return found


@cache
def levels() -> tuple[str, ...]:
    """Every level, with every prefix."""
    return tuple(prefix + level for prefix in PREFIXES for level in LEVELS)
