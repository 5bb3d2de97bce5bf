"""What carrying out an action changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """What carrying out an action changed, as the world observed it; part of the completion's value."""

    took_effect: bool | None
    """Whether the world showed the effect; None if it was put in place and has shown no effect yet."""
    details: Mapping[str, Any] = {}
    """For reports: the nodes that changed, links, bytes and messages swallowed so far, ..."""
    error: str | None = None

    def with_details(self, **details: Any) -> Outcome:
        """The same outcome with more details."""
        return msgspec.structs.replace(self, details={**self.details, **details})
