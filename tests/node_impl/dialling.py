"""A peer of our own for tests: it introduces itself as another one, and then sends what it likes."""

from __future__ import annotations

import socket

from node_impl.io.transport import NO_SECRET, Hello, Introduction, Seal, Secret


def introduced(port: int, hello: Hello, secret: Secret = NO_SECRET) -> tuple[socket.socket, Seal]:
    """A connection to a node's peer port on which its frames are taken, and the seal for them."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    dialler = Introduction(hello, secret)
    connection.sendall(dialler.begin())
    proof = b""
    while not proof:
        received = connection.recv(4096)
        if not received:
            raise ConnectionResetError("the node closed the connection before it had introduced itself")
        proof = dialler.feed(received)
    connection.sendall(proof)
    assert dialler.seal is not None
    return connection, dialler.seal
