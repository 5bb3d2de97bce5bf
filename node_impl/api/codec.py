"""HTTP to `Request`, `Reply` to HTTP; pure, and total: any input gives a request or a precise refusal.

Follows Nacos's v1 open API (paths, parameter names, bodies) where the registry has the same meaning.
docs/node.md lists the differences. Every refusal is JSON:
`{"error": code, "reason": one line, "proposed": whether a write may still take effect}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from node_impl.api.parameters import MAX_NAME_CHARACTERS, MAX_SEQUENCE, BadParameter, Parameters, shown
from node_impl.events import (
    Body,
    Deregister,
    Done,
    GetStatus,
    Instance,
    InstanceKey,
    ListInstances,
    Lookup,
    Refused,
    Register,
    Reply,
    Request,
    Status,
    Update,
)
from node_impl.requests import Listing

INSTANCE = "/nacos/v1/ns/instance"
INSTANCE_LIST = "/nacos/v1/ns/instance/list"
ADMIN_STATUS = "/v1/admin/status"
ADMIN_HEALTH = "/v1/admin/health"

MAX_BODY_BYTES = 256 * 1024
"""Enough for the largest metadata, percent-encoded."""
MAX_PREVIOUS_CHARACTERS = 4096
"""The longest X-Previous-Metadata: HTTP clients refuse header fields of 8 KiB."""

FORM = "application/x-www-form-urlencoded"

_STATUS_OF = {
    "no-leader": 503,
    "not-leader": 503,
    "lost-leadership": 503,
    "overloaded": 503,
    "timeout": 504,
    "not-found": 404,
    "conflict": 409,
    "bad-request": 400,
    "stale-sequence": 409,
    "session-expired": 410,
}


class HttpReply(msgspec.Struct, frozen=True):
    """What goes back to the client."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = {}


def parse(method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]) -> Request | HttpReply:
    """The request behind an HTTP request, or the reply that needs no node: a refusal, or health.

    query: as sent, without the question mark. headers: a mapping that ignores case.
    """
    methods = _ROUTES.get(path)
    if methods is None:
        return refuse(404, "unknown-path", f"there is nothing at {shown(path)}; known: {', '.join(_ROUTES)}")
    make = methods.get(method)
    if make is None:
        allowed = ", ".join(methods)
        refusal = refuse(405, "bad-method", f"{path} takes {allowed}, not {shown(method)}")
        return msgspec.structs.replace(refusal, headers={"Allow": allowed})
    if path == ADMIN_HEALTH:
        return HttpReply(200, "application/json", b'{"status":"up"}')
    try:
        made = make(Parameters(query, _form(body, headers)))
        op = _name_header(headers, "X-Operation-Id")
        client, sequence = _session(headers)
    except BadParameter as error:
        return refuse(400, "bad-request", str(error))
    return Request(made, op, client, sequence)


def render(request: Request, reply: Reply) -> HttpReply:
    """The HTTP reply for what the node answered."""
    match reply:
        case Refused(code, reason, proposed, raft_index):
            refusal = refuse(_STATUS_OF[code], code, reason, proposed)
            if raft_index is None:
                return refusal
            return msgspec.structs.replace(refusal, headers={"X-Raft-Index": str(raft_index)})
        case Done(raft_index, value):
            return _RENDER[type(request.body)](request.body, raft_index, value)


def refuse(status: int, code: str, reason: str, proposed: bool = False) -> HttpReply:
    """A refusal's body is the same everywhere."""
    body = msgspec.json.encode({"error": code, "reason": reason, "proposed": proposed})
    return HttpReply(status, "application/json", body)


# ---- requests ------------------------------------------------------------------------------------------


def _register(given: Parameters) -> Body:
    _refuse_ephemeral(given)
    _refuse_unhealthy(given)
    weight, enabled = given.weight(), given.boolean("enabled", "enable")
    return Register(
        given.key(),
        weight=1.0 if weight is None else weight,
        enabled=True if enabled is None else enabled,
        metadata=given.metadata() or {},
    )


def _update(given: Parameters) -> Body:
    _refuse_ephemeral(given)
    _refuse_unhealthy(given)
    return Update(given.key(), given.weight(), given.boolean("enabled", "enable"), given.metadata())


def _deregister(given: Parameters) -> Body:
    _refuse_ephemeral(given)
    return Deregister(given.key())


def _lookup(given: Parameters) -> Body:
    return Lookup(given.key(), given.consistency())


def _list(given: Parameters) -> Body:
    given.boolean("healthyOnly")  # every persistent instance counts as healthy, so it selects all
    service, group = given.service_and_group()
    return ListInstances(
        service, given.name("public", "namespaceId"), group, given.clusters(), given.consistency()
    )


def _status(_: Parameters) -> Body:
    return GetStatus()


_ROUTES: dict[str, dict[str, Callable[[Parameters], Body]]] = {
    INSTANCE: {"POST": _register, "PUT": _update, "DELETE": _deregister, "GET": _lookup},
    INSTANCE_LIST: {"GET": _list},
    ADMIN_STATUS: {"GET": _status},
    ADMIN_HEALTH: {"GET": _status},
}


