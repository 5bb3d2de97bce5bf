"""Ephemeral instances over the Nacos-compatible API of `node_impl`: registrations that live by beats.

Keys and registration ids are those of `registry`. The reply to a `beat` is `taken` or `unknown` (code 20404:
no such instance is registered). The times are short, so that instances expire within a run.
"""

from __future__ import annotations

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import (
    ended,
    headers_of,
    not_understood,
    raft_index,
    refused,
    without_reply,
)
from harness.client.codecs.registry import RegistryCodec, instance_query
from history import Operation

BEAT = "/nacos/v1/ns/instance/beat"
TIMES = {
    "preserved.heart.beat.interval": "100",
    "preserved.heart.beat.timeout": "300",
    "preserved.ip.delete.timeout": "600",
}
"""In milliseconds: between beats, until an instance is unhealthy, and until it is removed."""

TAKEN, UNKNOWN = "taken", "unknown"
_CODES = {10_200: TAKEN, 20_404: UNKNOWN}


class _Beaten(msgspec.Struct):
    code: int


class EphemeralCodec:
    """The operations register, update, deregister, lookup, list and beat."""

    def __init__(self) -> None:
        self._registry = RegistryCodec(kind=(), metadata=TIMES)

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation's f or key is not the registry's; a workload's defect.
        """
        if operation.f == "beat":
            return HttpRequest("PUT", BEAT, instance_query(operation), headers_of(operation))
        return self._registry.encode(operation)

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion. A beat changes nothing that a client could rely on, so it fails as reads do."""
        if operation.f == "beat":
            return self._beaten(operation, reply)
        return self._registry.decode(operation, reply)

    def _beaten(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write=False)
        try:
            if reply.status != 200:
                return refused(operation, reply, is_write=False)
            code = msgspec.json.decode(reply.body, type=_Beaten).code
            if code not in _CODES:
                raise ValueError(f"a beat's code is {code}")
            return ended(operation, "ok", value=_CODES[code], raft_index=raft_index(reply))
        except (msgspec.DecodeError, ValueError) as damage:
            return not_understood(operation, reply, damage, is_write=False)
