"""What the entries applied last have touched: for long polls, and for the leader's watch over beats."""

from __future__ import annotations

from collections.abc import Iterable

from node_impl.core.requests import ConfigKey, Instance, ServiceKey


class Changes:
    """The keys and instances that were touched; collected while entries are applied, no part of the state."""

    def __init__(self) -> None:
        self.touched: dict[ServiceKey | ConfigKey, None] = {}
        """The services and configurations whose content may have changed, in the order in which they were
        touched: long polls are answered in it, and a set's order differs from process to process."""
        self.ephemeral: list[Instance] = []
        """Ephemeral instances as registrations and expiries left them, in order."""

    def touch(self, keys: Iterable[ServiceKey | ConfigKey]) -> None:
        """The content of these may have changed."""
        self.touched.update(dict.fromkeys(keys))
