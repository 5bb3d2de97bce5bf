"""Stands between a client and a server of ZooKeeper, and loses or delays what a script picks.

Frames of ZooKeeper's protocol begin with their length. After the greeting, a request names its number and its
kind, and an answer the number of its request.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

CREATE, SET_DATA = 1, 5
"""Kinds of requests: `create` and `setData` in zookeeper.jute's OpCode."""


def _passes(_kind: int, _frame: bytes) -> bool:
    return True


class Proxy:
    """Passes frames on. A frame that its predicate refuses is lost, and its connection ends.

    `passes_request` and `passes_answer` take the kind of the request and the whole frame, in a thread of the
    connection; they may wait.
    """

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.passes_request: Callable[[int, bytes], bool] = _passes
        self.passes_answer: Callable[[int, bytes], bool] = _passes
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections; new ones are accepted."""
        for connection in tuple(self._open):
            # Not `close`, which does not end a `recv` of another thread. The other end may have been first.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            server = socket.create_connection(self._server)
            self._open |= {client, server}
            kinds: dict[int, int] = {}
            for relay in (self._requests, self._answers):
                threading.Thread(target=relay, args=(client, server, kinds), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, kinds: dict[int, int]) -> None:
        is_greeting = True
        while (frame := _frame(client)) is not None:
            if not is_greeting and len(frame) >= 12:
                number, kind = struct.unpack(">ii", frame[4:12])
                kinds[number] = kind
                if not self.passes_request(kind, frame):
                    break
            is_greeting = False
            server.sendall(frame)
        self._end(client, server)

    def _answers(self, client: socket.socket, server: socket.socket, kinds: dict[int, int]) -> None:
        is_greeting = True
        while (frame := _frame(server)) is not None:
            (number,) = struct.unpack(">i", frame[4:8])
            if not is_greeting and number in kinds and not self.passes_answer(kinds[number], frame):
                break
            is_greeting = False
            client.sendall(frame)
        self._end(client, server)

    def _end(self, *connections: socket.socket) -> None:
        for connection in connections:
            self._open.discard(connection)
            connection.close()


def _frame(source: socket.socket) -> bytes | None:
    """The next frame with its length before it; None at the end."""
    try:
        head = source.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            return None
        (length,) = struct.unpack(">i", head)
        body = source.recv(length, socket.MSG_WAITALL)
    except OSError:
        return None
    return head + body if len(body) == length else None
