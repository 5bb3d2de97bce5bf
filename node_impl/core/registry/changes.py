"""What a run of applied entries touched: for whoever waits for a change, and for the leader's beat watch."""

from __future__ import annotations

from node_impl.core.requests import ConfigKey, Instance, ServiceKey


class Changes:
    """Collected while entries are applied; no part of the state."""

    def __init__(self) -> None:
        self.touched: set[ServiceKey | ConfigKey] = set()
        """Whose content may have changed."""
        self.ephemeral: list[Instance] = []
        """Ephemeral instances as registrations and expiries left them, in order."""