def _refuse_ephemeral(given: Parameters) -> None:
    ephemeral = given.boolean("ephemeral")
    if ephemeral is not False:
        how = "absent, which means true," if ephemeral is None else "true"
        raise BadParameter(
            f"ephemeral is {how} but this registry keeps persistent instances only; pass ephemeral=false"
        )


def _refuse_unhealthy(given: Parameters) -> None:
    if given.boolean("healthy") is False:
        raise BadParameter("healthy=false cannot be registered: persistent instances always count as healthy")


def _form(body: bytes, headers: Mapping[str, str]) -> str:
    if not body:
        return ""
    content_type = headers.get("Content-Type", FORM).partition(";")[0].strip().lower()
    if content_type != FORM:
        raise BadParameter(f"the body must be {FORM}, not {shown(content_type)}")
    return body.decode("latin-1")  # bytes above 127 are refused with the other parameters


def _name_header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    if not 1 <= len(value) <= MAX_NAME_CHARACTERS or not (value.isascii() and value.isprintable()):
        raise BadParameter(
            f"{name} must be 1 to {MAX_NAME_CHARACTERS} printable ASCII characters, not {shown(value)}"
        )
    return value


def _session(headers: Mapping[str, str]) -> tuple[str | None, int | None]:
    client, text = _name_header(headers, "X-Client-Id"), headers.get("X-Client-Sequence")
    if (client is None) != (text is None):
        raise BadParameter("X-Client-Id and X-Client-Sequence must be given together")
    if text is None:
        return None, None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_SEQUENCE):
        raise BadParameter(f"X-Client-Sequence must be a number from 0 to {MAX_SEQUENCE}, not {shown(text)}")
    return client, int(text)


# ---- replies -------------------------------------------------------------------------------------------


def _render_write(_: Any, raft_index: int, previous: Instance | None) -> HttpReply:
    headers = {"X-Raft-Index": str(raft_index)}
    if previous is not None:
        metadata = json.dumps(previous.metadata, separators=(",", ":"))  # ASCII, as a header must be
        if len(metadata) <= MAX_PREVIOUS_CHARACTERS:
            headers["X-Previous-Metadata"] = metadata
        else:
            headers["X-Previous-Metadata-Characters"] = str(len(metadata))
    return HttpReply(200, "text/plain", b"ok", headers)


def _render_lookup(_: Lookup, raft_index: int, found: Instance | None) -> HttpReply:
    headers = {"X-Raft-Index": str(raft_index)}
    if found is None:
        refusal = refuse(404, "not-found", "no such instance")
        return msgspec.structs.replace(refusal, headers=headers)
    key = found.key
    body = {
        "service": _grouped(key.group, key.service),
        "ip": key.ip,
        "port": key.port,
        "clusterName": key.cluster,
        "weight": found.weight,
        "healthy": True,
        "enabled": found.enabled,
        "ephemeral": False,
        "instanceId": _instance_id(key),
        "metadata": found.metadata,
    }
    return HttpReply(200, "application/json", msgspec.json.encode(body), headers)


def _render_list(asked: ListInstances, raft_index: int, found: Listing) -> HttpReply:
    name = _grouped(asked.group, asked.service)
    body = {
        "name": name,
        "groupName": asked.group,
        "clusters": ",".join(asked.clusters),
        "cacheMillis": 10_000,
        "hosts": [_host(instance, name) for instance in found.instances],
        "lastRefTime": raft_index,
        "checksum": "",
        "allIPs": False,
        "reachProtectionThreshold": False,
        "valid": True,
    }
    headers = {"X-Raft-Index": str(raft_index)}
    return HttpReply(200, "application/json", msgspec.json.encode(body), headers)


def _render_status(_: GetStatus, raft_index: int, status: Status) -> HttpReply:
    fields = msgspec.structs.asdict(status)
    body = msgspec.json.encode({"name": fields.pop("node"), **fields})
    return HttpReply(200, "application/json", body, {"X-Raft-Index": str(raft_index)})


_RENDER: dict[type, Callable[[Any, int, Any], HttpReply]] = {
    Register: _render_write,
    Update: _render_write,
    Deregister: _render_write,
    Lookup: _render_lookup,
    ListInstances: _render_list,
    GetStatus: _render_status,
}


def _host(instance: Instance, name: str) -> dict[str, Any]:
    key = instance.key
    return {
        "instanceId": _instance_id(key),
        "ip": key.ip,
        "port": key.port,
        "weight": instance.weight,
        "healthy": True,
        "enabled": instance.enabled,
        "ephemeral": False,
        "clusterName": key.cluster,
        "serviceName": name,
        "metadata": instance.metadata,
        "instanceHeartBeatInterval": 5000,
        "instanceHeartBeatTimeOut": 15000,
        "ipDeleteTimeout": 30000,
        "instanceIdGenerator": "simple",
    }


def _grouped(group: str, service: str) -> str:
    return f"{group}@@{service}"


def _instance_id(key: InstanceKey) -> str:
    return f"{key.ip}#{key.port}#{key.cluster}#{_grouped(key.group, key.service)}"
