"""Servers that keep one state a key: a correct one, and some that are broken as real ones are.

Each broken server errs now and then: `often` is the share of requests at which it may. Where no reply shows
its fault, what clients see is still right; nothing here knows.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.checkers.stores.data_types import REFUSED, DataType, State, Values


class Server:
    """Does what it is asked, one request after the other."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        self.type, self.draw, self.often = data_type, draw, often
        self.states: dict[str | None, State] = {}

    def errs(self) -> bool:
        """Whether the fault strikes now."""
        return self.draw.random() < self.often

    def state(self, key: str | None) -> State:
        """What stands under a key."""
        return self.states.get(key, self.type.initial)

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        """Carry out a request, and reply."""
        self.states[key], reply = self.type.apply(self.state(key), f, value)
        return reply


class StaleReplica(Server):
    """Some reads are served by a replica that has not yet heard of the last requests."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._past: dict[str | None, list[State]] = {}

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        past = self._past.setdefault(key, [])
        if f in self.type.shows and past and self.errs():
            _, reply = self.type.apply(self.draw.choice(past), f, value)
            if f in self.type.reads:
                return reply
            self.states[key], _ = self.type.apply(self.state(key), f, value)
            return reply
        past.append(self.state(key))
        del past[:-5]
        return super().answer(client, key, f, value)


class LostWrites(Server):
    """The leader fails over to a follower that lacks the last requests, which were acknowledged."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._past: dict[str | None, list[State]] = {}

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        past = self._past.setdefault(key, [self.type.initial])
        if self.errs():
            self.states[key] = self.draw.choice(past)
        past.append(self.state(key))
        del past[:-3]
        return super().answer(client, key, f, value)


class SplitBrain(Server):
    """For a while two leaders serve the clients of their side; then one side's state is kept."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._other: dict[str | None, State] | None = None

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        if self.errs():
            if self._other is None:
                self._other = dict(self.states)
            else:
                self.states = self.draw.choice([self.states, self._other])
                self._other = None
        if self._other is None or client % 2:
            return super().answer(client, key, f, value)
        before = self._other.get(key, self.type.initial)
        self._other[key], reply = self.type.apply(before, f, value)
        return reply


class Reordered(Server):
    """A request that was answered waits, and is applied after the one that comes next."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._waiting: dict[str | None, tuple[str, Any]] = {}

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        waiting = self._waiting.pop(key, None)
        if waiting is None and f not in self.type.reads and self.errs():
            _, reply = self.type.apply(self.state(key), f, value)
            if reply is not REFUSED:
                self._waiting[key] = f, value
            return reply
        reply = super().answer(client, key, f, value)
        if waiting is not None:
            self.states[key], _ = self.type.apply(self.state(key), *waiting)
        return reply


class Duplicated(Server):
    """The network delivers a request again some time later, and it is carried out again."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._again: list[tuple[str | None, str, Any]] = []

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        if self._again and self.draw.random() < 0.4:
            again, *request = self._again.pop(self.draw.randrange(len(self._again)))
            self.states[again], _ = self.type.apply(self.state(again), *request)
        reply = super().answer(client, key, f, value)
        if reply is not REFUSED and self.errs():
            self._again.append((key, f, value))
        return reply


class DroppedSteps(Server):
    """A request is acknowledged, but its effect, or one step of it, is dropped."""

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        before = self.state(key)
        reply = super().answer(client, key, f, value)
        if f not in self.type.reads and self.errs():
            self.states[key] = self.type.partly(self.draw, before, f, value)
        return reply


class EarlyAnswers(Server):
    """A request is answered before it is applied, which happens some requests later."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._later: list[tuple[str | None, str, Any]] = []

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        while self._later and self.draw.random() < 0.4:
            due, *request = self._later.pop(0)
            self.states[due], _ = self.type.apply(self.state(due), *request)
        if f in self.type.reads or not self.errs():
            return super().answer(client, key, f, value)
        _, reply = self.type.apply(self.state(key), f, value)
        if reply is not REFUSED:
            self._later.append((key, f, value))
        return reply


class Refusing(Server):
    """A request is carried out, but its client is told that it was not."""

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        reply = super().answer(client, key, f, value)
        return REFUSED if f not in self.type.reads and self.errs() else reply


class Garbled(Server):
    """A reply is that of another request: of another key, or of long ago."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._replies: dict[str, list[Any]] = {}

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        reply = super().answer(client, key, f, value)
        old = self._replies.setdefault(f, [])
        if f in self.type.shows and f not in ("txn", "acquire") and old and self.errs():
            return self.draw.choice(old)
        if reply is not REFUSED:
            old.append(reply)
        return reply


BROKEN: dict[str, type[Server]] = {
    "stale replica": StaleReplica,
    "lost writes": LostWrites,
    "split brain": SplitBrain,
    "reordered": Reordered,
    "duplicated": Duplicated,
    "dropped steps": DroppedSteps,
    "early answers": EarlyAnswers,
    "refused but done": Refusing,
    "garbled replies": Garbled,
}
"""By what is wrong with it."""


class Leaderless(Server):
    """Two replicas without a leader: what one does is passed on, late, out of order, again, or never."""

    def __init__(self, data_type: DataType, draw: Random, often: float = 0.1) -> None:
        super().__init__(data_type, draw, often)
        self._replicas: list[dict[str | None, State]] = [{}, {}]
        self._on_the_way: list[tuple[int, str | None, str, Any]] = []

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        while self._on_the_way and self.draw.random() < 0.4:
            self._carry_out(*self._on_the_way.pop(self.draw.randrange(len(self._on_the_way))))
        asked = self.draw.randrange(2) if self.errs() else 0
        reply = self._carry_out(asked, key, f, value)
        if f not in self.type.reads and reply is not REFUSED:
            self._pass_on(1 - asked, key, f, value)
        return reply

    def _pass_on(self, other: int, key: str | None, f: str, value: Any) -> None:
        if not self.errs():
            self._carry_out(other, key, f, value)
        elif self.draw.random() < 0.7:
            self._on_the_way += [(other, key, f, value)] * self.draw.choice([1, 1, 2])

    def _carry_out(self, replica: int, key: str | None, f: str, value: Any) -> Any:
        states = self._replicas[replica]
        states[key], reply = self.type.apply(states.get(key, self.type.initial), f, value)
        return reply


class Inventing(Server):
    """Now and then a request is carried out that no client sent."""

    def answer(self, client: int, key: str | None, f: str, value: Any) -> Any:
        if self.errs():
            super().answer(client, key, *self.type.ask(self.draw, Values(self.draw, 3), {}))
        return super().answer(client, key, f, value)


WITHOUT_LEADER: dict[str, type[Server]] = {
    "leaderless": Leaderless,
    "inventing": Inventing,
}
"""Further ones, by what is wrong; apart, as the seeds of some tests and measurements choose among BROKEN."""
