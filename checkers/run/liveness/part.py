"""What one judge of liveness found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checkers.verdict import Evidence


@dataclass(frozen=True)
class Part:
    """What one judge found in its part of a run."""

    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[str, ...] = ()
    """Why it could not decide."""
    held: str = ""
    """What it saw to hold, in words; empty if it judged nothing."""
    idle: str = ""
    """Why it judged nothing; empty if it judged something."""
    measures: Mapping[str, Any] = field(default_factory=dict)
