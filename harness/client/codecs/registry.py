"""The registry's operations over the Nacos-compatible API of `node_impl`.

A key is `SERVICE/IP:PORT`. The id of a registration is in the instance's metadata, under `registration-id`.
So every read shows *which* registration it saw, and the reply to a deregister shows which one it removed. An
update gives another id to an instance that is there. Whether it is there is decided at the update's place in
the log: a `not-found` that names this index is an answer (`ok`, False), one without an index is only a
refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import (
    ended,
    error_of,
    headers_of,
    not_understood,
    raft_index,
    refused,
    without_reply,
)
from harness.client.data_types import REGISTRY_WRITES
from history import Operation

INSTANCE = "/nacos/v1/ns/instance"
LIST = "/nacos/v1/ns/instance/list"
ID = "registration-id"

LOOKUPS = frozenset({"lookup", "stale-lookup"})
READS = frozenset({"lookup", "list", "stale-lookup", "stale-list", "final-list", "final-local"})
_STALE = ("consistency", "stale")
Parameters = tuple[tuple[str, str], ...]


class _Instance(msgspec.Struct):
    ip: str
    port: int
    metadata: dict[str, str] = {}


class _Hosts(msgspec.Struct):
    hosts: tuple[_Instance, ...]


class RegistryCodec:
    """The operations register, update, deregister, lookup, list and final-list. stale-lookup, stale-list and
    final-local read the node's own state, however old."""

    def __init__(
        self, kind: Parameters = (("ephemeral", "false"),), metadata: Mapping[str, str] | None = None
    ) -> None:
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
                metadata = msgspec.json.encode({ID: operation.value, **self._metadata}).decode()
                query = (*instance_query(operation), *self._kind, ("metadata", metadata))
                return HttpRequest("POST" if operation.f == "register" else "PUT", INSTANCE, query, headers)
            case "deregister":
                return HttpRequest("DELETE", INSTANCE, (*instance_query(operation), *self._kind), headers)
            case "lookup":
                return HttpRequest("GET", INSTANCE, instance_query(operation), headers)
            case "stale-lookup":
                return HttpRequest("GET", INSTANCE, (*instance_query(operation), _STALE), headers)
            case "list" | "final-list":
                return HttpRequest("GET", LIST, (("serviceName", str(operation.key)),), headers)
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
                return ended(operation, "ok", value=_value(operation, reply), raft_index=raft_index(reply))
            if operation.f in LOOKUPS and _is_not_found(reply):
                return ended(operation, "ok", value=None, raft_index=raft_index(reply))
            if operation.f == "update" and _is_not_found(reply) and raft_index(reply) is not None:
                return ended(operation, "ok", value=False, raft_index=raft_index(reply))
            return refused(operation, reply, is_write)
        except (msgspec.DecodeError, ValueError) as damage:
            return not_understood(operation, reply, damage, is_write)


def _is_not_found(reply: HttpReply) -> bool:
    return reply.status == 404 and error_of(reply) == "not-found"


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


def _value(operation: Operation, reply: HttpReply) -> Any:
    match operation.f:
        case "register" | "update":
            return operation.value
        case "deregister":
            if "x-previous-metadata-characters" in reply.headers:
                raise ValueError("the removed instance's metadata are too long for a header")
            previous = reply.headers.get("x-previous-metadata")
            return None if previous is None else _id(msgspec.json.decode(previous, type=dict[str, str]))
        case "lookup" | "stale-lookup":
            return _id(msgspec.json.decode(reply.body, type=_Instance).metadata)
        case _:
            hosts = msgspec.json.decode(reply.body, type=_Hosts).hosts
            return {f"{host.ip}:{host.port}": _id(host.metadata) for host in hosts}


def _id(metadata: dict[str, str]) -> str:
    """The registration id. An instance without one was not registered by this run."""
    return metadata.get(ID, "(no registration id)")
