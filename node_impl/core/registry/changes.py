"""What the entries applied last have touched: for long polls, and for the leader's watch over beats."""

from __future__ import annotations

from node_impl.core.requests import ConfigKey, Instance, ServiceKey


class Changes:
    """The keys and instances that were touched; collected while entries are applied, no part of the state."""

    def __init__(self) -> None:
        self.touched: set[ServiceKey | ConfigKey] = set()
        """The services and configurations whose content may have changed."""
        self.ephemeral: list[Instance] = []
        """Ephemeral instances as registrations and expiries left them, in order."""
