"""What a command warns of before it starts: on standard error, and in `warnings` of --json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ackproof.cli.output.printing import say

if TYPE_CHECKING:
    from harness.run.time_limits.too_short import TooShort

WARNINGS = "ackproof.warnings"
"""Where click's context keeps them."""


def warn(shortages: Sequence[TooShort]) -> None:
    """Print what is too short, and keep it for --json."""
    for short in shortages:
        say(f"warning: {short.text}", error=True)
    click.get_current_context().find_root().meta[WARNINGS] = tuple(shortages)


def warned() -> tuple[TooShort, ...]:
    """What this command warned of."""
    kept: tuple[TooShort, ...] = click.get_current_context().find_root().meta.get(WARNINGS, ())
    return kept
