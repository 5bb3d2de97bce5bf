"""Configurations over Nacos's HTTP API, v1, v2 and v3, as the operations of an instance.

A key names one configuration. `register` publishes it, its content is the id; `deregister` removes it; a
`lookup` reads its content. A node answers reads from a copy of its own, which follows its database: so a
lookup may lag behind, as one of instances.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import ended, without_reply
from harness.systems.nacos.instances import WRITES, Envelope, not_written, text_of
from harness.systems.nacos.versions import Api
from history import Operation

GROUP = "DEFAULT_GROUP"
_DATA_ID_NOT_ALLOWED = "/"
_ABSENT = (b"config data not exist", b"config not found")
_NOT_FOUND_CODES = (300, 404, 20004)
"""Codes of v2 and v3 for a configuration that is not there."""


class _Content(msgspec.Struct):
    content: str | None = None


class ConfigCodec(msgspec.Struct, frozen=True):
    """The operations register, deregister and lookup of configurations."""

    api: Api

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation's f is not this client's; a workload's defect.
        """
        group = "groupName" if self.api.name == "v3" else "group"
        named = (("dataId", str(operation.key).replace(_DATA_ID_NOT_ALLOWED, ":")), (group, GROUP))
        match operation.f:
            case "register":
                content = ("content", str(operation.value))
                return HttpRequest("POST", self.api.config, (*named, content))
            case "deregister":
                return HttpRequest("DELETE", self.api.config, named)
            case "lookup":
                return HttpRequest("GET", self.api.read_config, named)
        raise ValueError(f"Nacos's configurations know no operation {operation.f!r}")

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion; what the reply does not say for certain is `info` (writes) or `fail` (reads)."""
        is_write = operation.f in WRITES
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write)
        if is_write:
            return ended(operation, "ok") if self._is_done(reply) else not_written(operation, reply)
        try:
            return ended(operation, "ok", value=self._content(reply))
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as damage:
            return ended(operation, "fail", error=f"{damage}: {text_of(reply)}")

    def _is_done(self, reply: HttpReply) -> bool:
        if reply.status != 200:
            return False
        if self.api.name == "v1":
            return reply.body.strip() == b"true"
        try:
            envelope = msgspec.json.decode(reply.body, type=Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return envelope.code in (0, 200) and bytes(envelope.data) == b"true"

    def _content(self, reply: HttpReply) -> Any:
        """The content that the reply shows; None if there is no such configuration.

        Raises:
            ValueError: it is no such reply.
            msgspec.DecodeError: the same.
        """
        if any(absent in reply.body for absent in _ABSENT):
            return None
        if self.api.name == "v1":
            if reply.status != 200:
                raise ValueError(f"status {reply.status}")
            return reply.body.decode()
        envelope = msgspec.json.decode(reply.body, type=Envelope)
        if envelope.code in _NOT_FOUND_CODES:
            return None
        if reply.status != 200 or envelope.code not in (0, 200):
            raise ValueError(f"status {reply.status}, code {envelope.code}")
        if self.api.name == "v2":
            return msgspec.json.decode(envelope.data, type=str)
        return msgspec.json.decode(envelope.data, type=_Content).content
