"""Which rules of the core a search has asked: a scope says nothing about a rule that it never comes to.

Every method of the core's parts is watched until it is called for the first time. A watched method costs
nothing from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from types import FunctionType
from typing import Any

import msgspec

from node_impl.core.build import DEFAULT_PARTS, Parts

JUDGED_OF_THE_REGISTRY = ("snapshot", "restore")
"""The rules of the registry that the state machine's invariants say something about (`node/machine.py`)."""


class Reached(msgspec.Struct):
    """The methods of the core's parts that were called, by part: `elections`, `snapshots`, ..."""

    called: dict[str, set[str]]
    every: Mapping[str, tuple[str, ...]]
    """All methods of each part, in the order of its class."""
    broken: Mapping[str, tuple[str, ...]]
    """By part, the methods of the seeded bug that take the place of the part's own; empty without a bug."""

    def unasked(self) -> Mapping[str, tuple[str, ...]]:
        """By part, the methods that were never called; parts of which each was called are left out."""
        missing = {
            part: tuple(name for name in names if name not in self.called[part])
            for part, names in self.every.items()
        }
        return {part: names for part, names in missing.items() if names}

    def why_not_judged(self) -> str | None:
        """Why the search says nothing about the seeded bug, or about a part of it; None if it says something
        about all of it, or if there is no bug."""
        never = [
            f"{part}.{name}"
            for part, names in self.broken.items()
            for name in names
            if name not in self.called[part]
        ]
        if never:
            return (
                f"the scope never came to the broken rule ({', '.join(never)}), so it says nothing about it"
            )
        meaning = [name for name in self.broken.get("registry", ()) if name not in JUDGED_OF_THE_REGISTRY]
        if meaning:
            return f"no invariant here says what a write means (registry.{', registry.'.join(meaning)})"
        return None

    def in_words(self) -> Iterator[str]:
        """One line for each part: how many of its methods were called, and which were not."""
        unasked = self.unasked()
        for part, names in self.every.items():
            left = unasked.get(part, ())
            never = f"; never: {', '.join(left)}" if left else ""
            yield f"{part}: {len(names) - len(left)} of {len(names)}{never}"


def _methods(part: type) -> tuple[str, ...]:
    """The methods that a class itself defines; not those that only make or compare objects."""
    return tuple(
        name
        for name, member in vars(part).items()
        if isinstance(member, FunctionType) and not (name.startswith("__") and name.endswith("__"))
    )


@contextmanager
def watching(parts: Parts, names: Sequence[str]) -> Iterator[Reached]:
    """Note which methods of these of the node's parts are called meanwhile, by this process."""
    reached = Reached(
        called={part: set() for part in names},
        every={part: _methods(getattr(DEFAULT_PARTS, part)) for part in names},
        broken={
            part: _methods(getattr(parts, part))
            for part in names
            if getattr(parts, part) is not getattr(DEFAULT_PARTS, part)
        },
    )
    watched: list[tuple[type, str, FunctionType]] = []
    for part in names:
        for owner in _owners(getattr(parts, part)):
            for name in _methods(owner):
                own = vars(owner)[name]
                watched.append((owner, name, own))
                setattr(owner, name, _noting(owner, name, own, reached.called[part]))
    try:
        yield reached
    finally:
        for owner, name, own in watched:
            setattr(owner, name, own)


def _owners(part: type) -> Sequence[type]:
    return [owner for owner in part.__mro__ if owner is not object]


def _noting(owner: type, name: str, own: FunctionType, called: set[str]) -> Callable[..., Any]:
    @wraps(own)
    def noted(*args: Any, **named: Any) -> Any:
        called.add(name)
        setattr(owner, name, own)
        return own(*args, **named)

    return noted
