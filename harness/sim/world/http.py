"""HTTP between a client and a node in one process: the client's codec on one side, the node's on the other.

What a socket would carry is made and read in full (query, headers, body), so both codecs are as much
a part of a simulated run as of a real one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote_plus

from harness.client.codecs.base import HttpReply, HttpRequest
from node_impl.core.api.codec import parse, render
from node_impl.core.api.replies import NodeReply
from node_impl.core.events import Reply, Request
from node_impl.io.http.connection import Headers

_quoted = lru_cache(maxsize=4096)(quote_plus)
"""The same names come in every request, and most of their values again and again."""


class Door(Protocol):
    """How a client's request gets into a node, and the node's reply out of it, for one kind of node."""

    def received(self, request: HttpRequest) -> Any | HttpReply:
        """Give the request as the node reads it; or the reply, where what reads it refuses it."""
        ...

    def returned(self, request: Any, reply: Any) -> HttpReply:
        """Give the node's reply as the client sees it."""
        ...


class NodeDoor:
    """The reference node's own HTTP codec."""

    def received(self, request: HttpRequest) -> Request | HttpReply:
        """Give the request as the node's codec reads it; or the reply, where the codec alone refuses it."""
        read = received(request)
        return read if isinstance(read, Request) else returned(read)

    def returned(self, request: Request, reply: Reply) -> HttpReply:
        """Give the node's reply as the client sees it."""
        return returned(render(request, reply))


def received(request: HttpRequest) -> Request | NodeReply:
    """Give the request as the node's codec reads it; or the reply, where the codec alone refuses it."""
    headers = Headers()
    for name, value in request.headers:
        headers.add(name.encode("latin-1"), value.encode("latin-1"))
    query = "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in request.query])
    return parse(request.method, request.path, query, request.body, headers)


def returned(reply: NodeReply) -> HttpReply:
    """Give the node's reply as the client sees it."""
    headers = {"content-type": reply.content_type}
    headers.update((name.lower(), value) for name, value in reply.headers.items())
    return HttpReply(reply.status, headers, reply.body)
