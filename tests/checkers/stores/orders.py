"""Whether some order of a few operations explains every reply, by trying all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.checkers.stores.clients import Event
from tests.checkers.stores.data_types import UNKNOWN, DataType, State

FOREVER = 10**9


class Done(NamedTuple):
    """An operation that may have happened; one whose outcome is unknown ends never."""

    begun: int
    ended: int
    f: str
    value: Any
    reply: Any


def by_key(events: Iterable[Event]) -> dict[str | None, list[Done]]:
    """The operations on each key that did not fail."""
    begun: dict[int, tuple[int, Event]] = {}
    found: dict[str | None, list[Done]] = {}
    for place, event in enumerate(events):
        if event.type == "invoke":
            begun[event.process] = place, event
            continue
        at, asked = begun.pop(event.process)
        if event.type == "ok":
            found.setdefault(event.key, []).append(Done(at, place, asked.f, asked.value, event.value))
        elif event.type == "info":
            found.setdefault(event.key, []).append(Done(at, FOREVER, asked.f, asked.value, UNKNOWN))
    for at, asked in begun.values():
        found.setdefault(asked.key, []).append(Done(at, FOREVER, asked.f, asked.value, UNKNOWN))
    return found


def explained(data_type: DataType, events: Iterable[Event]) -> bool:
    """Whether each key's operations have an order in which every reply is what the data type gives."""
    return all(some_order(data_type, data_type.initial, done) for done in by_key(events).values())


def some_order(data_type: DataType, state: State, left: Sequence[Done]) -> bool:
    """Whether some order of these operations, begun in this state, explains every reply."""
    if all(one.ended == FOREVER for one in left):
        return True
    first_end = min(one.ended for one in left)
    for place, one in enumerate(left):
        if one.begun > first_end:
            continue
        for after in data_type.after(state, one.f, one.value, one.reply):
            if some_order(data_type, after, [*left[:place], *left[place + 1 :]]):
                return True
    return False
