"""Words that the texts of several checkers share: who answered, when, and how many there were."""

from __future__ import annotations

from history import Operation
from history.units import SECOND_NS


def seconds(nanoseconds: int) -> str:
    """A time since the run began: `3.750 s`."""
    return f"{nanoseconds / SECOND_NS:.3f} s"


def by_and_at(completion: Operation) -> str:
    """Which node gave a reply, and when: ` by n5 at 3.750 s`; without a node ` at 3.750 s`."""
    node = "" if completion.node is None else f" by {completion.node}"
    return f"{node} at {seconds(completion.time)}"


def who_answered(completion: Operation) -> str:
    """The node that gave a reply, as the subject of a sentence: `n5`, or `a node`."""
    return completion.node or "a node"


def count(number: int) -> str:
    """A whole number with commas: `12345` as `12,345`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: `1 node`, `5 nodes`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def sentence(words: str) -> str:
    """Words with a capital letter at the beginning; a name with a digit, such as a node's, stays as it is."""
    is_name = any(character.isdigit() for character in words.partition(" ")[0])
    return words if is_name else words[:1].upper() + words[1:]


def in_time(seconds: float) -> str:
    """A length of time in one or two units: `45 s`, `12 min`, `3 hours 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} hours {minutes % 60} min"
