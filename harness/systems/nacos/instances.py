"""Registrations over Nacos's HTTP API, v1, v2 and v3.

A key is `SERVICE/IP:PORT`. The id of a registration is in the instance's metadata. A lookup takes the
instance from the list of its service, which a node gives from its own memory: it may lag behind.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import ended, without_reply
from harness.systems.nacos.versions import Api
from history import Operation

ID = "registration-id"
WRITES = frozenset({"register", "deregister"})
NOTHING_HAPPENED = (
    "no leader now.",
    "did not find the Leader node",
    "is STARTING now, please try again later",
    "is DOWN now, please try again later",
)
"""Refusals that come before a write is given to Raft: it certainly does not happen."""
BEAT_S, UNHEALTHY_S, REMOVED_S = 1, 4, 8
"""How often an ephemeral instance sends beats, and after how long without a beat it is unhealthy, and
removed; by default 5 s, 15 s and 30 s. A server looks every 5 s."""
_LIFETIME = {
    "preserved.heart.beat.interval": str(1000 * BEAT_S),
    "preserved.heart.beat.timeout": str(1000 * UNHEALTHY_S),
    "preserved.ip.delete.timeout": str(1000 * REMOVED_S),
}
_LONGEST_ERROR = 300


class _Host(msgspec.Struct):
    ip: str
    port: int
    metadata: dict[str, str] = {}


class _Hosts(msgspec.Struct):
    hosts: list[_Host]


class Envelope(msgspec.Struct):
    """What v2 and v3 wrap around every answer; `code` is 0 for success."""

    code: int
    message: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class InstanceCodec(msgspec.Struct, frozen=True):
    """The operations register, deregister and lookup of instances of one kind."""

    api: Api
    ephemeral: bool = False

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation's f or key is not this client's; a workload's defect.
        """
        named = identity(str(operation.key))
        instance = (*named, ("ephemeral", str(self.ephemeral).lower()))
        match operation.f:
            case "register":
                lifetime = _LIFETIME if self.ephemeral else {}
                metadata = msgspec.json.encode({ID: operation.value, **lifetime}).decode()
                return HttpRequest("POST", self.api.instance, (*instance, ("metadata", metadata)))
            case "deregister":
                return HttpRequest("DELETE", self.api.instance, instance)
            case "lookup":
                return HttpRequest("GET", self.api.instances, named[:1])
        raise ValueError(f"Nacos's instances know no operation {operation.f!r}")

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion; what the reply does not say for certain is `info` (writes) or `fail` (reads)."""
        is_write = operation.f in WRITES
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write)
        if is_write:
            return self._written(operation, reply)
        try:
            return ended(operation, "ok", value=self._looked_up(operation, reply))
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as damage:
            return ended(operation, "fail", error=f"{damage}: {text_of(reply)}")

    def _written(self, operation: Operation, reply: HttpReply) -> Operation:
        if reply.status == 200 and self._is_ok(reply.body):
            return ended(operation, "ok")
        return not_written(operation, reply)

    def _is_ok(self, body: bytes) -> bool:
        if self.api.name == "v1":
            return body.strip() == b"ok"
        try:
            return msgspec.json.decode(body, type=Envelope).code == 0
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False

    def _looked_up(self, operation: Operation, reply: HttpReply) -> Any:
        """The id of the registration that the list shows; None if it does not have the instance.

        Raises:
            ValueError: the reply is no list of instances.
            msgspec.DecodeError: the same.
        """
        if self.api.name == "v1" and reply.status == 404 and reply.body.startswith(b"dom not found"):
            return None  # 0.8.0, of a service that this node does not know
        if reply.status != 200:
            raise ValueError(f"status {reply.status}")
        hosts = self._hosts(reply.body)
        ip, _, port = str(operation.key).partition("/")[2].rpartition(":")
        for host in hosts:
            if (host.ip, str(host.port)) == (ip, port):
                return host.metadata.get(ID, "(no registration id)")
        return None

    def _hosts(self, body: bytes) -> list[_Host]:
        if self.api.name == "v1":
            return msgspec.json.decode(body, type=_Hosts).hosts
        envelope = msgspec.json.decode(body, type=Envelope)
        if envelope.code != 0:
            raise ValueError(f"code {envelope.code}")
        if self.api.name == "v2":
            return msgspec.json.decode(envelope.data, type=_Hosts).hosts
        return msgspec.json.decode(envelope.data, type=list[_Host])


def identity(key: str) -> tuple[tuple[str, str], ...]:
    """The service, the address and the port of an instance, as a request names them.

    Raises:
        ValueError: it is not SERVICE/IP:PORT; a workload's defect.
    """
    service, _, address = key.partition("/")
    ip, _, port = address.rpartition(":")
    if not (service and ip and port.isdigit()):
        raise ValueError(f"key {key!r} is not SERVICE/IP:PORT")
    return (("serviceName", service), ("ip", ip), ("port", port))


def not_written(operation: Operation, reply: HttpReply) -> Operation:
    """The completion of a write that was refused: `fail` only if the refusal came before Raft had it."""
    text = text_of(reply)
    certain = any(refusal in text for refusal in NOTHING_HAPPENED)
    return ended(operation, "fail" if certain else "info", error=f"status {reply.status}: {text}")


def text_of(reply: HttpReply) -> str:
    """The beginning of a reply's body, in one line."""
    return " ".join(reply.body[:_LONGEST_ERROR].decode(errors="replace").split())
