"""etcd's API as JSON over HTTP/1.1: one connection to one node.

Every node translates `POST /v3/...` into calls of its own gRPC services. Keys and values are in base64,
64-bit numbers are texts, and a field that holds zero or nothing is left out.
"""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harness.client.clients import MayBeDone, NotDone

Json = dict[str, Any]

_REFUSED = (
    "etcdserver: requested lease not found",
    "etcdserver: too many requests",
    "etcdserver: key is not provided",
    "etcdserver: mvcc: database space exceeded",
)
"""Errors of changes without effect: refused before they were proposed, or when they were applied."""


class Gateway:
    """Requests to one node, one after the other.

    Args:
        address: the node's `host:port` for clients.
        timeout_s: how long all requests of one operation may take; `begin` starts that time anew.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port))
        self._timeout_s = timeout_s
        self._until = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin an operation, which has the whole time-out."""
        self._until = time.monotonic() + self._timeout_s

    @property
    def left_s(self) -> float:
        """How much of the operation's time is left; not above zero once it is over."""
        return self._until - time.monotonic()

    def connect(self) -> None:
        """Connect, if there is no connection.

        Raises:
            NotDone: it cannot be made in time.
        """
        if self.left_s <= 0:
            raise NotDone("no time was left to send it")
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self.left_s)
            return
        self._connection.timeout = self.left_s
        try:
            self._connection.connect()
        except OSError as error:
            self.close()
            raise NotDone(f"no connection: {_in_words(error)}") from error

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        self._connection.close()

    def ask(self, path: str, body: Mapping[str, Any]) -> Json:
        """Send a request that changes nothing; the reply.

        Raises:
            NotDone: there is no good reply.
        """
        try:
            return self.change(path, body)
        except MayBeDone as error:
            raise NotDone(str(error)) from error

    def change(self, path: str, body: Mapping[str, Any]) -> Json:
        """Send a request that changes something; the reply.

        Raises:
            NotDone: it certainly does not happen.
            MayBeDone: it may happen.
        """
        self.connect()
        try:
            self._connection.request("POST", f"/v3/{path}", msgspec.json.encode(body))
            reply = self._connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            # Also a reply that comes too late must not be taken for the reply to the next request.
            self.close()
            raise MayBeDone(_in_words(error)) from error
        found = _decoded(text)
        if found is not None and reply.status == 200:
            return found
        why = str((found or {}).get("error") or f"status {reply.status}: {text[:200]!r}")
        if why in _REFUSED:
            raise NotDone(why)
        raise MayBeDone(why)

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[Json]:
        """Send a request whose reply is one JSON object a line, without an end; the objects, as they come.

        The wait for each object is bounded by the time-out.

        Raises:
            NotDone: the connection cannot be made, or it ends.
        """
        self.connect()
        try:
            self._connection.request("POST", f"/v3/{path}", msgspec.json.encode(body))
            reply = self._connection.getresponse()
            while line := reply.readline():
                yield _decoded(line) or {}
        except (OSError, http.client.HTTPException) as error:
            raise NotDone(_in_words(error)) from error
        finally:
            self.close()
        raise NotDone("the node ended the stream")


def encoded(text: str) -> str:
    """A key or value as the gateway takes it."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """A key or value that the gateway gave; an empty one is left out of replies, so its default is empty."""
    return base64.b64decode(text).decode()


def revision_of(reply: Json) -> int:
    """The store's revision that a reply states."""
    return int(reply["header"].get("revision", 0))


def prefix(text: str) -> Json:
    """The fields of a request for all keys that begin with a text, which ends with an ASCII character."""
    return {"key": encoded(text), "range_end": encoded(text[:-1] + chr(ord(text[-1]) + 1))}


def _decoded(text: bytes) -> Json | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
