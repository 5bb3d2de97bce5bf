"""What a codec is: it turns an operation into a request, and a reply into a completion.

A `Codec` holds all that is known of a system's client protocol, and does no I/O. So the same codec serves
real HTTP (client/http.py, which never repeats a request) and the simulator, which gives the requests to its
nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec

from history import Operation


class HttpRequest(msgspec.Struct, frozen=True):
    """A request to one node. `path` starts with `/`; `query` is encoded by the transport."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class HttpReply(msgspec.Struct, frozen=True):
    """A complete reply. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(msgspec.Struct, frozen=True):
    """No complete reply arrived. `sent` is False only if not one byte of the request left."""

    reason: str
    """One line: `connection refused`, `timed out after 2 s`, `connection reset`."""
    sent: bool


@runtime_checkable
class Codec(Protocol):
    """Translates the operations of one data type for one system. Both functions are pure, but for what a
    session remembers (sessions.py)."""

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation whose index is already its operation id."""
        ...

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion (`ok`, `fail` or `info`) of that invocation; its index and time are set later.

        A read without a proper reply is `fail`; a write is `fail` only if certainly nothing was proposed.
        """
        ...
