"""What a node holds in memory and must not grow without end: the names of these things, and their bounds.

Each bound follows from the node's settings. Only that of the forwards follows from what the node held
otherwise: a follower remembers the forwards of clients that wait, and some whose clients do not wait any
more.
"""

from __future__ import annotations

from collections.abc import Mapping

from node_impl.core.config import NodeConfig
from node_impl.core.serving.client_writes import SPARE_FORWARDS

SESSIONS = "sessions"
APPLIED_ENTRIES = "applied entries in the log"
REQUESTS = "open requests"
FORWARDS = "forwards"
LONG_POLLS = "long polls"
IN_FLIGHT = "messages in flight to a follower"


def bounds(config: NodeConfig, most: Mapping[str, int]) -> dict[str, int]:
    """The most that a node may hold of each thing.

    Args:
        most: how much of each the node held at the most, looked at after each request of a client.
    """
    return {
        SESSIONS: config.max_clients,
        APPLIED_ENTRIES: config.snapshot_entries + config.snapshot_trailing + config.max_apply_entries,
        REQUESTS: config.max_pending,
        FORWARDS: 2 * (most.get(REQUESTS, 0) + SPARE_FORWARDS),
        LONG_POLLS: config.max_watches,
        IN_FLIGHT: config.max_in_flight,
    }
