"""What is assumed of a history of registers, beyond what the history says; how options state it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from checkers.transactions.consistency import RW_REGISTER

DUPLICATES, INITIAL = OPTIONS = ("duplicates", "initial")
_TRUTH = {"true": True, "false": False}


class Assumed(NamedTuple):
    """What a verdict on registers rests on."""

    duplicates: bool = False
    """Whether a key may be written one value more than once."""
    initial: Any = None
    """What each key held before any write; None: nothing."""


NOTHING_ASSUMED = Assumed()


def options_of_isolation(workload: str) -> tuple[str, ...]:
    """The options that a judge of transactions takes."""
    return OPTIONS if workload == RW_REGISTER else ()


def assumed_by(workload: str, options: Mapping[str, str]) -> Assumed:
    """What these options state: `duplicates=true`, and `initial=0` or another number or text.

    Raises:
        ValueError: there is no such option, or it cannot have that value.
    """
    known = options_of_isolation(workload)
    for name in options:
        if name not in known:
            raise ValueError(f"{workload} has no option {name!r}; it has {', '.join(known) or 'none'}")
    duplicates = options.get(DUPLICATES, "false")
    if duplicates not in _TRUTH:
        raise ValueError(f"duplicates of {workload} is true or false, not {duplicates!r}")
    return Assumed(_TRUTH[duplicates], _value(workload, options.get(INITIAL)))


def _value(workload: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    if isinstance(value, list | dict):
        raise ValueError(f"initial of {workload} is a number or a text, not {text}")
    return value
