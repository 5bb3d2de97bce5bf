"""A registry's history as claims: what each operation did, and at which Raft index, by its reply.

Everything stays in columns, so a million operations are a dozen arrays. Left out are operations that
`fail`ed, reads without a reply, stale reads (they claim something else) and beats (they read nothing that is
replicated).

**Writes without a reply.** If a trace names the write, it shows where the write took effect. If the traces
show every index that any reply names, a write that they lack took effect later than all that is judged, or
never, and is left out. Without such traces, a registration or update whose id some reply shows is placed just
before the first such reply, by index. That loses no order: between an earlier index and this one, nothing can
have met its key. An update that no reply shows is left out; that loses no order either, as no reply requires
it. The same holds for a registration where nothing is updated; but an update may have found what no reply
shows. Such a registration, and a removal without a reply, are left out, and their service is noted as `open`:
if the claims then do not explain a reply, they may be what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.registry.applied import AppliedLog
from checkers.registry.names import (
    DEREGISTER,
    LISTS,
    LOOKUP,
    REGISTER,
    UPDATE,
    as_listing,
    instance_key,
    service_of,
)
from history import Columns, History
from history.history import FAIL, INVOKE, OK, wide

PUT, REMOVE, CHANGE, EXPIRY, READ, SNAPSHOT = range(6)
"""The effects of register, deregister, update, expiry, lookup and list."""
EFFECTS = {REGISTER: PUT, DEREGISTER: REMOVE, UPDATE: CHANGE, LOOKUP: READ, **dict.fromkeys(LISTS, SNAPSHOT)}
NOTHING = -1
"""The value of a key that holds nothing."""
UNWRITTEN = -2
"""The value of an id that no operation of the history writes."""
UNPLACED = -1
"""The index of a reply that names no index."""
FALSE = -3
"""The value of an update whose reply says that there was nothing to update."""
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Listings:
    """The entries of all lists; `claim` ascends."""

    claim: Integers
    key: Integers
    value: Integers


@dataclass(frozen=True)
class UnansweredWrites:
    """Writes without a reply that are left out of the claims."""

    invoked: Integers
    effect: Integers
    key: Integers
    value: Integers


@dataclass(frozen=True)
class Claims:
    """n operations, by invocation, then the internal ones. Texts are codes into tuples of names."""

    invoked: Integers
    """Position in the history; -1 for an internal operation, which may be as early as needed."""
    completed: Integers
    """Position of the completion; `NEVER` without a reply."""
    index: Integers
    """The Raft index, or `UNPLACED`. A `presumed` operation is just before the operation of that index."""
    presumed: Flags
    effect: Integers
    key: Integers
    """-1 for lists."""
    service: Integers
    value: Integers
    """PUT, CHANGE: the id that is written (`FALSE`: there was nothing to update). REMOVE, READ: the id in the
    reply. SNAPSHOT: the number of entries. EXPIRY: the index of the registration that expires."""
    keys: tuple[str, ...]
    service_of_key: Integers
    services: tuple[str, ...]
    listings: Listings
    lost: UnansweredWrites
    """Writes that may have happened at any time; a search without indices needs them."""
    values: tuple[str, ...]
    """The JSON text of each code."""
    open: frozenset[int]
    """Services with a removal, or a registration that updates may have found, whose outcome is unknown."""
    unreadable: frozenset[int]
    """Services with a value that is no id; these are not judged."""
    covered: bool
    """Whether the traces show every index that a reply names."""

    def __len__(self) -> int:
        return len(self.invoked)

    @property
    def answered(self) -> Flags:
        """Whether each operation has a reply."""
        return self.completed < NEVER

    def value_in_words(self, code: int) -> str:
        """A value in words: an id, or `nothing`."""
        if code == UNWRITTEN:
            return "an id that no client wrote"
        return "nothing" if code < 0 else str(msgspec.json.decode(self.values[code]))


def claims_of(history: History, applied: AppliedLog, effects: Mapping[str, int] = EFFECTS) -> Claims:
    """Read a history of the `registry` workload; `effects` says which operations count, and their effects."""
    columns = history.columns
    begun = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0) & (columns.key >= 0))
    meaning = np.array([effects.get(name, -1) for name in columns.f_names], dtype=np.int64)
    ends = history.pairs[begun]
    outcome = np.where(ends >= 0, columns.type[ends], -1)
    effect = meaning[columns.f[begun]] if len(begun) else np.zeros(0, dtype=np.int64)
    kept = (effect >= 0) & (outcome != FAIL) & ((outcome == OK) | (effect < READ))
    begun, ends, effect, known = begun[kept], ends[kept], effect[kept], (outcome == OK)[kept]
    index = np.where(known, columns.raft_index[ends], UNPLACED)
    key = wide(columns.key[begun])
    writes = (effect == PUT) | (effect == CHANGE)
    reply = wide(np.where(known, columns.value[ends], NOTHING))
    value = np.where(writes, columns.value[begun], reply)
    if "false" in columns.values:
        value[(effect == CHANGE) & known & (reply == columns.values.index("false"))] = FALSE

    names = _Names(columns)
    sizes, listings = _listings(columns, names, effect == SNAPSHOT, value, key, known)
    service = names.services_of(columns.keys)[key]
    strange = (effect != SNAPSHOT) & ~names.is_text(value) | (writes & (value == NOTHING))
    strange |= (effect == SNAPSHOT) & (sizes < 0)
    unreadable = frozenset(service[strange].tolist())
    value = np.where(effect == SNAPSHOT, sizes, value)
    key = np.where(effect == SNAPSHOT, -1, key)

    covered = bool(applied.covered >= index.max(initial=0)) and applied.covered > 0
    rows = _Rows(begun, known, index, effect, service, value)
    presumed, open_services = _place_unanswered(columns, rows, listings, applied, covered=covered)
    stays = known | (index != UNPLACED)
    moved = np.cumsum(stays) - 1
    expired = [(e.at, e.registered, names.code(e.key)) for e in applied.expired if e.key in names]
    extra = np.array(expired, dtype=np.int64).reshape(-1, 3)
    more = len(extra)
    of_key = names.services_of(names.keys)

    def with_internal(column: Integers, tail: Integers) -> Integers:
        return np.concatenate([column[stays], tail])

    return Claims(
        invoked=with_internal(begun, np.full(more, -1)),
        completed=with_internal(np.where(known, ends, NEVER), np.full(more, NEVER)),
        index=with_internal(index, extra[:, 0]),
        presumed=np.concatenate([presumed[stays], np.zeros(more, dtype=bool)]),
        effect=with_internal(effect, np.full(more, EXPIRY)),
        key=with_internal(key, extra[:, 2]),
        service=with_internal(service, of_key[extra[:, 2]]),
        value=with_internal(value, extra[:, 1]),
        keys=tuple(names.keys),
        service_of_key=of_key,
        services=tuple(names.services),
        listings=Listings(moved[listings.claim], listings.key, listings.value),
        lost=UnansweredWrites(begun[~stays], effect[~stays], key[~stays], value[~stays]),
        values=columns.values,
        open=open_services,
        unreadable=unreadable,
        covered=covered,
    )


@dataclass(frozen=True)
class _Rows:
    """Columns of the operations that count, by invocation."""

    begun: Integers
    known: Flags
    index: Integers
    effect: Integers
    service: Integers
    value: Integers


def _place_unanswered(
    columns: Columns, rows: _Rows, listings: Listings, applied: AppliedLog, *, covered: bool
) -> tuple[Flags, frozenset[int]]:
    """Give writes without a reply an index, as the module's docstring says; changes `rows.index` in place.

    Returns:
        For each operation whether its index is presumed; and the services that stay open.
    """
    begun, known, index = rows.begun, rows.known, rows.index
    effect, service, value = rows.effect, rows.service, rows.value
    presumed = np.zeros(len(begun), dtype=bool)
    silent = np.flatnonzero(~known)
    for row in silent.tolist():
        index[row] = applied.first.get(int(begun[row]), UNPLACED)
    lost = silent[index[silent] == UNPLACED]
    if covered or not len(lost):
        return presumed, frozenset()
    seen = _first_seen(columns, effect, index, value, listings)
    puts = lost[(effect[lost] != REMOVE) & (value[lost] >= 0)]
    puts = puts[seen[value[puts]] < NEVER]
    index[puts], presumed[puts] = seen[value[puts]], True
    unseen = (effect[lost] == PUT) & (index[lost] == UNPLACED)
    found = unseen & np.isin(service[lost], service[effect == CHANGE])
    return presumed, frozenset(service[lost[(effect[lost] == REMOVE) | found]].tolist())


class _Names:
    """Codes of keys, services and ids; keys that only lists show come after those of the history."""

    def __init__(self, columns: Columns) -> None:
        self.keys = list(columns.keys)
        self.services: dict[str, int] = {}
        self._texts = np.array([text[0] == '"' for text in columns.values], dtype=bool)

    def services_of(self, keys: list[str] | tuple[str, ...]) -> Integers:
        """The code of each key's service."""
        known = self.services
        return np.array([known.setdefault(service_of(key), len(known)) for key in keys], dtype=np.int64)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.keys)}

    def code(self, key: str) -> int:
        """The code of a key; a new key gets a new code."""
        if key not in self._codes:
            self._codes[key] = len(self.keys)
            self.keys.append(key)
        return self._codes[key]

    def __contains__(self, key: str) -> bool:
        """Whether some operation or list names a key."""
        return key in self._codes

    def is_text(self, value: Integers) -> Flags:
        """Whether each value is a text, or nothing."""
        found = np.ones(len(value), dtype=bool)
        some = value >= 0
        found[some] = self._texts[value[some]]
        return found


