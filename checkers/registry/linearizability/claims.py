"""A registry's history as claims: what each operation did, and the Raft index at which it says it did so.

Everything stays in columns, so that a million operations are a dozen arrays. Left out: what `fail`ed, reads
without an answer, stale reads (they claim another thing) and beats (they read nothing that is replicated).

**Writes that nobody answered.** A trace that names one says where it took effect. If the traces show every
index that any reply names, one that they lack took effect later than all that is judged, or never, and is
left out. Without such a trace, a registration or update whose id was seen stands just before the first reply
(by index) that shows it, which is no loss: had it stood at an earlier index, nothing between the two would
have met its key, so it may as well stand here. An update that nobody saw is left out, which is none either,
as nothing asks that it happened. So is a registration where nothing is updated; but an update may have found
what nobody else saw. Such a registration and a removal of that kind are left out, and their service noted as
`open`: where the claims then fail to explain a reply, they may be what is missing.
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
from history.history import FAIL, INVOKE, OK

PUT, REMOVE, CHANGE, EXPIRY, READ, SNAPSHOT = range(6)
"""Effects: register, deregister, update, expiry, lookup, list."""
EFFECTS = {REGISTER: PUT, DEREGISTER: REMOVE, UPDATE: CHANGE, LOOKUP: READ, **dict.fromkeys(LISTS, SNAPSHOT)}
NOTHING = -1
"""The value of a key that holds none."""
UNWRITTEN = -2
"""The value of an id that no operation of the history names otherwise."""
UNPLACED = -1
"""The index of a reply that names none."""
FALSE = -3
"""What an update's value is read as where its reply says that there was nothing to update."""
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Listings:
    """What lists showed, entry by entry; `claim` ascends."""

    claim: Integers
    key: Integers
    value: Integers


@dataclass(frozen=True)
class UnansweredWrites:
    """Writes that nobody answered, and that stand nowhere among the claims."""

    invoked: Integers
    effect: Integers
    key: Integers
    value: Integers


@dataclass(frozen=True)
class Claims:
    """n operations, by invocation; internal ones behind them. Texts are codes into tuples of names."""

    invoked: Integers
    """Position in the history; -1 for an internal operation, which may be as early as need be."""
    completed: Integers
    """`NEVER` where no reply tells."""
    index: Integers
    """The Raft index, or `UNPLACED`. Where `presumed`, the operation stands just before that index's own."""
    presumed: Flags
    effect: Integers
    key: Integers
    """-1 for lists."""
    service: Integers
    value: Integers
    """PUT, CHANGE: what is put (`FALSE`: nothing was there). REMOVE, READ: what the reply shows. SNAPSHOT:
    how many entries. EXPIRY: the index of the registration that is meant."""
    keys: tuple[str, ...]
    service_of_key: Integers
    services: tuple[str, ...]
    listings: Listings
    lost: UnansweredWrites
    """For whoever judges without indices: these may have happened at any time."""
    values: tuple[str, ...]
    """JSON texts behind the codes."""
    open: frozenset[int]
    """Services with a removal, or a registration that updates may have found, that no trace resolves."""
    unreadable: frozenset[int]
    """Services with a value that is no id; nothing is claimed for these."""
    covered: bool
    """Whether the traces show every index that a reply names."""

    def __len__(self) -> int:
        return len(self.invoked)

    @property
    def answered(self) -> Flags:
        """Which have a reply."""
        return self.completed < NEVER

    def value_in_words(self, code: int) -> str:
        """An id, or `nothing`."""
        if code == UNWRITTEN:
            return "an id that nobody wrote"
        return "nothing" if code < 0 else str(msgspec.json.decode(self.values[code]))


def claims_of(history: History, applied: AppliedLog, effects: Mapping[str, int] = EFFECTS) -> Claims:
    """Read a history of the `registry` workload; `effects`: which operations, and what they do."""
    columns = history.columns
    begun = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0) & (columns.key >= 0))
    meaning = np.array([effects.get(name, -1) for name in columns.f_names], dtype=np.int64)
    ends = history.pairs[begun]
    outcome = np.where(ends >= 0, columns.type[ends], -1)
    effect = meaning[columns.f[begun]] if len(begun) else np.zeros(0, dtype=np.int64)
    kept = (effect >= 0) & (outcome != FAIL) & ((outcome == OK) | (effect < READ))
    begun, ends, effect, known = begun[kept], ends[kept], effect[kept], (outcome == OK)[kept]
    index = np.where(known, columns.raft_index[ends], UNPLACED)
    key = columns.key[begun]
    writes = (effect == PUT) | (effect == CHANGE)
    reply = np.where(known, columns.value[ends], NOTHING)
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
    silent = np.flatnonzero(~known)
    for row in silent.tolist():
        index[row] = applied.first.get(int(begun[row]), UNPLACED)
    presumed = np.zeros(len(begun), dtype=bool)
    lost = silent[index[silent] == UNPLACED]
    open_services: frozenset[int] = frozenset()
    if len(lost) and not covered:
        seen = _first_seen(columns, effect, index, value, listings)
        puts = lost[(effect[lost] != REMOVE) & (value[lost] >= 0)]
        puts = puts[seen[value[puts]] < NEVER]
        index[puts], presumed[puts] = seen[value[puts]], True
        unseen = (effect[lost] == PUT) & (index[lost] == UNPLACED)
        found = unseen & np.isin(service[lost], service[effect == CHANGE])
        open_services = frozenset(service[lost[(effect[lost] == REMOVE) | found]].tolist())
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


class _Names:
    """Codes of keys, services and ids; keys that only lists show come behind the history's own."""

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
        """A key's code, a new one if need be."""
        if key not in self._codes:
            self._codes[key] = len(self.keys)
            self.keys.append(key)
        return self._codes[key]

    def __contains__(self, key: str) -> bool:
        """Whether any operation or list names that key."""
        return key in self._codes

    def is_text(self, value: Integers) -> Flags:
        """Whether values are texts, or none."""
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
    """By operation how many entries its list has (-1: it is no list of instances), and all entries."""
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
    """By value the lowest index whose reply shows it, or `NEVER`."""
    seen = np.full(len(columns.values), NEVER, dtype=np.int64)
    shows = ((effect == READ) | (effect == REMOVE)) & (value >= 0) & (index >= 0)
    np.minimum.at(seen, value[shows], index[shows])
    shown = (listings.value >= 0) & (index[listings.claim] >= 0)
    np.minimum.at(seen, listings.value[shown], index[listings.claim[shown]])
    return seen
