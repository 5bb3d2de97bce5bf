"""Histories for benchmarks: what clients of a correct system record, as the columns of a Parquet file.

Twenty clients ask at once. Each of their operations begins, takes effect at one moment, and ends; which of
these happens next is drawn. 1 % of the operations that change something end with an unknown outcome.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from array import array
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate, count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from history import Columns, History
from history.history import INFO, INVOKE, OK

CLIENTS = 20
UNKNOWN = 0.01
"""The share of unknown outcomes."""
NOTHING = -1
"""The code of no value, no key and no index."""

Integers = npt.NDArray[np.int64]


class ClientCall(NamedTuple):
    """What a client asks, in codes of the system's names."""

    f: int
    value: int = NOTHING
    key: int = NOTHING


class ClientReply(NamedTuple):
    """What it is answered, and the Raft index that the answer names."""

    value: int
    raft_index: int = NOTHING


class CorrectSystem(ABC):
    """A system that does what it should, one operation after the other."""

    f_names: tuple[str, ...]
    keys: Sequence[str] = ()
    values: list[str]
    """The JSON texts of all values."""
    reads: frozenset[int] = frozenset()
    """The codes of operations that change nothing."""

    @abstractmethod
    def ask(self) -> ClientCall:
        """The next call of any client."""

    @abstractmethod
    def apply(self, call: ClientCall) -> ClientReply:
        """Carry a call out."""


class Recorded(NamedTuple):
    """The rows of a history, by column."""

    process: Integers
    type: Integers
    f: Integers
    key: Integers
    value: Integers
    raft_index: Integers
    invocation: Integers
    """By row the row of its invocation."""
    indices: Integers
    """By row of an invocation the Raft index at which it took effect, whatever its outcome."""


def recorded(system: CorrectSystem, operations: int, draw: random.Random) -> Recorded:
    """What the system's clients record."""
    columns = [array(code) for code in "ibbiiiii"]

    def add(*row: int) -> None:
        for column, number in zip(columns, row, strict=True):
            column.append(number)

    processes, fresh = list(range(CLIENTS)), CLIENTS
    pending: list[tuple[ClientCall, int, ClientReply | None] | None] = [None] * CLIENTS
    begun = 0
    while begun < operations or any(pending):
        client = int(draw.random() * CLIENTS)
        open_call = pending[client]
        if open_call is None:
            if begun < operations:
                call, row = system.ask(), len(columns[0])
                pending[client] = call, row, None
                add(processes[client], INVOKE, call.f, call.key, call.value, NOTHING, row, NOTHING)
                begun += 1
            continue
        call, row, reply = open_call
        if reply is None:
            pending[client] = call, row, (reply := system.apply(call))
            columns[-1][row] = reply.raft_index
            continue
        pending[client] = None
        if call.f not in system.reads and draw.random() < UNKNOWN:
            add(processes[client], INFO, call.f, call.key, NOTHING, NOTHING, row, NOTHING)
            processes[client], fresh = fresh, fresh + 1  # a process whose outcome is unknown is over
        else:
            add(processes[client], OK, call.f, call.key, reply.value, reply.raft_index, row, NOTHING)
    return Recorded(*(np.array(column, dtype=np.int64) for column in columns))


def history_from(system: CorrectSystem, rows: Recorded, **more: Any) -> History:
    """These rows as a history. `more` are columns that it has besides, as `Columns` names them."""
    none = np.full(len(rows.f), NOTHING, dtype=np.int64)
    given: dict[str, Any] = {
        "time": np.arange(len(rows.f)),
        "process": rows.process,
        "type": rows.type.astype(np.int8),
        "f": rows.f,
        "f_names": system.f_names,
        "key": rows.key,
        "keys": tuple(system.keys),
        "value": rows.value,
        "values": tuple(system.values),
        "error": none,
        "errors": (),
        "node": none,
        "nodes": (),
        "raft_index": rows.raft_index,
    }
    return History.from_columns(Columns(**{**given, **more}))


REGISTER, DEREGISTER, LOOKUP, UPDATE, LIST = range(5)
REGISTRY_NAMES = ("register", "deregister", "lookup", "update", "list")


class CorrectRegistry(CorrectSystem):
    """A registry of services' instances; each registration has an id of its own."""

    f_names = REGISTRY_NAMES
    reads = frozenset((LOOKUP, LIST))

    def __init__(
        self,
        operations: int,
        keys: int,
        shares: Mapping[int, float],
        draw: random.Random,
        *,
        keys_a_service: int = 1,
    ) -> None:
        self._draw = draw.random
        self._kinds = tuple(shares)
        self._shares = [0.0, *accumulate(shares.values())][1:]
        self._key_count, self._keys_a_service = keys, keys_a_service
        self.services = [f"svc-{number}" for number in range(-(-keys // keys_a_service))]
        self.instances = [f"10.0.{key // 250}.{key % 250}:80" for key in range(keys)]
        names = [f"{self.services[key // keys_a_service]}/{self.instances[key]}" for key in range(keys)]
        self.keys = [*names, *self.services]
        """The instances, then the services, which lists have for a key."""
        self.values = [*(f'"r{number}"' for number in range(operations)), "false"]
        self._false = operations
        self.state: dict[int, int] = {}
        """By key the code of the id that is registered."""
        self.index = 0
        """The Raft index of the last write."""
        self._asked = count()

    def ask(self) -> ClientCall:
        number = next(self._asked)
        f = self._kinds[min(bisect(self._shares, self._draw()), len(self._kinds) - 1)]
        key = int(self._draw() * self._key_count)
        if f == LIST:
            return ClientCall(f, key=self._key_count + key // self._keys_a_service)
        return ClientCall(f, number if f in (REGISTER, UPDATE) else NOTHING, key)

    def apply(self, call: ClientCall) -> ClientReply:
        self.index += call.f not in self.reads
        return ClientReply(self._carried_out(call), self.index)

    def _carried_out(self, call: ClientCall) -> int:
        f, value, key = call
        if f == LIST:
            self.values.append(self.listing(key - self._key_count))
            return len(self.values) - 1
        if f == UPDATE and key not in self.state:
            return self._false
        if f in (REGISTER, UPDATE):
            self.state[key] = value
            return value
        return self.state.pop(key, NOTHING) if f == DEREGISTER else self.state.get(key, NOTHING)

    def listing(self, service: int) -> str:
        """The JSON text of a service's instances."""
        first = service * self._keys_a_service
        shown = (
            f'"{self.instances[key]}":{self.values[self.state[key]]}'
            for key in range(first, min(first + self._keys_a_service, self._key_count))
            if key in self.state
        )
        return "{" + ",".join(shown) + "}"
