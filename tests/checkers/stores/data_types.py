"""Data types as a server carries them out, and what their clients ask; written without the checkers' models.

A state is immutable, so that a store can keep old ones and give them out late. `apply` holds all the
semantics: from a state and a request to the next state and the reply. `REFUSED` is the reply to a request
that was not carried out, which a client records as `fail`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any, Final

REFUSED: Final = object()
"""The reply of a server that did not do what it was asked."""
UNKNOWN: Final = object()
"""The reply of an operation whose client does not know its outcome."""

State = Any


class Values:
    """What clients write: numbers that are all different, or a few again and again."""

    def __init__(self, draw: Random, few: int | None) -> None:
        self._draw, self._few = draw, few
        self._fresh: Iterator[int] = count(1)

    def new(self) -> int:
        """The next value to write."""
        return next(self._fresh) if self._few is None else self._draw.randint(1, self._few)

    def known(self) -> int:
        """Some value that was or will be written, most often a recent one."""
        if self._few is not None:
            return self._draw.randint(1, self._few)
        latest = next(self._fresh)
        self._fresh = count(latest)
        return max(1, latest - self._draw.randrange(1, 8))


class DataType(ABC):
    """A data type, its server and its clients."""

    name: str
    initial: State
    reads: frozenset[str] = frozenset()
    """Operations that change nothing."""
    shows: frozenset[str] = frozenset()
    """Operations whose replies say something of the state."""
    yes_or_no: frozenset[str] = frozenset()
    """Of these, those whose reply says only whether it was done, and is false if not."""

    @abstractmethod
    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        """What a client does next; `mind` is what it remembers of its key."""

    @abstractmethod
    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        """Carry a request out."""

    def partly(self, draw: Random, state: State, f: str, value: Any) -> State:
        """The state after a request of which a server dropped some steps; those of one step do nothing."""
        return state

    def learn(self, mind: dict[str, Any], f: str, value: Any, reply: Any) -> None:  # noqa: B027
        """What a client keeps in mind after a reply; `UNKNOWN` where there was none. Most keep nothing."""

    def after(self, state: State, f: str, value: Any, reply: Any) -> list[State]:
        """The states that may follow, if a client was told `reply`; none if that cannot be."""
        later, own = self.apply(state, f, value)
        if own is REFUSED:
            return []
        if reply is UNKNOWN or (f in self.yes_or_no and (own is False) == (reply is False)):
            return [later]
        return [later] if f not in self.yes_or_no and same(own, reply) else []


def same(one: Any, other: Any) -> bool:
    """Whether two replies are equal; true is not 1."""
    return bool(type(one) is type(other) and one == other)


class Register(DataType):
    """A value that is read and written."""

    name = "register"
    initial: State = None
    reads = frozenset({"read"})
    shows = frozenset({"read"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return ("read", None) if draw.random() < 0.5 else ("write", values.new())

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        return (state, state) if f == "read" else (value, value)


class Cas(Register):
    """A register with compare-and-set, which replies false where it found another value."""

    name = "cas-register"
    shows = frozenset({"read", "cas"})
    yes_or_no = frozenset({"cas"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        if draw.random() < 0.6:
            return super().ask(draw, values, mind)
        seen = mind.get("seen")
        return "cas", (values.known() if seen is None or draw.random() < 0.3 else seen, values.new())

    def learn(self, mind: dict[str, Any], f: str, value: Any, reply: Any) -> None:
        if reply not in (UNKNOWN, REFUSED):
            mind["seen"] = reply if f == "read" else value if f == "write" else value[1] if reply else None

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        if f != "cas":
            return super().apply(state, f, value)
        old, new = value
        return (new, value) if state == old else (state, False)

    def after(self, state: State, f: str, value: Any, reply: Any) -> list[State]:
        if f == "cas" and reply is UNKNOWN and state != value[0]:
            return []
        return super().after(state, f, value, reply)


class Texts(DataType):
    """A text that is put, appended to, and got."""

    name = "kv-append"
    initial: State = ""
    reads = frozenset({"get"})
    shows = frozenset({"get"})
    most_characters = 2000

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        kind = draw.random()
        if kind < 0.5:
            return "get", None
        word = f"{values.new()} "
        return ("put", word) if kind < 0.55 else ("append", word)

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        match f:
            case "get":
                return state, state
            case "put":
                return value, value
        return state + value, value


class Counter(DataType):
    """A number that is added to and read."""

    name = "counter"
    initial: State = 0
    reads = frozenset({"read"})
    shows = frozenset({"read"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        if draw.random() < 0.5:
            return "read", None
        return "add", draw.choice([1, 1, 2, -1, 5]) if values.new() % 2 else 1

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        return (state, state) if f == "read" else (state + value, value)


class Members(DataType):
    """A set whose elements are added, removed, asked for one by one, and read as a whole."""

    name = "set"
    initial: State = frozenset()
    reads = frozenset({"contains", "read"})
    shows = frozenset({"contains", "read", "remove", "add"})

    def __init__(self, whole: float = 0.1) -> None:
        self._whole = whole

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        kind = draw.random()
        if kind < self._whole:
            return "read", None
        if kind < 0.5:
            return "add", values.new()
        return ("contains" if kind < 0.75 else "remove"), values.known()

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        match f:
            case "read":
                return state, tuple(sorted(state))
            case "contains":
                return state, value in state
            case "add":
                return state | {value}, value not in state
        return state - {value}, value in state


class Queue(DataType):
    """First in, first out; a dequeue of an empty queue replies None."""

    name = "queue"
    initial: State = ()
    shows = frozenset({"dequeue"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return ("enqueue", values.new()) if draw.random() < 0.5 else ("dequeue", None)

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        if f == "enqueue":
            return (*state, value), value
        return (state[1:], state[0]) if state else (state, None)


class Mutex(DataType):
    """A lock that anybody may release, though its clients release only what they may hold."""

    name = "mutex"
    initial: State = False
    shows = frozenset({"acquire", "release"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        return ("release" if mind.get("held") else "acquire"), None

    def learn(self, mind: dict[str, Any], f: str, value: Any, reply: Any) -> None:
        mind["held"] = reply is not REFUSED and (f == "acquire" or reply is UNKNOWN)

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        if state == (f == "acquire"):
            return state, REFUSED
        return not state, value


class FencedLock(DataType):
    """A lock that gives a greater token each time, takes it back, and may expire."""

    name = "fenced-lock"
    initial: State = (0, None)
    shows = frozenset({"acquire"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        if draw.random() < 0.05:
            return "expire", None
        if mind.get("token") is not None:
            return "release", mind["token"]
        return "acquire", None

    def learn(self, mind: dict[str, Any], f: str, value: Any, reply: Any) -> None:
        mind["token"] = reply if f == "acquire" and reply not in (UNKNOWN, REFUSED) else None

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        greatest, holder = state
        match f:
            case "acquire":
                return ((greatest + 1, greatest + 1), greatest + 1) if holder is None else (state, REFUSED)
            case "release":
                return ((greatest, None), value) if holder == value else (state, REFUSED)
        return (greatest, None), value

    def after(self, state: State, f: str, value: Any, reply: Any) -> list[State]:
        """A client is promised a greater token, not the next one; one that nobody heard of is nobody's."""
        greatest, holder = state
        if f != "acquire":
            return super().after(state, f, value, value if reply is not UNKNOWN else UNKNOWN)
        if holder is not None:
            return []
        if reply is UNKNOWN:
            return [(greatest, "nobody's")]
        return [(reply, reply)] if reply > greatest else []


