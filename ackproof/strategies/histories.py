"""Histories of concurrent clients: of a correct object, or of one that answers anything.

A correct history is drawn by running an object that does each operation at one instant between its
invocation and its completion, while the strategy decides which client does what next. So it is linearizable,
and no search is needed to know it. Operations whose outcome the client does not know (`info`) take effect at
once, much later, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

import ackproof
from ackproof.strategies.data_types import Asked, AtomicObject, object_of, operations

if TYPE_CHECKING:
    from ackproof import Operation
    from history import OperationType

STEP_NS = 1000
_CHOICES = ("invoke", "invoke", "take effect", "take effect", "answer", "answer", "answer", "fail", "lose")


def histories(
    data_type: str = "register",
    *,
    keys: Sequence[str] = ("x",),
    processes: int = 3,
    most_steps: int = 30,
    correct: bool = True,
) -> st.SearchStrategy[list[Operation]]:
    """Histories that obey the rules of histories; `ackproof.check` judges them, as does a checker of yours.

    Args:
        data_type: see `operations`.
        keys: the objects, each with a state of its own.
        processes: how many clients at the same time.
        most_steps: how often something happens at most: an operation begins, takes effect, or ends.
        correct: True: the object is correct, so every history is linearizable. False: a reply may be that of
            any other operation on an object in any state, and most histories are then not linearizable.
    """
    asked = operations(data_type, keys=keys)
    return st.composite(_history)(object_of(data_type), asked, processes, most_steps, correct)


class _Pending:
    """An operation that has begun and not ended."""

    def __init__(self, process: int, asked: Asked) -> None:
        self.process = process
        self.asked = asked
        self.took_effect = False
        self.result: Any = None


class _Drawing:
    """A history as it grows."""

    def __init__(self, object_: AtomicObject, processes: int) -> None:
        self.operations: list[Operation] = []
        self._object = object_
        self._states: dict[str | None, Any] = {}
        self._processes = list(range(processes))
        self._next = processes
        self.pending: list[_Pending] = []
        self.lost: list[_Pending] = []
        """Operations that ended as `info` and have not taken effect: they still may."""

    def idle(self) -> list[int]:
        """The clients that wait for no answer."""
        busy = {one.process for one in self.pending}
        return [process for process in self._processes if process not in busy]

    def invoke(self, process: int, asked: Asked) -> None:
        """Let an operation begin."""
        self.pending.append(_Pending(process, asked))
        self._add(process, "invoke", asked, asked.value)

    def take_effect(self, one: _Pending) -> None:
        """Let an operation happen, at this instant."""
        key = one.asked.key
        state = self._states.get(key, self._object.initial)
        self._states[key], one.result = self._object.apply(state, one.asked.f, one.asked.value)
        one.took_effect = True

    def end(self, one: _Pending, type_: OperationType, value: Any) -> None:
        """Let an operation end; after `info` another process takes the client's place."""
        self.pending.remove(one)
        self._add(one.process, type_, one.asked, value)
        if type_ == "info":
            self._processes[self._processes.index(one.process)] = self._next
            self._next += 1

    def _add(self, process: int, type_: OperationType, asked: Asked, value: Any) -> None:
        index = len(self.operations)
        self.operations.append(
            ackproof.Operation(index, index * STEP_NS, process, type_, asked.f, asked.key, value)
        )


def _history(
    draw: st.DrawFn,
    object_: AtomicObject,
    asked: st.SearchStrategy[Asked],
    processes: int,
    most_steps: int,
    correct: bool,
) -> list[Operation]:
    history = _Drawing(object_, processes)
    for _ in range(draw(st.integers(0, most_steps), "steps")):
        waiting = [one for one in [*history.pending, *history.lost] if not one.took_effect]
        done = [one for one in history.pending if one.took_effect]
        undone = [one for one in history.pending if not one.took_effect]
        idle = history.idle()
        match draw(st.sampled_from(_CHOICES)):
            case "invoke" if idle:
                history.invoke(draw(st.sampled_from(idle)), draw(asked))
            case "take effect" if waiting:
                history.take_effect(draw(st.sampled_from(waiting)))
            case "answer" if done:
                one = draw(st.sampled_from(done))
                history.end(one, "ok", one.result if correct else draw(_any_result(object_, one.asked)))
            case "fail" if undone:
                one = draw(st.sampled_from(undone))
                history.end(one, "fail", one.asked.value)
            case "lose" if history.pending:
                one = draw(st.sampled_from(history.pending))
                history.lost.append(one)
                history.end(one, "info", one.asked.value)
    return history.operations


def _any_result(object_: AtomicObject, asked: Asked) -> st.SearchStrategy[Any]:
    """A result that the operation may have on some object, whatever this one's state is."""
    writes = [(f, values) for f, values in object_.arguments.items() if f not in ("read", "lookup")]

    def after(steps: list[tuple[str, Any]]) -> Any:
        state = object_.initial
        for f, value in steps:
            state, _ = object_.apply(state, f, value)
        return object_.apply(state, asked.f, asked.value)[1]

    step = st.one_of([st.tuples(st.just(f), values) for f, values in writes])
    return st.lists(step, max_size=3).map(after)
