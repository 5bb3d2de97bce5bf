"""Gets that got no answer: until their texts are back in the queue, it may seem empty without being so.

A node that is asked for a text, and whose answer is lost, keeps that text for the client that asked. It puts
the text back once it has noticed that the client's connection is over; by then other clients hear that
the queue is empty. How long that takes has no bound: the node may be paused, or cut off from the leader of
the queue.

So all clients of a run share what is not answered. It is over for a queue and a node when that node, asked
through a new connection twice with a pause in between, has nothing to give either: what the end of the old
connection sets off goes from that node to the leader of the queue before what the new one asks.
"""

from __future__ import annotations

import threading
import time

PAUSE_S = 0.5
"""How long after a node was asked for the first time it must be asked again."""


class Unanswered:
    """The unanswered gets of a run. Clients call it from threads of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[tuple[str, str], float] = {}
        """By queue and node, when the connection of the last such get was closed."""
        self._empty_at: dict[tuple[str, str], float] = {}
        """By queue and node, when the node was first asked since then, of those that gave nothing."""

    def add(self, queue: str, node: str) -> None:
        """A get of a queue got no answer from a node, and its connection is closed."""
        with self._lock:
            self._since[queue, node] = time.monotonic()
            self._empty_at.pop((queue, node), None)

    def nodes(self, queue: str) -> list[str]:
        """The nodes that may still keep a text of the queue for such a get."""
        with self._lock:
            return sorted(node for name, node in self._since if name == queue)

    def gave_nothing(self, queue: str, node: str, asked_at: float) -> None:
        """A node had nothing to give through a connection that was made, and asked, after `asked_at`."""
        place = (queue, node)
        with self._lock:
            since = self._since.get(place)
            if since is None or asked_at < since:
                return
            if asked_at - self._empty_at.setdefault(place, asked_at) >= PAUSE_S:
                del self._since[place], self._empty_at[place]
