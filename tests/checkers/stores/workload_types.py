"""What the clients of Jepsen's workloads ask, and how a server carries it out."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.checkers.stores.data_types import (
    UNKNOWN,
    Counter,
    DataType,
    FencedLock,
    Queue,
    State,
    Values,
)


class Ids(DataType):
    """A server that gives each request an id that no other has."""

    name = "unique-ids"
    initial: State = 0
    shows = frozenset({"generate"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return "generate", None

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        return state + 1, state + 1


class DrainedQueue(Queue):
    """A queue of which a client may take all that is left."""

    name = "total-queue"
    shows = frozenset({"dequeue", "drain"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return ("drain", None) if draw.random() < 0.2 else super().ask(draw, values, mind)

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        return ((), state) if f == "drain" else super().apply(state, f, value)


class GrowingSet(DataType):
    """A set whose elements are added once each, and which is read as a whole."""

    name = "set-full"
    initial: State = ()
    reads = frozenset({"read"})
    shows = frozenset({"read"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return ("read", None) if draw.random() < 0.5 else ("add", values.new())

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        if f == "read":
            return state, state
        return (*(one for one in state if one != value), value), value


class BoundedCounter(Counter):
    """A counter whose reads are judged one by one."""

    name = "interval-counter"


class Accounts(DataType):
    """Three accounts between which money is moved, but never more than there is."""

    name = "bank"
    initial: State = (4, 4, 4)
    reads = frozenset({"read"})
    shows = frozenset({"read"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        if draw.random() < 0.5:
            return "read", None
        one, other = draw.sample("abc", 2)
        return "transfer", {"from": one, "to": other, "amount": draw.randint(1, 3)}

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        if f == "read":
            return state, dict(zip("abc", state, strict=True))
        held = dict(zip("abc", state, strict=True))
        if held[value["from"]] >= value["amount"]:
            held[value["from"]] -= value["amount"]
            held[value["to"]] += value["amount"]
        return tuple(held.values()), value

    def partly(self, draw: Random, state: State, f: str, value: Any) -> State:
        whole, _ = self.apply(state, f, value)
        return tuple(after if draw.random() < 0.5 else was for was, after in zip(state, whole, strict=True))


class Lease(FencedLock):
    """A lock that gives tokens; its clients write with them."""

    name = "lease"
    shows = frozenset({"acquire"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        if mind.get("token") is None:
            return "acquire", None
        return "release", mind["token"]

    def after(self, state: State, f: str, value: Any, reply: Any) -> list[State]:
        """The owner is known by its token; a release that nobody confirmed may have happened."""
        return super().after(state, f, value, UNKNOWN if f == "release" and reply is UNKNOWN else reply)


WORKLOADS: dict[str, DataType] = {
    kind.name: kind for kind in (Ids(), DrainedQueue(), GrowingSet(), BoundedCounter(), Accounts(), Lease())
}
"""By the name of the judge."""
