"""What clients may take of a node: connections, bytes, and time. Beyond that they are refused, never the
node ended.

Memory is bounded by bytes, not by how many clients there are: what has arrived of requests that have no
reply yet, and what replies have not been read. A client that is slow, or reads nothing, is disconnected;
one that is idle makes room for another if there are too many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SMALL_BYTES: Final = 4096
"""A request of at most this number of bytes is taken even when others have used up the room: it needs next to
none."""


@dataclass(frozen=True)
class Limits:
    """The bounds of one listener."""

    connections: int = 10_000
    """Open connections; more make the idle ones close, or are refused with 503."""
    connections_of_an_address: int = 5_000
    """Open connections from one address; more are refused with 429."""
    waiting_requests: int = 16
    """Requests that one client sent ahead; with more, nothing is read from it until they are served."""
    waiting_bytes: int = 64 * 1024
    """Bytes of requests of one client without a reply; with more, nothing is read from it until then."""
    request_bytes: int = 16 * 1024 * 1024
    """Bytes of all requests without a reply; with more, all but small ones are refused with 503."""
    unread_bytes: int = 16 * 1024 * 1024
    """Bytes of replies that clients have not read; with more, those that have not read longest are cut
    off."""
    request_s: int = 20
    """How long a request may take to arrive, and the first one of a connection to begin."""
    idle_s: int = 300
    """How long a connection may stay open without a request."""
    unread_s: int = 20
    """How long a client may leave a reply unread."""


DEFAULT_LIMITS: Final = Limits()


@dataclass
class Used:
    """What all clients of one listener take now, and how often some were refused."""

    request_bytes: int = 0
    of_address: dict[str, int] = field(default_factory=dict)
    """Open connections by address."""
    refused_connections: int = 0
    refused_requests: int = 0
    slow_clients: int = 0
    """Connections that were closed since the client sent or read too slowly."""

    def opened(self, address: str) -> None:
        """A connection from that address was opened."""
        self.of_address[address] = self.of_address.get(address, 0) + 1

    def closed(self, address: str) -> None:
        """A connection from that address was closed."""
        left = self.of_address.pop(address) - 1
        if left:
            self.of_address[address] = left

    def counters(self) -> dict[str, float]:
        """What was refused since the node began, for `/metrics` and the status."""
        return {
            "refused_client_connections_total": self.refused_connections,
            "refused_client_requests_total": self.refused_requests,
            "refused_slow_clients_total": self.slow_clients,
        }
