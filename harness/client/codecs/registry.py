"""The registry's operations over the Nacos-compatible API of `node_impl`.

A key is `SERVICE/IP:PORT`. The id of a registration is in the instance's metadata, under `registration-id`.
So every read shows *which* registration it saw, and the reply to a deregister shows which one it removed. All
other fields of the instance follow from that id and from the key (`Fields`). So a read that shows others,
such as the weight of the registration before, shows an id that no client wrote: `r12 (weight 1.0, not 2.5)`.
An update gives another id to an instance that is there. Whether it is there is decided at the update's place
in the log: a `not-found` that names this index is an answer (`ok`, False), one without an index is only a
refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import (
    NEWEST_INDEX,
    ended,
    headers_of,
    is_refusal,
    not_understood,
    raft_index,
    refused,
    without_reply,
)
from harness.client.data_types import REGISTRY_WRITES, SUBSCRIBE
from history import Operation

INSTANCE = "/nacos/v1/ns/instance"
LIST = "/nacos/v1/ns/instance/list"
SUBSCRIBE_PATH = "/v1/registry/subscribe"
ID = "registration-id"

LOOKUPS = frozenset({"lookup", "stale-lookup"})
READS = frozenset({"lookup", "list", "stale-lookup", "stale-list", "final-list", "final-local", SUBSCRIBE})
_STALE = ("consistency", "stale")
_PERSISTENT = ("ephemeral", "false")
Parameters = tuple[tuple[str, str], ...]


class _Instance(msgspec.Struct):
    ip: str
    port: int
    metadata: dict[str, str] = {}
    weight: float | None = None
    enabled: bool | None = None
    healthy: bool | None = None


class _Hosts(msgspec.Struct):
    hosts: tuple[_Instance, ...]


class Fields(msgspec.Struct, frozen=True):
    """What an instance holds next to its registration id: the same for each registration of that id and key.

    Half of the keys have a weight of their own, which an update does not name and so must leave as it is. One
    registration in forty is large.
    """

    weight: float
    is_weight_of_key: bool
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, id_: str, key: str, base: Mapping[str, str]) -> Fields:
        """The fields of a registration; `base` are the metadata that all of them have."""
        drawn, of_key = crc32(id_.encode()), crc32(key.encode())
        is_weight_of_key = bool(of_key % 2)
        metadata = {ID: id_, **base, "zone": f"zone-{drawn % 7}"}
        if drawn % LARGE_ONE_IN == 0:
            metadata["notes"] = "x" * (drawn // LARGE_ONE_IN % LARGEST_NOTES)
        return cls(WEIGHTS[(of_key if is_weight_of_key else drawn) // 2 % 4], is_weight_of_key, metadata)


WEIGHTS = (1.0, 0.5, 2.5, 100.0)
LARGE_ONE_IN, LARGEST_NOTES = 40, 3000
"""A reply names the metadata of what it removed up to 4,096 characters (docs/node.md)."""


class RegistryCodec:
    """The operations register, update, deregister, lookup, list, final-list and subscribe. stale-lookup,
    stale-list and final-local read the node's own state, however old."""

    def __init__(self, kind: Parameters = (_PERSISTENT,), metadata: Mapping[str, str] | None = None) -> None:
        """kind: the parameters that say of which kind an instance is; metadata: all but its id."""
        self._kind = kind
        self._metadata = metadata or {}

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation's f or key is not the registry's; a workload's defect.
        """
        headers = headers_of(operation)
        match operation.f:
            case "register" | "update":
                is_new = operation.f == "register"
                fields = Fields.of(str(operation.value), str(operation.key), self._metadata)
                metadata = msgspec.json.encode(fields.metadata).decode()
                query = (*instance_query(operation), *self._kind, ("metadata", metadata))
                if is_new or not fields.is_weight_of_key:
                    query = (*query, ("weight", str(fields.weight)))
                return HttpRequest("POST" if is_new else "PUT", INSTANCE, query, headers)
            case "deregister":
                return HttpRequest("DELETE", INSTANCE, (*instance_query(operation), *self._kind), headers)
            case "lookup":
                return HttpRequest("GET", INSTANCE, instance_query(operation), headers)
            case "stale-lookup":
                return HttpRequest("GET", INSTANCE, (*instance_query(operation), _STALE), headers)
            case "list" | "final-list":
                return HttpRequest("GET", LIST, (("serviceName", str(operation.key)),), headers)
            case "subscribe":
                asked = (("serviceName", str(operation.key)), NEWEST_INDEX, ("wait", str(operation.value)))
                return HttpRequest("GET", SUBSCRIBE_PATH, asked, (("X-Operation-Id", str(operation.index)),))
            case "stale-list" | "final-local":
                return HttpRequest("GET", LIST, (("serviceName", str(operation.key)), _STALE), headers)
        raise ValueError(f"the registry knows no operation {operation.f!r}")

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion; what the reply does not say for certain is `info` (writes) or `fail` (reads)."""
        is_write = operation.f in REGISTRY_WRITES
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write)
        try:
            if reply.status == 200:
                return ended(
                    operation, "ok", value=self._value(operation, reply), raft_index=raft_index(reply)
                )
            if is_refusal(reply, 404, "not-found"):
                if operation.f in LOOKUPS:
                    return ended(operation, "ok", value=None, raft_index=raft_index(reply))
                if operation.f == "update" and raft_index(reply) is not None:
                    return ended(operation, "ok", value=False, raft_index=raft_index(reply))
            return refused(operation, reply, is_write)
        except (msgspec.DecodeError, ValueError) as damage:
            return not_understood(operation, reply, damage, is_write)

    def _value(self, operation: Operation, reply: HttpReply) -> Any:
        key = str(operation.key)
        match operation.f:
            case "register" | "update":
                return operation.value
            case "deregister":
                if "x-previous-metadata-characters" in reply.headers:
                    raise ValueError("the removed instance's metadata are too long for a header")
                previous = reply.headers.get("x-previous-metadata")
                if previous is None:
                    return None
                return self._seen(key, msgspec.json.decode(previous, type=dict[str, str]))
            case "lookup" | "stale-lookup":
                found = msgspec.json.decode(reply.body, type=_Instance)
                return self._seen(key, found.metadata, found)
            case _:
                hosts = msgspec.json.decode(reply.body, type=_Hosts).hosts
                return {
                    address: self._seen(f"{key}/{address}", host.metadata, host)
                    for host in hosts
                    for address in (f"{host.ip}:{host.port}",)
                }

    def _seen(self, key: str, metadata: Mapping[str, str], instance: _Instance | None = None) -> str:
        """The registration id that was shown, with all fields that are not its own; an instance without one
        was not registered by this run."""
        id_ = metadata.get(ID)
        if id_ is None:
            return "(no registration id)"
        due = Fields.of(id_, key, self._metadata)
        wrong = [
            f"{name} {_short(metadata.get(name))}, not {_short(due.metadata.get(name))}"
            for name in sorted(metadata.keys() | due.metadata.keys())
            if metadata.get(name) != due.metadata.get(name)
        ]
        if instance is not None:
            if instance.weight != due.weight:
                wrong.append(f"weight {instance.weight}, not {due.weight}")
            if instance.enabled is not True:
                wrong.append("not enabled")
            if instance.healthy is not True and _PERSISTENT in self._kind:
                wrong.append("not healthy")
        return f"{id_} ({'; '.join(wrong)})" if wrong else id_


def _short(value: str | None) -> str:
    return "missing" if value is None else value if len(value) <= 20 else f"of {len(value)} characters"


def instance_query(operation: Operation) -> Parameters:
    """The parameters that name the instance of an operation's key.

    Raises:
        ValueError: the key is not `SERVICE/IP:PORT`.
    """
    service, _, address = str(operation.key).partition("/")
    ip, _, port = address.rpartition(":")
    if not (service and ip and port.isdigit()):
        raise ValueError(f"key {operation.key!r} is not SERVICE/IP:PORT")
    return (("serviceName", service), ("ip", ip), ("port", port))
