"""Clients of a server over a slow network that loses and delays: who asked what, and what was heard of it.

Time is simulated. A request travels, is carried out at one moment, and its reply travels back. Where a client
hears nothing in time, the request was lost, or its reply was, or the request arrives long after. Its outcome
is then unknown, and the client goes on as another process.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, NamedTuple

from history import History, Operation
from tests.checkers.stores.data_types import REFUSED, UNKNOWN, DataType, Values
from tests.checkers.stores.servers import Server


class Event(NamedTuple):
    """One line of a history."""

    process: int
    type: str
    f: str
    key: str | None
    value: Any


@dataclass(frozen=True)
class Load:
    """How many clients do how much."""

    operations: int
    clients: int = 3
    keys: int = 1
    """With one key operations name none."""
    unknown: float = 0.1
    """The share of operations whose outcome stays unknown."""
    refused: float = 0.02
    """The share of requests that are refused before anything is done."""
    few: int | None = None
    """How many different values are written; None if each is written once."""
    think: float = 0.5
    """How long a client waits between two operations, where a request and its reply take 2 on average."""


@dataclass
class _Client:
    number: int
    process: int
    minds: dict[str | None, dict[str, Any]] = field(default_factory=dict)


class _Asked(NamedTuple):
    client: _Client
    process: int
    key: str | None
    f: str
    value: Any


class Clients:
    """The simulation of one run."""

    def __init__(self, server: Server, load: Load, draw: Random) -> None:
        self._server, self._load, self._draw = server, load, draw
        self._values = Values(draw, load.few)
        self._agenda: list[tuple[float, int, str, Any]] = []
        self._order = count()
        self._fresh = count(load.clients)
        self._left = load.operations
        self._now = 0.0
        self.events: list[Event] = []

    def run(self) -> list[Event]:
        """Carry out all operations; the history in the order of time."""
        for number in range(self._load.clients):
            self._at(self._draw.random(), "ask", _Client(number, number))
        steps: dict[str, Callable[[Any], None]] = {
            "ask": self._ask,
            "arrive": self._arrive,
            "hear": self._hear,
            "late": self._late,
        }
        while self._agenda:
            self._now, _, step, what = heapq.heappop(self._agenda)
            steps[step](what)
        return self.events

    def _at(self, delay: float, step: str, what: Any) -> None:
        heapq.heappush(self._agenda, (self._now + delay, next(self._order), step, what))

    def _travel(self) -> float:
        return self._draw.expovariate(1.0)

    def _ask(self, client: _Client) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        keys = self._load.keys
        key = None if keys == 1 else f"k{self._draw.randrange(keys)}"
        f, value = self._server.type.ask(self._draw, self._values, client.minds.setdefault(key, {}))
        asked = _Asked(client, client.process, key, f, value)
        self.events.append(Event(client.process, "invoke", f, key, value))
        if self._draw.random() < self._load.refused:
            self._at(self._travel(), "hear", (asked, REFUSED))
        elif self._draw.random() >= self._load.unknown:
            self._at(self._travel(), "arrive", (asked, True))
        else:
            self._at(2 + self._travel(), "hear", (asked, UNKNOWN))
            fate = self._draw.random()
            if fate < 0.4:
                self._at(self._travel(), "arrive", (asked, False))
            elif fate < 0.6:
                self._at(5 + 20 * self._draw.random(), "late", asked)

    def _arrive(self, what: tuple[_Asked, bool]) -> None:
        asked, heard = what
        reply = self._server.answer(asked.client.number, asked.key, asked.f, asked.value)
        if heard:
            self._at(self._travel(), "hear", (asked, reply))

    def _late(self, asked: _Asked) -> None:
        self._server.answer(asked.client.number, asked.key, asked.f, asked.value)

    def _hear(self, what: tuple[_Asked, Any]) -> None:
        (client, process, key, f, value), reply = what
        read = f in self._server.type.reads
        if reply is UNKNOWN and not (read and self._draw.random() < 0.5):
            self.events.append(Event(process, "info", f, key, None))
            client.process = next(self._fresh)
        elif reply is UNKNOWN or reply is REFUSED:
            self.events.append(Event(process, "fail", f, key, None))
        else:
            self.events.append(Event(process, "ok", f, key, reply))
        self._server.type.learn(client.minds[key], f, value, reply)
        self._at(self._load.think * self._draw.random(), "ask", client)


def recorded(server: Server, load: Load, draw: Random) -> list[Event]:
    """What the clients of a server record."""
    return Clients(server, load, draw).run()


def changed(events: Iterable[Event], data_type: DataType, draw: Random) -> list[Event]:
    """The same, but one operation of the last half has the reply of another; where none fits, the same."""
    rows = list(events)
    places = [
        place
        for place, event in enumerate(rows)
        if place > len(rows) // 2 and event.f in data_type.shows and event.type in ("ok", "fail")
    ]
    draw.shuffle(places)
    for place in places[:50]:
        event = rows[place]
        if event.type == "fail":
            if data_type.name == "mutex":
                rows[place] = event._replace(type="ok")
                return rows
            continue
        others = [
            other.value
            for other in rows
            if (other.type, other.f, other.key) == ("ok", event.f, event.key) and other.value != event.value
        ]
        if event.f == "cas":
            others = [_asked(rows, place).value if event.value is False else False]
        if event.f == "txn":
            others = [shown for shown in (_other_reads(event, rows, draw) for _ in range(3)) if shown]
        if others:
            rows[place] = event._replace(value=draw.choice(others[-40:]))
            return rows
    return rows


def _asked(rows: list[Event], place: int) -> Event:
    """The invocation of a completion."""
    return next(rows[n] for n in range(place - 1, -1, -1) if rows[n].process == rows[place].process)


def _other_reads(event: Event, rows: list[Event], draw: Random) -> tuple[Any, ...] | None:
    """The reply of a transaction with what another one read of one of its registers."""
    steps = list(event.value)
    for place, (f, register, value) in enumerate(steps):
        if f != "r":
            continue
        seen = [
            step[2]
            for other in rows
            if other.type == "ok" and other.key == event.key
            for step in other.value
            if step[1] == register and step[2] != value
        ]
        if seen:
            steps[place] = (f, register, draw.choice(seen[-40:]))
            return tuple(steps)
    return None


def operations(events: Iterable[Event]) -> Iterator[Operation]:
    """The events as a history's operations, a microsecond after each other."""
    for index, (process, type_, f, key, value) in enumerate(events):
        yield Operation(index, 1000 * index, process, type_, f, key, value)  # type: ignore[arg-type]


def history_of(events: Iterable[Event]) -> History:
    """The events as a history."""
    return History(operations(events))
