"""What all requests and replies of `node_impl` have in common: sessions, Raft indices, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, NoReply
from history import Operation

CLIENT_ID, CLIENT_SEQUENCE = "X-Client-Id", "X-Client-Sequence"
NEWEST_INDEX = ("index", "newest")
"""A parameter that stands for the highest Raft index that any client has seen in a reply (sessions.py)."""
SESSION_EXPIRED = "session-expired"
"""The refusal of a client that was forgotten: it is to begin another session (sessions.py)."""


DOCUMENTED: Mapping[int, frozenset[str]] = {
    400: frozenset({"bad-request"}),
    401: frozenset({"no-token", "unknown-token"}),
    403: frozenset({"forbidden"}),
    404: frozenset({"not-found", "unknown-path"}),
    405: frozenset({"bad-method"}),
    409: frozenset({"conflict", "stale-sequence"}),
    408: frozenset({"slow-request"}),
    410: frozenset({SESSION_EXPIRED}),
    413: frozenset({"too-large"}),
    429: frozenset({"too-many-connections"}),
    500: frozenset({"defect"}),
    503: frozenset({"no-leader", "not-leader", "lost-leadership", "overloaded"}),
    504: frozenset({"timeout"}),
}
"""By status, the refusals that docs/node.md lists: any other one is a surprise to a client."""


PROPOSED: Mapping[str, bool] = {
    **dict.fromkeys(("bad-request", "no-token", "unknown-token", "forbidden"), False),
    **dict.fromkeys(("not-found", "unknown-path", "bad-method", "conflict"), False),
    **dict.fromkeys(("slow-request", "too-large", "too-many-connections", "overloaded"), False),
    **dict.fromkeys(("stale-sequence", SESSION_EXPIRED, "defect"), True),
}
"""By refusal, what docs/node.md says that it claims of the write, where that is always the same. A node that
claims too little has its client repeat what may have happened."""


_WAITING = re.compile(r"(\d+) (?:requests|writes|long polls) wait ")
MOST_WAITING = 10_000
"""How many of each kind docs/node.md lets wait before more are refused as `overloaded`."""


class Refusal(msgspec.Struct):
    """The body of a refusal."""

    error: str
    reason: str
    proposed: bool


def headers_of(operation: Operation) -> tuple[tuple[str, str], ...]:
    """The operation id, and the session by which a repeated write is applied once."""
    return (
        ("X-Operation-Id", str(operation.index)),
        (CLIENT_ID, f"p{operation.process}"),
        (CLIENT_SEQUENCE, str(operation.index)),
    )


def raft_index(reply: HttpReply) -> int | None:
    """The index of the log at which the reply was true; None if it names none."""
    text = reply.headers.get("x-raft-index")
    return None if text is None else int(text)


def is_refusal(reply: HttpReply, status: int, error: str) -> bool:
    """Whether a reply is this refusal, and claims of the request what that refusal always does.

    Raises:
        msgspec.DecodeError: the reply has that status, and its body is no refusal.
    """
    if reply.status != status:
        return False
    refusal = msgspec.json.decode(reply.body, type=Refusal)
    return refusal.error == error and refusal.proposed is PROPOSED.get(error, refusal.proposed)


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
    if refusal.error not in DOCUMENTED.get(reply.status, ()):
        undocumented = f"undocumented: status {reply.status} with the refusal {error}"
        return ended(operation, "info" if is_write else "fail", error=undocumented)
    if refusal.proposed is not PROPOSED.get(refusal.error, refusal.proposed):
        claims = "may take effect" if refusal.proposed else "has no effect"
        undocumented = f"undocumented: {refusal.error} that says that the request {claims}"
        return ended(operation, "info" if is_write else "fail", error=undocumented)
    waiting = _WAITING.match(refusal.reason) if refusal.error == "overloaded" else None
    if waiting is not None and int(waiting[1]) < MOST_WAITING:
        undocumented = f"undocumented: overloaded, although only {refusal.reason}"
        return ended(operation, "info" if is_write and refusal.proposed else "fail", error=undocumented)
    if reply.status < 500 and refusal.error != SESSION_EXPIRED:
        error = f"unexpected: {error}"
    return ended(operation, "info" if is_write and refusal.proposed else "fail", error=error)


def not_understood(operation: Operation, reply: HttpReply, damage: Exception, is_write: bool) -> Operation:
    """The completion if the reply cannot be understood: a write may have happened."""
    error = f"unexpected: status {reply.status}, {damage}: {reply.body[:200]!r}"
    return ended(operation, "info" if is_write else "fail", error=error)
