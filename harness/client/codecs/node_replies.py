"""What all requests and replies of `node_impl` have in common: sessions, Raft indices, refusals."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, NoReply
from history import Operation


class Refusal(msgspec.Struct):
    """The body of a refusal."""

    error: str
    reason: str
    proposed: bool


def headers_of(operation: Operation) -> tuple[tuple[str, str], ...]:
    """The operation id, and the session by which a repeated write is applied once."""
    return (
        ("X-Operation-Id", str(operation.index)),
        ("X-Client-Id", f"p{operation.process}"),
        ("X-Client-Sequence", str(operation.index)),
    )


def raft_index(reply: HttpReply) -> int | None:
    """The index of the log at which the reply was true; None if it names none."""
    text = reply.headers.get("x-raft-index")
    return None if text is None else int(text)


def error_of(reply: HttpReply) -> str:
    """The name of the error in a refusal.

    Raises:
        msgspec.DecodeError: the body is no refusal.
    """
    return msgspec.json.decode(reply.body, type=Refusal).error


def ended(operation: Operation, type_: Any, **changes: Any) -> Operation:
    """The completion of an invocation."""
    return msgspec.structs.replace(operation, type=type_, **changes)


def without_reply(operation: Operation, reply: NoReply, is_write: bool) -> Operation:
    """The completion without a reply: a write that may have left may have happened, a read has failed."""
    return ended(operation, "info" if is_write and reply.sent else "fail", error=reply.reason)


def refused(operation: Operation, reply: HttpReply, is_write: bool) -> Operation:
    """The completion of an operation that the node refused for a reason that the operation does not expect.

    Raises:
        msgspec.DecodeError: the body is no refusal.
    """
    refusal = msgspec.json.decode(reply.body, type=Refusal)
    error = f"{refusal.error}: {refusal.reason}"
    if reply.status < 500:
        error = f"unexpected: {error}"
    return ended(operation, "info" if is_write and refusal.proposed else "fail", error=error)


def not_understood(operation: Operation, reply: HttpReply, damage: Exception, is_write: bool) -> Operation:
    """The completion if the reply cannot be understood: a write may have happened."""
    error = f"unexpected: status {reply.status}, {damage}: {reply.body[:200]!r}"
    return ended(operation, "info" if is_write else "fail", error=error)
