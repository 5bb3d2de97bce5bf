"""The index witness: sorts the operations by the Raft index that each reply names, and checks that order.

If every reply names the index at which the operation took effect, the history brings its own linearization.
Such a witness is checked in O(n log n), without a search: sort; no operation may have completed before an
earlier one of the order began; replay, and compare every reply. An order that passes *is* a linearization, so
it proves its part of the history. An order that fails proves nothing, as an index may be wrong.

A list is one snapshot of a whole service. It agrees with the replay exactly if each entry is what its key
held at that moment, and there are as many entries as keys that held something: a running sum of what each
write added or removed. So a list costs what it shows, not what its service could hold.

At one index writes come before reads, as a read that names index i saw the effect of i. Parts that share no
list are judged separately (linearizability is local: Herlihy & Wing 1990, theorem 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.limits import MOST_EVIDENCE
from checkers.registry.linearizability.claims import (
    CHANGE,
    EXPIRY,
    FALSE,
    NOTHING,
    PUT,
    READ,
    REMOVE,
    SNAPSHOT,
    UNPLACED,
    Claims,
    Flags,
    Integers,
)

_PRESUMED, _WRITE, _READ = range(3)


@dataclass(frozen=True)
class IndexContradiction:
    """A reply that contradicts the claimed order, and how."""

    claim: int
    other: int | None
    """The other claim that it contradicts, if it is one."""
    why: str


@dataclass(frozen=True)
class Witness:
    """What the claimed order proves, by part. A part is a service that lists read, or else a single key."""

    parts: Integers
    """The part of each claim."""
    proven: Flags
    """By part, whether the order proves it."""
    names: tuple[str, ...]
    """By part, the name of its service or key."""
    keys: tuple[tuple[int, ...], ...]
    """By part, the codes of its keys that some operation names."""
    contradictions: tuple[IndexContradiction, ...]
    """Contradictions between indices, and the first replies that the order does not explain."""
    unplaced: int
    """The number of replies without an index."""


@dataclass(frozen=True)
class ReplayedClaims:
    """The claims about single keys by key and claimed order, and what each key held before each."""

    claim: Integers
    rank: Integers
    before: Integers
    puts: Flags
    """Whether the claim may change what the key holds."""
    after: Integers
    wrong: Flags
    """Whether the reply differs from what the key held."""


def ranks(claims: Claims) -> Integers:
    """Each claim's place in the claimed order; at one index, the operation that began earlier is first."""
    kind = np.where(claims.presumed, _PRESUMED, np.where(claims.effect >= READ, _READ, _WRITE))
    order = np.argsort(3 * claims.index + kind, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def examine(claims: Claims) -> Witness:
    """Check the claimed order against real time and against the data type."""
    parts, names, keys = _parts(claims)
    rank = ranks(claims)
    bad = np.zeros(len(names), dtype=bool)
    bad[parts[claims.index == UNPLACED]] = True
    bad[parts[np.isin(claims.service, list(claims.unreadable))]] = True
    found: list[IndexContradiction] = []
    _late(claims, rank, parts, bad, found)
    played = replay(claims, rank)
    wrong = played.claim[played.wrong & claims.answered[played.claim]]
    held = played.before[played.wrong & claims.answered[played.claim]]
    for claim, before in zip(wrong[:MOST_EVIDENCE].tolist(), held[:MOST_EVIDENCE].tolist(), strict=True):
        found.append(
            IndexContradiction(claim, None, f"the key held {claims.value_in_words(before)} at that index")
        )
    bad[parts[wrong]] = True
    lists = _wrong_lists(claims, rank, played)
    for claim, why in lists[:MOST_EVIDENCE]:
        found.append(IndexContradiction(claim, None, why))
    bad[parts[[claim for claim, _ in lists]]] = True
    _same_index(claims, found)
    missing = claims.index == UNPLACED
    partly = set(parts[missing].tolist())  # an operation without an index may explain the rest of its part
    found = [one for one in found if int(parts[one.claim]) not in partly]
    return Witness(parts, ~bad, names, keys, tuple(found), int(missing.sum()))


def _parts(claims: Claims) -> tuple[Integers, tuple[str, ...], tuple[tuple[int, ...], ...]]:
    listed = np.zeros(len(claims.services), dtype=bool)
    listed[claims.service[claims.effect == SNAPSHOT]] = True
    of_key = np.where(
        listed[claims.service_of_key],
        claims.service_of_key,
        len(claims.services) + np.arange(len(claims.keys)),
    )
    raw = np.where(claims.key < 0, claims.service, of_key[claims.key] if len(of_key) else 0)
    size = len(claims.services) + len(claims.keys)
    used = np.zeros(size, dtype=bool)
    used[raw] = True
    number = np.cumsum(used) - 1
    names = tuple(
        claims.services[code] if code < len(claims.services) else claims.keys[code - len(claims.services)]
        for code in np.flatnonzero(used).tolist()
    )
    held = np.zeros(len(claims.keys), dtype=bool)  # not what only names a service in a list
    for column in (claims.key[claims.key >= 0], claims.listings.key, claims.lost.key):
        held[column] = True
    keys: list[list[int]] = [[] for _ in names]
    for key in np.flatnonzero(held).tolist():
        if used[of_key[key]]:
            keys[number[of_key[key]]].append(key)
    return number[raw], names, tuple(tuple(own) for own in keys)


def _late(
    claims: Claims, rank: Integers, parts: Integers, bad: Flags, found: list[IndexContradiction]
) -> None:
    """Mark the parts that contradict real time: an operation completed before an earlier one began."""
    order = np.argsort(rank)
    order = order[claims.index[order] != UNPLACED]
    begun = np.maximum.accumulate(claims.invoked[order])
    late = np.flatnonzero(begun > claims.completed[order])
    if not len(late):
        return
    for place in late[:MOST_EVIDENCE].tolist():
        claim = int(order[place])
        other = int(order[np.flatnonzero(claims.invoked[order[:place]] == begun[place])[0]])
        if claims.answered[other]:
            why = f"when it began, a client had already got index {claims.index[claim]} in a reply"
            found.append(IndexContradiction(other, claim, why))
        else:
            why = (
                f"the operation that the nodes applied at index "
                f"{claims.index[other]} began only after this reply"
            )
            found.append(IndexContradiction(claim, other, why))
    order = order[np.argsort(parts[order], kind="stable")]
    wide = int(claims.completed[claims.answered].max(initial=0)) + 2
    shift = parts[order] * wide
    begun = np.maximum.accumulate(claims.invoked[order] + shift)
    ended = np.minimum(claims.completed[order], wide - 1) + shift
    bad[parts[order[begun > ended]]] = True


def replay(claims: Claims, rank: Integers) -> ReplayedClaims:
    """Apply every key's writes in the claimed order, and note what the key held at each operation."""
    single = np.flatnonzero(claims.key >= 0)
    order = single[np.argsort(rank[single])]
    small = len(claims.keys) < 1 << 16  # then numpy sorts by digits, in linear time
    order = order[np.argsort(claims.key[order].astype(np.uint16 if small else np.int64), kind="stable")]
    key, effect, value = claims.key[order], claims.effect[order], claims.value[order]
    first = np.zeros(len(order), dtype=bool)
    first[:1] = True
    first[1:] = key[1:] != key[:-1]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))

    def last_before(mask: Flags) -> Integers:
        """By place the last place before it, of the same key, that the mask marks; -1 if there is none."""
        last = np.maximum.accumulate(np.where(mask, np.arange(len(order)), -1))
        last = np.concatenate([[-1], last[:-1]])[: len(order)]
        return np.where(last >= begin, last, -1)

    solid = (effect == PUT) | (effect == REMOVE)
    expiry = np.flatnonzero(effect == EXPIRY)
    if len(expiry):
        last = last_before(solid)[expiry]
        stands = (last >= 0) & (effect[last] == PUT) & (claims.index[order[last]] == value[expiry])
        solid[expiry[stands]] = True
    puts = solid
    change = np.flatnonzero(effect == CHANGE)
    present = np.zeros(len(change), dtype=bool)
    if len(change):
        last = last_before(solid)[change]
        present = (last >= 0) & (effect[last] == PUT)
        puts = solid.copy()
        puts[change[present & (value[change] != FALSE)]] = True
    after = np.where((effect == PUT) | (effect == CHANGE), value, NOTHING)
    last = last_before(puts)
    before = np.where(last >= 0, after[last], NOTHING)
    wrong = ((effect == READ) | (effect == REMOVE)) & (before != value)
    wrong[change] = present == (value[change] == FALSE)
    return ReplayedClaims(order, rank[order], before, puts, after, wrong)


