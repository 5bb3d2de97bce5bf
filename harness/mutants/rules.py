"""Holds mutants to what they are: overrides of rules that exist."""

from __future__ import annotations

from typing import TypeVar

C = TypeVar("C", bound=type)


def breaks(mutant: C) -> C:
    """Decorates a mutant's class: everything it defines must override something of the part.

    Raises:
        TypeError: a rule that it means to break is gone (renamed, perhaps), so it would break nothing.
    """
    for name, member in vars(mutant).items():
        if callable(member) and not any(name in vars(base) for base in mutant.__mro__[1:]):
            bases = ", ".join(base.__name__ for base in mutant.__bases__)
            raise TypeError(f"{mutant.__name__} overrides {name}, but {bases} has no rule of that name")
    return mutant
