"""When a text can first have been there, given what was put and appended, and when each of that began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checkers.linearizability.answer import NEVER

MOST_LENGTHS = 64
"""With appended texts of more different lengths than this, nothing is said."""


class Pieces:
    """The texts that operations on one key put and append, with the earliest beginning of each."""

    def __init__(self, initial: str) -> None:
        self._whole: dict[str, int] = {initial: -1}
        self._ends: dict[str, int] = {}

    def put(self, text: str, begun: int) -> None:
        """An operation that began then makes this text the whole."""
        self._whole[text] = min(begun, self._whole.get(text, NEVER))

    def append(self, text: str, begun: int) -> None:
        """An operation that began then adds this text at the end."""
        self._ends[text] = min(begun, self._ends.get(text, NEVER))

    def since(self, texts: Iterable[str]) -> Mapping[str, int]:
        """By text the earliest time at which it can have been there, `NEVER` if it cannot be composed.

        The texts are taken in alphabetical order, so that what one has in common with the last is done once.
        """
        lengths = sorted({len(text) for text in self._ends if text})
        if len(lengths) > MOST_LENGTHS:
            return {}
        longest = lengths[-1] if lengths else 0
        wholes = sorted({len(text) for text in self._whole})
        found: dict[str, int] = {}
        before = ""
        reached: list[int] = [self._whole.get("", NEVER)]
        for text in sorted(texts):
            common = _common(before, text)
            del reached[common + 1 :]
            reached += [NEVER] * (len(text) - common)
            for length in wholes:
                if common < length <= len(text):
                    reached[length] = min(reached[length], self._whole.get(text[:length], NEVER))
            for place in range(max(0, common - longest), len(text)):
                at = reached[place]
                if at == NEVER:
                    continue
                for length in lengths:
                    end = place + length
                    begun = self._ends.get(text[place:end]) if common < end <= len(text) else None
                    if begun is not None:
                        reached[end] = min(reached[end], max(at, begun))
            found[text] = reached[len(text)]
            before = text
        return found


def _common(one: str, other: str) -> int:
    """The length of the longest common beginning."""
    if other.startswith(one):
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
