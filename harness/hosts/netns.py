"""A network for one run: one namespace for each node, joined by a bridge in another namespace.

```
    [bridge: br0 10.77.0.254]      the harness's sockets are made in here (`sockets`)
       |p1        |p2     ...      veth pairs
    [n1: eth0]  [n2: eth0]         10.77.0.1, 10.77.0.2, ...
```

Nothing of the machine's own network is touched: no interface, address, route or rule is made outside
these namespaces, and all of it goes with them. Their names carry the run's token. Needs root.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from typing import Any

from harness.hosts.host import Host, HostError
from harness.hosts.ledger import Ledger
from harness.hosts.removal import NAMESPACE, NAMESPACES

TOOLS = {"ip": "iproute2", "ss": "iproute2", "nft": "nftables", "nsenter": "util-linux"}
"""Programs that this needs, and the packages that have them."""
SUBNET = "10.77.0"
HARNESS_AT = 254
MOST_NODES = 200
_CLONE_NEWNET = 0x40000000


def reasons_against() -> list[str]:
    """Why namespaces cannot be made here; empty if they can."""
    reasons = []
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        reasons.append("network namespaces need root")
    missing = {package for tool, package in TOOLS.items() if shutil.which(tool) is None}
    if missing:
        reasons.append(f"packages are missing: {', '.join(sorted(missing))}")
    return reasons


class NamespaceNetwork:
    """The namespaces of one run. Made by `make_network`."""

    def __init__(self, token: str, nodes: Sequence[str]) -> None:
        short = token[:8]
        self.bridge = f"ackproof-{short}-bridge"
        self.namespaces = {name: f"ackproof-{short}-{name}" for name in nodes}
        self.addresses = {name: f"{SUBNET}.{number}" for number, name in enumerate(nodes, start=1)}

    def entering(self, node: str) -> tuple[str, ...]:
        """The words that run an argument list in a node's namespace."""
        return entering(self.namespaces[node])

    def sockets(self) -> NamespaceSockets:
        """A maker of sockets that reach every node."""
        return NamespaceSockets(self.bridge)

    def entered(self) -> AbstractContextManager[None]:
        """A context in which this thread, and those that it starts, can reach every node."""
        return in_namespace(self.bridge)


def entering(namespace: str) -> tuple[str, ...]:
    """The words that run an argument list in a namespace; the process keeps its pid."""
    return ("nsenter", f"--net={NAMESPACES / namespace}", "--")


async def make_network(
    nodes: Sequence[str], ledger: Ledger, host: Host, stack: AsyncExitStack
) -> NamespaceNetwork:
    """Make namespaces for these nodes; leaving the stack removes them.

    Args:
        host: this machine.

    Raises:
        HostError: not root, a tool is missing, too many nodes, or the kernel refuses.
    """
    reasons = reasons_against()
    if len(nodes) > MOST_NODES:
        reasons.append(f"{len(nodes)} nodes are more than {MOST_NODES}")
    if reasons:
        raise HostError("; ".join(reasons))
    network = NamespaceNetwork(ledger.token, nodes)
    for namespace in (network.bridge, *network.namespaces.values()):
        ledger.making(NAMESPACE, namespace)
        stack.push_async_callback(_remove, namespace, ledger, host)
        await _ip(host, ["netns", "add", namespace])
    await _ip(
        host,
        ["-n", network.bridge, "-batch", "-"],
        "link set lo up",
        "link add br0 type bridge",
        f"addr add {SUBNET}.{HARNESS_AT}/24 dev br0",
        "link set br0 up",
        *(
            f"link add p{number} type veth peer name eth0 netns {namespace}\nlink set p{number} master br0 up"
            for number, namespace in enumerate(network.namespaces.values(), start=1)
        ),
    )
    await asyncio.gather(
        *[
            _ip(
                host,
                ["-n", network.namespaces[name], "-batch", "-"],
                "link set lo up",
                f"addr add {network.addresses[name]}/24 dev eth0",
                "link set eth0 up",
            )
            for name in nodes
        ]
    )
    return network


async def _remove(namespace: str, ledger: Ledger, host: Host) -> None:
    if (NAMESPACES / namespace).exists():
        await _ip(host, ["netns", "delete", namespace])
    ledger.gone(NAMESPACE, namespace)


async def _ip(host: Host, arguments: Sequence[str], *batch: str) -> None:
    done = await host.run(["ip", *arguments], given="".join(f"{line}\n" for line in batch))
    if done.status:
        raise HostError(f"ip {' '.join(arguments)}: {done.complaint()}")


@contextmanager
def in_namespace(namespace: str) -> Iterator[None]:
    """Put this thread, and those that it starts, into a network namespace; other threads stay.

    Raises:
        OSError: there is no such namespace, or this is not root.
    """
    with _opened("/proc/thread-self/ns/net") as own, _opened(str(NAMESPACES / namespace)) as there:
        _set_namespace(there)
        try:
            yield
        finally:
            _set_namespace(own)


class NamespaceSockets:
    """Makes sockets in another network namespace; a socket stays in its namespace for good."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def __call__(self, address: tuple[int, int, int, str, Any]) -> socket.socket:
        """A socket for an address that getaddrinfo gave."""
        family, kind, protocol = address[:3]
        with in_namespace(self._namespace):
            return socket.socket(family, kind, protocol)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _set_namespace(file: int) -> None:
    """Move the calling thread, and no other, to a namespace: setns(2)."""
    setns: Callable[[int, int], int] = ctypes.CDLL(None, use_errno=True).setns
    if setns(file, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")
