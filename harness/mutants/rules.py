"""A guard at import: a mutant may only override rules that exist."""

from __future__ import annotations

from typing import TypeVar

C = TypeVar("C", bound=type)


def breaks(mutant: C) -> C:
    """Decorates the class of a mutant: each method that it defines must override a method of its part.

    Raises:
        TypeError: the part has no rule of that name (it was renamed, perhaps), so the mutant breaks nothing.
    """
    for name, member in vars(mutant).items():
        if callable(member) and not any(name in vars(base) for base in mutant.__mro__[1:]):
            bases = ", ".join(base.__name__ for base in mutant.__bases__)
            raise TypeError(f"{mutant.__name__} overrides {name}, but {bases} has no rule of that name")
    return mutant
