"""What goes back to a client: the shape of every reply and of every refusal."""

from __future__ import annotations

from typing import Any

import msgspec


class HttpReply(msgspec.Struct, frozen=True):
    """What goes back to the client."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = {}


def refuse(
    status: int, code: str, reason: str, proposed: bool = False, raft_index: int | None = None
) -> HttpReply:
    """A refusal's body is the same everywhere."""
    body = msgspec.json.encode({"error": code, "reason": reason, "proposed": proposed})
    headers = {} if raft_index is None else {"X-Raft-Index": str(raft_index)}
    return HttpReply(status, "application/json", body, headers)


def json_reply(value: Any, raft_index: int) -> HttpReply:
    """A value as JSON, and the index it was read or took effect at."""
    return HttpReply(200, "application/json", msgspec.json.encode(value), {"X-Raft-Index": str(raft_index)})


def text_reply(text: str, raft_index: int, **headers: str) -> HttpReply:
    """Nacos answers many requests with a word. Underscores in the names of headers are written as hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(
        200, "text/plain; charset=utf-8", text.encode(), {"X-Raft-Index": str(raft_index), **named}
    )
