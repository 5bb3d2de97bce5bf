"""Copies of mutable objects that share all that never changes.

`copy.deepcopy` would copy settings, entries and messages too, and takes ten times as long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import is_dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


@cache
def is_frozen(kind: type) -> bool:
    """Whether values of this type never change, nor anything in them."""
    if issubclass(kind, bool | int | str | bytes | type(None)):
        return True
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_config__.frozen
    return is_dataclass(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # dataclasses'


@cache
def slots_of(kind: type) -> tuple[str, ...]:
    """The names of all slots of a class, its bases' included."""
    names: list[str] = []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        names.extend([slots] if isinstance(slots, str) else slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def attributes(value: object) -> dict[str, Any]:
    """Every attribute that an object itself has, by name."""
    found = {name: getattr(value, name) for name in _slots(value) if hasattr(value, name)}
    found.update(getattr(value, "__dict__", {}))
    return found


def _slots(value: object) -> tuple[str, ...]:
    kind: Any = type(value)
    return slots_of(kind)


def copied(value: T) -> T:
    """A copy that shares nothing that could change. Two names for one mutable object become two objects."""
    copy: T = _copied(value)
    return copy


def _copied(value: Any) -> Any:
    kind: Any = type(value)
    if is_frozen(kind):
        return value
    if kind is list or kind is tuple or kind is set or kind is frozenset or kind is deque:
        return kind(map(_copied, value))
    if kind is dict:
        return {key: _copied(held) for key, held in value.items()}
    held_by_name = attributes(value)
    if isinstance(value, tuple) or not held_by_name:
        raise TypeError(f"how to copy a {kind.__name__} is not known")
    copy = object.__new__(kind)
    for name, held in held_by_name.items():
        setattr(copy, name, _copied(held))
    return copy
