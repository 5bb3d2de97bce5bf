"""Takes a history apart by key, so that parts of it can be judged elsewhere, and sent there in few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from history.history import INVOKE, Codes, Columns, History

Numbers = npt.NDArray[np.signedinteger]


@dataclass(frozen=True)
class KeyGroup:
    """The operations of clients on some keys: what decides whether they have an order, and nothing else.

    The arrays have one entry for each half of an operation, and are as narrow as their numbers allow.
    """

    foreign: bool
    process: Numbers
    type: npt.NDArray[np.int8]
    f: Numbers
    f_names: tuple[str, ...]
    key: Numbers
    keys: tuple[str, ...]
    value: Numbers
    values: tuple[str, ...]

    def history(self) -> History:
        """The same as a history, without times, nodes, errors and Raft indices. Its operations have other
        numbers than in the whole history."""
        nothing = np.broadcast_to(np.int64(-1), len(self.type))
        columns = Columns(
            time=np.broadcast_to(np.int64(0), len(self.type)),
            process=self.process.astype(np.int64),
            type=self.type,
            f=self.f.astype(np.int64),
            f_names=self.f_names,
            key=self.key.astype(np.int64),
            keys=self.keys,
            value=self.value.astype(np.int64),
            values=self.values,
            error=nothing,
            errors=(),
            node=nothing,
            nodes=(),
            raft_index=nothing,
        )
        return History.from_columns(columns, foreign=self.foreign)


def key_groups(history: History, most: int) -> Iterator[KeyGroup]:
    """The history in groups of keys: together `most` invocations, or one key that has more."""
    columns = history.columns
    of_clients = columns.process >= 0
    code = columns.key + 1
    load = np.bincount(code[of_clients & (columns.type == INVOKE)], minlength=len(columns.keys) + 1)
    group_of_key = _groups(load, most)
    group = np.where(of_clients, group_of_key[code], -1).astype(np.int32)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(group_of_key.max(initial=-1) + 2))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if begin < end:
            yield _group(columns, order[begin:end], foreign=history.is_foreign)


def _groups(load: Codes, most: int) -> Codes:
    """By key code, the number of its group; keys of no operation are in some group, too."""
    numbers = np.zeros(len(load), dtype=np.int64)
    number = taken = 0
    for place, own in enumerate(load.tolist()):
        if taken and taken + own > most:
            number, taken = number + 1, 0
        numbers[place] = number
        taken += own
    return numbers


def _group(columns: Columns, rows: Codes, *, foreign: bool) -> KeyGroup:
    key, keys = _few(columns.key[rows], columns.keys)
    value, values = _few(columns.value[rows], columns.values)
    return KeyGroup(
        foreign=foreign,
        process=_narrow(columns.process[rows]),
        type=columns.type[rows],
        f=_narrow(columns.f[rows]),
        f_names=columns.f_names,
        key=_narrow(key),
        keys=keys,
        value=_narrow(value),
        values=values,
    )


def _few(codes: Codes, names: tuple[str, ...]) -> tuple[Codes, tuple[str, ...]]:
    """The codes and the names with only those names that are used."""
    used, places = np.unique(codes, return_inverse=True)
    absent = int(len(used) > 0 and used[0] < 0)
    return places - absent, tuple(names[code] for code in used[absent:].tolist())


def _narrow(numbers: Codes) -> Numbers:
    """The same numbers in as few bytes as they need."""
    least = np.min_scalar_type(-1 - int(numbers.max(initial=0)))
    narrow: Numbers = numbers.astype(least)
    return narrow