class _Ids:
    """Codes of ids by their text. A million JSON texts are not decoded for the few that lists show."""

    def __init__(self, columns: Columns) -> None:
        self._codes = dict(zip(columns.values, range(len(columns.values)), strict=True))

    @cached_property
    def _decoded(self) -> dict[str, int]:
        return {msgspec.json.decode(text): code for text, code in self._codes.items() if text[0] == '"'}

    def code(self, id_: str) -> int:
        """The code of the value that is this text, or `UNWRITTEN`."""
        plain = "\\" not in id_ and '"' not in id_
        code = self._codes.get(f'"{id_}"') if plain else None
        return self._decoded.get(id_, UNWRITTEN) if code is None else code


def _listings(
    columns: Columns, names: _Names, is_list: Flags, value: Integers, key: Integers, known: Flags
) -> tuple[Integers, Listings]:
    """By operation, the number of entries of its list (-1: it is no list of instances); and all entries."""
    sizes = np.zeros(len(value), dtype=np.int64)
    rows = np.flatnonzero(is_list & known)
    at: list[int] = []
    keys: list[int] = []
    values: list[int] = []
    if len(rows):
        ids = _Ids(columns)
        decoded: dict[tuple[int, int], tuple[list[int], list[int]] | None] = {}
        for row, code, service in zip(rows.tolist(), value[rows].tolist(), key[rows].tolist(), strict=True):
            if (code, service) not in decoded:
                listing = as_listing({} if code < 0 else columns.decoded(code))
                name = service_of(columns.keys[service])
                decoded[code, service] = (
                    None
                    if listing is None
                    else (
                        [names.code(instance_key(name, instance)) for instance in listing],
                        [ids.code(id_) for id_ in listing.values()],
                    )
                )
            entries = decoded[code, service]
            if entries is None:
                sizes[row] = -1
                continue
            sizes[row] = len(entries[0])
            at += [row] * len(entries[0])
            keys += entries[0]
            values += entries[1]
    columns_of = (np.array(column, dtype=np.int64) for column in (at, keys, values))
    return sizes, Listings(*columns_of)


def _first_seen(
    columns: Columns, effect: Integers, index: Integers, value: Integers, listings: Listings
) -> Integers:
    """By value, the lowest index whose reply shows it, or `NEVER`."""
    seen = np.full(len(columns.values), NEVER, dtype=np.int64)
    shows = ((effect == READ) | (effect == REMOVE)) & (value >= 0) & (index >= 0)
    np.minimum.at(seen, value[shows], index[shows])
    shown = (listings.value >= 0) & (index[listings.claim] >= 0)
    np.minimum.at(seen, listings.value[shown], index[listings.claim[shown]])
    return seen