def _wrong_lists(claims: Claims, rank: Integers, played: ReplayedClaims) -> list[tuple[int, str]]:
    """The lists that differ from what their service held at their place in the order, and how."""
    lists = np.flatnonzero((claims.effect == SNAPSHOT) & (claims.index != UNPLACED))
    if not len(lists):
        return []
    puts = np.flatnonzero(played.puts)
    claim, at, after = played.claim[puts], played.rank[puts], played.after[puts]
    wide = len(claims) + 1
    place = claims.key[claim] * wide + at  # ascending, as `played` is by key and then by rank
    entries = claims.listings
    asked = entries.key * wide + rank[entries.claim]
    last = np.searchsorted(place, asked) - 1
    met = last >= 0
    met[met] = claims.key[claim[last[met]]] == entries.key[met]
    held = np.full(len(asked), NOTHING)
    held[met] = after[last[met]]
    reasons: dict[int, str] = {}
    for entry in np.flatnonzero(held != entries.value).tolist():
        reasons.setdefault(
            int(entries.claim[entry]),
            f"it shows {claims.value_in_words(int(entries.value[entry]))} at "
            f"{claims.keys[entries.key[entry]]}, which held "
            f"{claims.value_in_words(int(held[entry]))} at that index",
        )
    gained = (after >= 0).astype(np.int64) - (played.before[puts] >= 0)
    by_service = np.argsort(claims.service[claim] * wide + at)
    moments = (claims.service[claim] * wide + at)[by_service]
    total = np.concatenate([[0], np.cumsum(gained[by_service])])
    here = np.searchsorted(moments, claims.service[lists] * wide + rank[lists])
    begin = np.searchsorted(moments, claims.service[lists] * wide)
    for row in np.flatnonzero(total[here] - total[begin] != claims.value[lists]).tolist():
        count = int(total[here[row]] - total[begin[row]])
        reasons.setdefault(
            int(lists[row]),
            f"it shows {int(claims.value[lists[row]])} instances, but the service had {count} at that index",
        )
    return sorted((claim, why) for claim, why in reasons.items() if claims.index[claim] != UNPLACED)


def _same_index(claims: Claims, found: list[IndexContradiction]) -> None:
    """Note the writes that name the same index, which two entries of one log cannot have."""
    writes = np.flatnonzero((claims.effect < READ) & ~claims.presumed & (claims.index != UNPLACED))
    writes = writes[np.argsort(claims.index[writes], kind="stable")]
    index = claims.index[writes]
    for place in (np.flatnonzero(index[1:] == index[:-1]) + 1)[:MOST_EVIDENCE].tolist():
        both = sorted(writes[place - 1 : place + 1].tolist(), key=lambda claim: not claims.answered[claim])
        found.append(IndexContradiction(both[0], both[1], "the reply to another write names the same index"))
