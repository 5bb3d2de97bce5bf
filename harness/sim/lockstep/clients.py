"""Clients of foreign nodes: an operation goes to the core as it is, whatever its data type.

A request is `{"f": ..., "key": ..., "value": ..., "op": ...}`, and the reply says how the operation ended:
`ok` with what was read, `fail` if it certainly did not happen, `info` if it may have. docs/workloads.md
says what each data type's operations mean.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import ended, without_reply
from harness.client.data_types import READS
from harness.sim.lockstep.effects import ReplyEffect
from harness.sim.lockstep.node import ForeignRequest
from history import Operation

_encode = msgspec.json.Encoder().encode
_request = msgspec.json.Decoder(ForeignRequest).decode
_OK = 200


class _Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    has_value: bool = False
    value: Any = None
    error: str = ""
    index: int | None = None


_reply = msgspec.json.Decoder(_Reply).decode


class ForeignCodec:
    """The operations of any data type, as JSON in the body of one request."""

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation."""
        request = ForeignRequest(operation.f, str(operation.index), operation.key, operation.value)
        return HttpRequest("POST", "/", body=_encode(request))

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion: as the core said; a `fail` or `info` of a read changed nothing."""
        is_write = operation.f not in READS
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write)
        found = _reply(reply.body)
        if found.type == "ok":
            value = found.value if found.has_value else operation.value
            return ended(operation, "ok", value=value, raft_index=found.index)
        error = found.error or "refused"
        return ended(operation, "info" if is_write and found.type == "info" else "fail", error=error)


class ForeignDoor:
    """Implements `Door` for foreign nodes."""

    def received(self, request: HttpRequest) -> ForeignRequest:
        """The operation."""
        return _request(request.body)

    def returned(self, request: ForeignRequest, reply: ReplyEffect) -> HttpReply:
        """What the core replied."""
        del request
        has_value = reply.value is not msgspec.UNSET
        value = reply.value if has_value else None
        return HttpReply(_OK, {}, _encode(_Reply(reply.type, has_value, value, reply.error, reply.index)))
