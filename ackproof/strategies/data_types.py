"""Data types as strategies need them: which operations can be asked for, and what a correct object answers.

The names and operations are those of the models of `ackproof check` (checkers/models/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st


class Asked(NamedTuple):
    """An operation that a client may ask for: `cluster.perform(*asked)` carries it out."""

    f: str
    key: str | None
    value: Any


class AtomicObject(NamedTuple):
    """A data type: its operations, and what each does to a state."""

    initial: Any
    arguments: Mapping[str, st.SearchStrategy[Any]]
    """By name of each operation, the arguments that it takes."""
    apply: Callable[[Any, str, Any], tuple[Any, Any]]
    """From a state, an operation's name and its argument to the next state and the result."""


NOTHING = st.none()
SMALL = st.integers(0, 4)


def _register(state: Any, f: str, value: Any) -> tuple[Any, Any]:
    match f:
        case "read":
            return state, state
        case "write":
            return value, value
        case _:
            old, new = value
            return (new, value) if state == old else (state, False)


def _counter(state: Any, f: str, value: Any) -> tuple[Any, Any]:
    return (state, state) if f == "read" else (state + value, value)


def _queue(state: Any, f: str, value: Any) -> tuple[Any, Any]:
    if f == "enqueue":
        return (*state, value), value
    return (state[1:], state[0]) if state else (state, None)


def _registry(state: Any, f: str, value: Any) -> tuple[Any, Any]:
    match f:
        case "register":
            return value, value
        case "deregister":
            return None, state
        case _:
            return state, state


_IDS = st.sampled_from([f"r{number}" for number in range(1, 6)])
DATA_TYPES: Mapping[str, AtomicObject] = {
    "register": AtomicObject(None, {"read": NOTHING, "write": SMALL}, _register),
    "cas-register": AtomicObject(
        None,
        {"read": NOTHING, "write": SMALL, "cas": st.lists(SMALL, min_size=2, max_size=2)},
        _register,
    ),
    "counter": AtomicObject(0, {"read": NOTHING, "add": st.integers(-3, 3)}, _counter),
    "queue": AtomicObject((), {"enqueue": SMALL, "dequeue": NOTHING}, _queue),
    "registry": AtomicObject(None, {"register": _IDS, "deregister": NOTHING, "lookup": NOTHING}, _registry),
}
"""By name of the model."""


def operations(data_type: str = "register", *, keys: Sequence[str] = ("x",)) -> st.SearchStrategy[Asked]:
    """Operations that a client may ask for.

    Args:
        data_type: `register`, `cas-register`, `counter`, `queue` or `registry`.
        keys: the objects. Keys of the reference node's registry look like `svc/10.0.0.1:80`.

    Raises:
        ValueError: there is no such data type.
    """
    known = object_of(data_type).arguments
    return st.one_of(
        [st.builds(Asked, st.just(f), st.sampled_from(list(keys)), value) for f, value in known.items()]
    )


def object_of(data_type: str) -> AtomicObject:
    """The data type of that name.

    Raises:
        ValueError: there is none.
    """
    if data_type not in DATA_TYPES:
        raise ValueError(f"unknown data type {data_type!r}: known are {', '.join(DATA_TYPES)}")
    return DATA_TYPES[data_type]
