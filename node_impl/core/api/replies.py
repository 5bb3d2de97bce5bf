"""What goes back to a client: the shape of every reply and of every refusal."""

from __future__ import annotations

from typing import Any

import msgspec


class NodeReply(msgspec.Struct, frozen=True):
    """A reply to a client, as HTTP."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = {}


def refuse(
    status: int, code: str, reason: str, proposed: bool = False, raft_index: int | None = None
) -> NodeReply:
    """Refuse a request; the body of a refusal has the same fields everywhere."""
    body = msgspec.json.encode({"error": code, "reason": reason, "proposed": proposed})
    headers = {} if raft_index is None else {"X-Raft-Index": str(raft_index)}
    return NodeReply(status, "application/json", body, headers)


def json_reply(value: Any, raft_index: int) -> NodeReply:
    """A value as JSON, and the index it was read or took effect at."""
    return NodeReply(200, "application/json", msgspec.json.encode(value), {"X-Raft-Index": str(raft_index)})


def text_reply(text: str, raft_index: int, **headers: str) -> NodeReply:
    """Nacos answers many requests with a word. Underscores in the names of headers are written as hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return NodeReply(
        200, "text/plain; charset=utf-8", text.encode(), {"X-Raft-Index": str(raft_index), **named}
    )
