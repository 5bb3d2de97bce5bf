"""The node's HTTP door in one process: the client's codec on one side, the node's on the other.

What a socket would carry is made and read in full (query, headers, body), so both codecs are as much
a part of a simulated run as of a real one.
"""

from __future__ import annotations

from urllib.parse import urlencode

from harness.client.base import HttpReply, HttpRequest
from node_impl.api.codec import parse
from node_impl.api.replies import HttpReply as NodeReply
from node_impl.events import Request


class _Headers(dict[str, str]):
    """Header fields by name, whose case does not matter (RFC 9110, section 5.1)."""

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        super().__init__((name.lower(), value) for name, value in fields)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # text in, text out
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


def enter(request: HttpRequest) -> Request | NodeReply:
    """What the node makes of a client's request; a reply where it needs no more than its codec."""
    return parse(
        request.method, request.path, urlencode(request.query), request.body, _Headers(request.headers)
    )


def leave(reply: NodeReply) -> HttpReply:
    """What the client sees of the node's reply."""
    headers = {"content-type": reply.content_type}
    headers.update((name.lower(), value) for name, value in reply.headers.items())
    return HttpReply(reply.status, headers, reply.body)
