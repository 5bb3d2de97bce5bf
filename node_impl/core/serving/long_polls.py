"""Long polls: reads whose answer is kept back until what they read changes, or their time is over.

A long poll is first read like any other read, linearizably unless it says otherwise. If that shows no
change yet, it waits here, at this node, and is answered from what this node has applied by then: at
least as new as the first reading, and never older than an answer this node gave before.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, NamedTuple

from node_impl.core.config import MILLISECOND_NS
from node_impl.core.events import Effect, SetTimer
from node_impl.core.registry.changes import Changes
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import ConfigKey, ListenConfigs, ListInstances, Read, Request, ServiceKey


@dataclass(frozen=True, slots=True)
class _Watch:
    body: ListInstances | ListenConfigs
    keys: tuple[ServiceKey | ConfigKey, ...]
    op: str | None


class Answer(NamedTuple):
    """What a long poll is answered with."""

    request_id: int
    op: str | None
    value: Any


class LongPolls:
    """The long polls that wait at one node, at most `most` of them."""

    def __init__(self, timer: str, registry: Registry, most: int) -> None:
        self.timer = timer
        self._registry = registry
        self._most = most
        self._waiting: dict[int, _Watch] = {}
        self._by_key: dict[ServiceKey | ConfigKey, dict[int, None]] = {}
        self._deadlines: list[tuple[int, int]] = []
        self._armed_at = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the bound on waiting long polls is reached."""
        return len(self._waiting) >= self._most

    def must_wait(self, body: Read, value: Any) -> bool:
        """Whether what was read shows nothing that is new to the client."""
        match body:
            case ListInstances(wait_ms=wait_ms):
                return wait_ms > 0 and value.changed <= body.after
            case ListenConfigs(wait_ms=wait_ms):
                return wait_ms > 0 and not value
            case _:
                return False

    def add(self, request_id: int, request: Request, now: int, effects: list[Effect]) -> None:
        """Have a long poll wait for a change."""
        body = request.body
        assert isinstance(body, ListInstances | ListenConfigs)
        keys: tuple[ServiceKey | ConfigKey, ...]
        if isinstance(body, ListInstances):
            keys = (ServiceKey(body.namespace, body.group, body.service),)
        else:
            keys = tuple(held.key for held in body.held)
        self._waiting[request_id] = _Watch(body, keys, request.op)
        for key in keys:
            self._by_key.setdefault(key, {})[request_id] = None
        heapq.heappush(self._deadlines, (now + body.wait_ms * MILLISECOND_NS, request_id))
        self._arm(effects)

    def wake(self, changes: Changes) -> list[Answer]:
        """The long polls that have an answer now."""
        woken: dict[int, None] = {}
        if self._by_key:
            for key in changes.touched:
                woken.update(self._by_key.get(key, {}))
        found = []
        for request_id in woken:
            watch = self._waiting[request_id]
            value = self._registry.read(watch.body)
            if not self.must_wait(watch.body, value):
                self._forget(request_id)
                found.append(Answer(request_id, watch.op, value))
        return found

    def due(self, now: int, effects: list[Effect]) -> list[Answer]:
        """The timer fired: those whose time is over; sets the timer again."""
        self._armed_at = 0
        found = []
        while self._deadlines and self._is_due(now):
            _, request_id = heapq.heappop(self._deadlines)
            watch = self._waiting.get(request_id)
            if watch is not None:
                self._forget(request_id)
                found.append(Answer(request_id, watch.op, self._registry.read(watch.body)))
        self._arm(effects)
        return found

    def give_up(self) -> list[int]:
        """Stop waiting; returns the request ids of all that waited."""
        waiting, self._waiting, self._by_key = list(self._waiting), {}, {}
        return waiting

    def _is_due(self, now: int) -> bool:
        """Whether the earliest deadline has passed, or is that of a watch which is gone."""
        at, request_id = self._deadlines[0]
        return at <= now or request_id not in self._waiting

    def _forget(self, request_id: int) -> None:
        for key in self._waiting.pop(request_id).keys:
            waiting = self._by_key[key]
            del waiting[request_id]
            if not waiting:
                del self._by_key[key]

    def _arm(self, effects: list[Effect]) -> None:
        if self._deadlines and (not self._armed_at or self._deadlines[0][0] < self._armed_at):
            self._armed_at = self._deadlines[0][0]
            effects.append(SetTimer(self.timer, self._armed_at))
