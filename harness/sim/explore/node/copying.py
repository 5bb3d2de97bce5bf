"""Copies of mutable objects that share all that never changes.

`copy.deepcopy` would copy settings, entries and messages too, and takes ten times as long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import is_dataclass
from functools import cache
from typing import Any, TypeVar

import msgspec

from node_impl.core.config import NodeConfig
from node_impl.core.events import Configuration, Entry

T = TypeVar("T")
_PLAIN = frozenset({bool, int, str, bytes, type(None), NodeConfig, Entry, Configuration})
"""The frozen types that a core holds most often, which need no further look."""


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
    """The names of all slots of a class, its bases' included, sorted."""
    names: set[str] = set()
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        names.update([slots] if isinstance(slots, str) else slots)
    return tuple(sorted(names - {"__dict__", "__weakref__"}))


def copied(value: T) -> T:
    """A copy that shares nothing that could change.

    Objects that refer to one another are copied once each, so their copies refer to one another likewise. Two
    names for one list, dict or set become two copies of it.
    """
    copy: T = _Copier().copied(value)
    return copy


class _Copier:
    def __init__(self) -> None:
        self._copies: dict[int, Any] = {}
        """By the identity of an object with attributes: its copy."""

    def copied(self, value: Any) -> Any:
        kind: Any = type(value)
        if is_frozen(kind):
            return value
        copy = self._copies.get(id(value))
        if copy is not None:
            return copy
        if kind is list or kind is tuple or kind is set or kind is frozenset or kind is deque:
            return kind(map(self.copied, value))
        if kind is bytearray:
            return bytearray(value)
        if kind is dict:
            return {key: self.copied(held) for key, held in value.items()}
        slots = slots_of(kind)
        own = getattr(value, "__dict__", None)
        if isinstance(value, tuple) or not (slots or own):
            raise TypeError(f"how to copy a {kind.__name__} is not known")
        copy = self._copies[id(value)] = object.__new__(kind)
        for name in slots:
            held = getattr(value, name)
            setattr(copy, name, held if type(held) in _PLAIN else self.copied(held))
        if own:
            copy.__dict__.update({name: self.copied(held) for name, held in own.items()})
        return copy