class Registers(DataType):
    """Three registers that one transaction reads and writes at one moment."""

    name = "multi-register"
    initial: State = ()
    shows = frozenset({"txn"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        named = draw.sample("xyz", draw.choice([1, 2, 2, 3]))
        if draw.random() < 0.5:
            return "txn", tuple(("r", register, None) for register in named)
        return "txn", tuple(
            ("w", register, values.new()) if draw.random() < 0.7 else ("r", register, None)
            for register in named
        )

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        registers = dict(state)
        reply = []
        for step, register, written in value:
            if step == "w":
                registers[register] = written
            reply.append((step, register, registers.get(register)))
        return tuple(sorted(registers.items())), tuple(reply)

    def partly(self, draw: Random, state: State, f: str, value: Any) -> State:
        return self.apply(state, f, tuple(step for step in value if draw.random() < 0.5))[0]


class Registry(DataType):
    """One instance of a registry: registered, updated, deregistered, looked up."""

    name = "registry"
    initial: State = None
    reads = frozenset({"lookup"})
    shows = frozenset({"lookup", "deregister", "update"})
    yes_or_no = frozenset({"update"})

    def ask(self, draw: Random, values: Values, mind: dict[str, Any]) -> tuple[str, Any]:
        kind = draw.random()
        if kind < 0.5:
            return "lookup", None
        if kind < 0.65:
            return "deregister", None
        return ("register" if kind < 0.9 else "update"), f"r{values.new()}"

    def apply(self, state: State, f: str, value: Any) -> tuple[State, Any]:
        match f:
            case "lookup":
                return state, state
            case "deregister":
                return None, state
            case "update" if state is None:
                return None, False
        return value, value


TYPES: dict[str, DataType] = {
    kind.name: kind
    for kind in (
        Register(),
        Cas(),
        Registers(),
        Texts(),
        Mutex(),
        FencedLock(),
        Members(),
        Queue(),
        Counter(),
        Registry(),
    )
}
"""By the name of the data type."""
