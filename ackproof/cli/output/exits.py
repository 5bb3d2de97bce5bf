"""The exit codes of every command."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checkers.verdict import Validity


class Exit(IntEnum):
    """The same codes as Jepsen's."""

    VALID = 0
    """Every required checker looked at something and found no violation."""
    INVALID = 1
    """A checker found a violation."""
    UNKNOWN = 2
    """Neither could be shown."""
    USAGE = 254
    """The command was called with wrong options or arguments."""
    COULD_NOT_RUN = 255
    """The command could not do its work."""


_CODES: Mapping[str, Exit] = {
    "valid": Exit.VALID,
    "verified": Exit.VALID,
    "invalid": Exit.INVALID,
    "violation": Exit.INVALID,
    "unknown": Exit.UNKNOWN,
}


def exit_of(outcome: str) -> Exit:
    """The exit code of a verdict's validity, or of an exploration's outcome."""
    return _CODES[outcome]


def validity_of(code: int) -> Validity | None:
    """What an exit code says of what was judged; None if nothing was."""
    from checkers.verdict import Validity  # here, since the other codes are needed before it may be loaded

    return {
        Exit.VALID: Validity.VALID,
        Exit.INVALID: Validity.INVALID,
        Exit.UNKNOWN: Validity.UNKNOWN,
    }.get(Exit(code))
