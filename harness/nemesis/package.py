"""A fault package: one kind of fault as one value.

What it breaks and how it heals are operations (`begin`, `end`); its planner turns them into actions,
purely; its targets say what may be drawn, the favourite first; worlds that cannot do it refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from harness.nemesis.base import Planner

WorldName = Literal["sim", "local", "netns", "ssh"]
EVERYWHERE: tuple[WorldName, ...] = ("sim", "local", "netns", "ssh")
REAL: tuple[WorldName, ...] = ("local", "netns", "ssh")
"""Where nodes are processes of an operating system."""


class FaultPackage(msgspec.Struct, frozen=True):
    """One kind of fault. `begin` and `end` are the `f` of the operations that break and heal."""

    name: str
    """How users ask for it, and the kind by which reports colour it."""
    about: str
    begin: str
    end: str
    targets: tuple[str, ...]
    """What a schedule draws from, the favourite first."""
    planner: Planner
    worlds: tuple[WorldName, ...]

    @property
    def fs(self) -> tuple[str, str]:
        """The operations it handles."""
        return self.begin, self.end

    def breaking(self, target: str) -> Mapping[str, Any]:
        """The operation that breaks, as a generator takes it."""
        return {"f": self.begin, "value": {"target": target}}

    def healing(self) -> Mapping[str, Any]:
        """The operation that heals, as a generator takes it."""
        return {"f": self.end}
