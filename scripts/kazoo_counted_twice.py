"""Shows that kazoo's `Counter` adds twice when the answer to its write is lost: HOST:PORT of one ZooKeeper.

The client speaks to the server through a proxy. Once, the proxy drops the answer to a write (`setData`) and
closes the connection, as it ends when a server is killed between its commit and its answer. The client
connects again by itself, and `counter += 1` returns without an error. Exit status 1: the counter is not 1.

    ackproof systems install zookeeper@3.9.5
    java -cp "$HOME/.local/share/ackproof/systems/zookeeper/3.9.5/lib/*" \\
        org.apache.zookeeper.server.ZooKeeperServerMain 2181 /tmp/zookeeper-data
    python scripts/kazoo_counted_twice.py 127.0.0.1:2181
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

from kazoo.client import KazooClient

SET_DATA = 5
"""The number of the request, zookeeper.jute's OpCode.setData."""


class Proxy:
    """Passes frames on, and loses the answer to the next write if `loses` is set."""

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.loses = threading.Event()
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            server = socket.create_connection(self._server)
            writes: set[int] = set()
            for relay in (self._requests, self._answers):
                threading.Thread(target=relay, args=(client, server, writes), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, writes: set[int]) -> None:
        is_greeting = True
        while (frame := _frame(client)) is not None:
            if not is_greeting and len(frame) >= 12:
                number, kind = struct.unpack(">ii", frame[4:12])
                if kind == SET_DATA:
                    writes.add(number)
            is_greeting = False
            server.sendall(frame)
        _close(client, server)

    def _answers(self, client: socket.socket, server: socket.socket, writes: set[int]) -> None:
        is_greeting = True
        while (frame := _frame(server)) is not None:
            if not is_greeting and self.loses.is_set() and struct.unpack(">i", frame[4:8])[0] in writes:
                self.loses.clear()
                self.lost += 1
                break
            is_greeting = False
            client.sendall(frame)
        _close(client, server)


def _frame(source: socket.socket) -> bytes | None:
    """The next frame with its length before it; None at the end."""
    try:
        head = source.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            return None
        (length,) = struct.unpack(">i", head)
        return head + source.recv(length, socket.MSG_WAITALL)
    except OSError:
        return None


def _close(*connections: socket.socket) -> None:
    for connection in connections:
        connection.close()


def main() -> int:
    """Add 1 to a new counter, and lose the answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("server", help="HOST:PORT of a ZooKeeper that runs")
    proxy = Proxy(parser.parse_args().server)
    client: Any = KazooClient(hosts=proxy.address, timeout=10)
    client.start(timeout=15)
    counter: Any = client.Counter(f"/counted-twice-{time.time_ns()}")
    assert counter.value == 0
    proxy.loses.set()
    counter += 1
    value = counter.value
    client.stop()
    sys.stdout.write(
        f"kazoo {version('kazoo')}: counter += 1 returned without an error; {proxy.lost} answer was lost; "
        f"the counter is {value}\n"
    )
    return 0 if value == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
