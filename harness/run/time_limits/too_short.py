"""A time that is too short for what is asked for, as commands say it before they start."""

from __future__ import annotations

import msgspec


class TooShort(msgspec.Struct, frozen=True):
    """A time that is too short for what is asked for."""

    given_s: float
    enough_s: float
    """The time that would suffice."""
    text: str
    """The same in one sentence."""
    cells: tuple[str, ...] = ()
    """Of a campaign: the cells that have it."""
