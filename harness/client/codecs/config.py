"""Configurations over the Nacos-compatible API of `node_impl`, as registers with compare-and-set.

A key is a dataId. `write` publishes a content, or removes the configuration if the value is None. `cas` takes
[old, new], and names the old content by its md5, as `casMd5` does. All contents of a run must differ, or the
md5 would not say which one is meant.
"""

from __future__ import annotations

from hashlib import md5

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import (
    ended,
    headers_of,
    is_refusal,
    not_understood,
    raft_index,
    refused,
    without_reply,
)
from history import Operation

CONFIGS = "/nacos/v1/cs/configs"
GROUP = "ackproof"

WRITES = frozenset({"write", "cas"})


class ConfigCodec:
    """The operations read, write and cas."""

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation's f, key or value is not this client's; a workload's defect.
        """
        if not operation.key:
            raise ValueError(f"operation {operation.f} names no key")
        name = (("dataId", operation.key), ("group", GROUP))
        headers = headers_of(operation)
        match operation.f, operation.value:
            case "read", _:
                return HttpRequest("GET", CONFIGS, name, headers)
            case "write", None:
                return HttpRequest("DELETE", CONFIGS, name, headers)
            case "write", str(content):
                return HttpRequest("POST", CONFIGS, (*name, ("content", content)), headers)
            case "cas", [str(old), str(new)]:
                query = (*name, ("content", new), ("casMd5", md5_of(old)))
                return HttpRequest("POST", CONFIGS, query, headers)
        raise ValueError(f"configurations know no {operation.f!r} of {operation.value!r}")

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion. A cas that found another content is `ok`, with the value False."""
        is_write = operation.f in WRITES
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write)
        try:
            if reply.status == 200:
                value = reply.body.decode() if operation.f == "read" else operation.value
                return ended(operation, "ok", value=value, raft_index=raft_index(reply))
            if operation.f == "read" and is_refusal(reply, 404, "not-found"):
                return ended(operation, "ok", value=None, raft_index=raft_index(reply))
            if operation.f == "cas" and is_refusal(reply, 409, "conflict"):
                return ended(operation, "ok", value=False, raft_index=raft_index(reply))
            return refused(operation, reply, is_write)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as damage:
            return not_understood(operation, reply, damage, is_write)


def md5_of(content: str) -> str:
    """The md5 by which the API names a content."""
    return md5(content.encode(), usedforsecurity=False).hexdigest()
