"""Ports that nodes can keep for a whole run.

They lie below the range from which the kernel takes ports for outgoing connections (32768 and up on
Linux), or a connection could take a killed node's port before the node is back.
"""

from __future__ import annotations

import errno
import random
import socket

from harness.errors import CouldNotRun

LOWEST, HIGHEST = 10_000, 32_000
LOOPBACK = "127.0.0.1"


def free_ports(count: int, base_port: int | None = None) -> list[int]:
    """Ports on which no process listens now: `count` from `base_port` on, or from a random place.

    Raises:
        CouldNotRun: a port is in use that was asked for, or there are too few free ports.
    """
    if base_port is not None:
        wanted = list(range(base_port, base_port + count))
        for port in wanted:
            if port > 65535 or not is_free(port):
                why = "is in use" if port <= 65535 else "does not exist"
                raise CouldNotRun(
                    f"port {port} {why}; {count} ports from --base-port {base_port} on are needed: end what "
                    "listens there, choose another, or leave --base-port out"
                )
        return wanted
    start = random.SystemRandom().randrange(LOWEST, HIGHEST)
    found: list[int] = []
    for step in range(HIGHEST - LOWEST):
        port = LOWEST + (start - LOWEST + step) % (HIGHEST - LOWEST)
        if is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise CouldNotRun(f"only {len(found)} ports are free from {LOWEST} to {HIGHEST}, but {count} are needed")


def is_free(port: int) -> bool:
    """Whether a restarted server could listen on this port now (SO_REUSEADDR)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
