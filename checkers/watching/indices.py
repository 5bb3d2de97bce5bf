"""Watches the Raft indices that a registry's replies name, and what lists of a service show at theirs.

An operation that began after index i had been named in a reply took effect above i (a read: not below
it), and no two writes take effect at one index. A list is looked at when every operation that was in
flight with it has ended: then all writes up to its index are known, unless the outcome of one on its
service is not.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.registry.names import DEREGISTER, LISTS, LOOKUP, UPDATE, WRITES, instance_key, service_of
from checkers.watching.forgotten import Forgotten
from checkers.watching.suspicion import Suspicion
from history import Operation

KEPT_SERVICES = 1_000
"""With more services than this, that which was used longest ago is forgotten."""
KEPT_INDICES = 10_000
"""How many of the latest indices of writes are remembered, to find two writes at one index."""


class _Begun(NamedTuple):
    operation: Operation
    floor: int
    """The highest index that a reply had named before it began."""


class _List(NamedTuple):
    """A list that waits until it can be compared."""

    operation: Operation
    at: int
    """The Raft index that its reply names."""


@dataclass
class _Service:
    """What the instances of a service held, as far as a waiting list may ask for it."""

    held: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """By key, the indices of its writes with the id that each left there (empty for none), ascending."""
    is_open: bool = False
    """Whether the outcome of some write is not known: its lists are left to the checkers."""


class IndexWatch:
    """A watch of the `registry` workload."""

    def __init__(self) -> None:
        self._in_flight: dict[int, _Begun] = {}
        """By process, the oldest first."""
        self._floor = 0
        self._written: dict[int, int] = {}
        """By index, the write that took effect there."""
        self._services: dict[str, _Service] = {}
        """Those that were used longest ago first."""
        self._forgotten = Forgotten()
        self._lists: deque[_List] = deque()
        self.lists_compared = 0

    def see(self, operation: Operation) -> Suspicion | None:
        """Take the next operation."""
        counts = operation.f in WRITES or operation.f in LISTS or operation.f == LOOKUP
        if not operation.is_client or operation.key is None or not counts:
            return None
        if operation.type == "invoke":
            self._in_flight[operation.process] = _Begun(operation, self._floor)
            return None
        begun = self._in_flight.pop(operation.process, None)
        found = None if begun is None else self._ended(begun, operation, operation.key)
        return found or self._compare_lists()

    def _ended(self, begun: _Begun, completion: Operation, key: str) -> Suspicion | None:
        invocation, index = begun.operation, completion.raft_index
        is_write = completion.f in WRITES
        service = self._service(service_of(key))
        if completion.type != "ok" or index is None:
            service.is_open |= is_write and completion.type != "fail"
            return None
        if index < begun.floor or (is_write and index == begun.floor):
            return Suspicion(
                "index-honesty",
                f"operation {invocation.index} names index {index}, but a reply had named index "
                f"{begun.floor} before it began",
            )
        self._floor = max(self._floor, index)
        if not is_write:
            if completion.f in LISTS:
                self._lists.append(_List(completion, index))
            return None
        other = self._written.setdefault(index, invocation.index)
        if other != invocation.index:
            return Suspicion(
                "index-honesty", f"operations {other} and {invocation.index} both name index {index}"
            )
        if len(self._written) > KEPT_INDICES:
            del self._written[next(iter(self._written))]
        if not (completion.f == UPDATE and completion.value is False):
            left_there = "" if completion.f == DEREGISTER else str(invocation.value)
            self._write(service.held.setdefault(key, []), index, left_there)
        return None

    def _service(self, name: str) -> _Service:
        """The service of that name, which is now the one that was used last."""
        service = self._services.pop(name, None)
        if service is None:
            service = _Service(is_open=name in self._forgotten)
            if len(self._services) >= KEPT_SERVICES:
                oldest = next(iter(self._services))
                del self._services[oldest]
                self._forgotten.add(oldest)
        self._services[name] = service
        return service

    def _write(self, held: list[tuple[int, str]], index: int, left_there: str) -> None:
        """Note a write, and forget those that no list can ask for any more."""
        insort(held, (index, left_there))
        if len(held) > 1:
            asked = [waiting.at for waiting in self._lists]
            low = min([self._floor, *asked, *(begun.floor for begun in self._in_flight.values())])
            del held[: max(bisect_right(held, low, key=lambda write: write[0]) - 1, 0)]

    def _compare_lists(self) -> Suspicion | None:
        """Compare the lists that ended before every operation in flight began."""
        oldest = next((begun.operation.index for begun in self._in_flight.values()), None)
        while self._lists and (oldest is None or self._lists[0].operation.index < oldest):
            listed, index = self._lists.popleft()
            name = service_of(listed.key or "")
            service = self._services.get(name)
            if service is None or service.is_open or not isinstance(listed.value, dict | None):
                continue
            self.lists_compared += 1
            expected = {}
            for key, held in service.held.items():
                at = bisect_right(held, index, key=lambda write: write[0]) - 1
                if at >= 0 and held[at][1]:
                    expected[key] = held[at][1]
            shown = {instance_key(name, instance): id_ for instance, id_ in (listed.value or {}).items()}
            if shown != expected:
                key = min(key for key in {**shown, **expected} if shown.get(key) != expected.get(key))
                return Suspicion(
                    "linearizability",
                    f"the list at operation {listed.index} shows {shown.get(key, 'nothing')} at {key}, which "
                    f"held {expected.get(key, 'nothing')} at index {index}",
                )
        return None
