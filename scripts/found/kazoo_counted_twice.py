"""Shows that kazoo's `Counter` adds twice when the answer to its write is lost: HOST:PORT of one ZooKeeper.

The client speaks to the server through a proxy. Once, the proxy drops the answer to a write (`setData`) and
closes the connection, as it ends when a server is killed between its commit and its answer. The client
connects again by itself, and `counter += 1` returns without an error. Exit status 1: the counter is not 1.

    ackproof systems install zookeeper@3.9.5
    java -cp "$HOME/.local/share/ackproof/systems/zookeeper/3.9.5/lib/*" \\
        org.apache.zookeeper.server.ZooKeeperServerMain 2181 /tmp/zookeeper-data
    python scripts/found/kazoo_counted_twice.py 127.0.0.1:2181
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

from kazoo.client import KazooClient
from saying import say
from zookeeper_proxy import SET_DATA, Proxy


def main() -> int:
    """Add 1 to a new counter, and lose the answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("server", help="HOST:PORT of a ZooKeeper that runs")
    proxy = Proxy(parser.parse_args().server)
    client: Any = KazooClient(hosts=proxy.address, timeout=10)
    client.start(timeout=15)
    loses = threading.Event()
    lost = 0

    def passes(kind: int, _frame: bytes) -> bool:
        nonlocal lost
        if kind != SET_DATA or not loses.is_set():
            return True
        loses.clear()
        lost += 1
        return False

    proxy.passes_answer = passes
    counter: Any = client.Counter(f"/counted-twice-{time.time_ns()}")
    assert counter.value == 0
    loses.set()
    counter += 1
    value = counter.value
    client.stop()
    assert lost == 1, f"{lost} answers were lost"
    seen = f"counter += 1 returned without an error; {lost} answer was lost; the counter is {value}"
    return say(f"kazoo {version('kazoo')}", "counted-twice", value != 1, seen)


if __name__ == "__main__":
    sys.exit(main())
