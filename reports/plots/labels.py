"""Which parts of a figure its words take, so that no two of them overlap.

Text cannot be measured here. So each text is taken for as wide as DejaVu Sans makes it, which is the widest
of the fonts that readers of a page are likely to have: in any other one there is more room between words.
"""

from __future__ import annotations

from typing import NamedTuple

_EMS = (
    (0.28, "ijl'"),
    (0.34, " |IJ/\\:;.,-"),
    (0.40, "()[]ft!"),
    (0.46, 'r"*'),
    (0.53, "sz_?^`"),
    (0.56, "cL"),
    (0.65, "abdeghknopquvxy0123456789FTPYSE{}"),
    (0.70, "ABCKRXVZ"),
    (0.79, "DGHNOQU&"),
    (0.85, "wM+=<>#~"),
    (1.00, "mW@%"),
)
"""Widths of characters in DejaVu Sans (its table of advances), rounded up, in parts of the type's size."""
_WIDTHS = {character: width for width, characters in _EMS for character in characters}
_WIDEST = 1.0
BOLDER = 1.13
"""How much wider bold type is."""
ASCENT, DESCENT = 0.93, 0.24
"""How far type reaches above and below its base line, in parts of its size."""


def width_of(words: str, size: float, *, is_bold: bool = False) -> float:
    """How wide a text is at most, in units of the figure."""
    ems = sum(_WIDTHS.get(character, _WIDEST) for character in words)
    return ems * size * (BOLDER if is_bold else 1.0)


class Box(NamedTuple):
    """A part of a figure."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of_text(
        cls, x: float, y: float, words: str, size: float, *, anchor: str | None = None, is_bold: bool = False
    ) -> Box:
        """What a text takes whose base line is at y; `anchor` is `middle` or `end`."""
        width = width_of(words, size, is_bold=is_bold)
        left = x - width / 2 if anchor == "middle" else x - width if anchor == "end" else x
        return cls(left, y - ASCENT * size, left + width, y + DESCENT * size)

    @classmethod
    def around(cls, x: float, y: float, radius: float) -> Box:
        """What a circle takes."""
        return cls(x - radius, y - radius, x + radius, y + radius)


class Room:
    """The boxes that are taken in a figure."""

    def __init__(self) -> None:
        self._taken: list[Box] = []

    def take(self, box: Box) -> None:
        """Keep this part free of all that is placed later."""
        self._taken.append(box)

    def is_free(self, box: Box) -> bool:
        """Whether nothing that was placed is within this part."""
        return all(
            box.left >= one.right or box.right <= one.left or box.top >= one.bottom or box.bottom <= one.top
            for one in self._taken
        )

    def place(self, box: Box) -> bool:
        """Take this part, if it is free; whether it was."""
        if not self.is_free(box):
            return False
        self.take(box)
        return True
