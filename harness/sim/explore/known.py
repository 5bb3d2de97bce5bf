"""Small numbers for things that have shapes, and for their shapes when nodes change names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from harness.sim.explore.node.shape import Shape, renamed

T = TypeVar("T")


class Known(Generic[T]):
    """Numbers for things that have shapes, and for those shapes under every naming of the nodes."""

    def __init__(self, namings: Sequence[Mapping[str, str]]) -> None:
        self.things: dict[int, T] = {}
        """Things by number; a shape that was met only as the renaming of another one has no thing."""
        self._numbers: dict[Shape, int] = {}
        self._shapes: list[Shape] = []
        self._namings = namings
        self._renamed: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.things)

    def number(self, shape: Shape, thing: T) -> int:
        """The number of a thing; the first thing of a shape stays."""
        number = self._of(shape)
        self.things.setdefault(number, thing)
        return number

    def under_namings(self, number: int) -> tuple[int, ...]:
        """The number of the renamed shape under each naming, in their order."""
        found = self._renamed.get(number)
        if found is None:
            shape = self._shapes[number]
            found = tuple([self._of(renamed(shape, naming)) for naming in self._namings])
            self._renamed[number] = found
        return found

    def _of(self, shape: Shape) -> int:
        number = self._numbers.setdefault(shape, len(self._shapes))
        if number == len(self._shapes):
            self._shapes.append(shape)
        return number
