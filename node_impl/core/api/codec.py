"""HTTP to `Request`, `Reply` to HTTP; pure, and total: any input gives a request or a precise refusal.

Follows Nacos's open API (paths, parameter names, bodies) where the registry has the same meaning: v1, and in
`results.py` v2 and the client paths of v3; docs/nacos.md lists the differences. One table says what each path
takes, one how each request is answered; the other modules of this folder know the parameters. A refusal is:
`{"error": code, "reason": one line, "proposed": whether a write may still take effect}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from node_impl.core.api import admin, configs, instances, operator, results, services
from node_impl.core.api.parameters import (
    DEFAULT_BEATS,
    MAX_NAME_CHARACTERS,
    MAX_SEQUENCE,
    BadParameter,
    Parameters,
    shown,
    whole,
)
from node_impl.core.api.replies import NodeReply, json_reply, refuse
from node_impl.core.events import Status
from node_impl.core.requests import (
    AddLearner,
    Beat,
    BeatTimes,
    Body,
    DeleteService,
    Deregister,
    Done,
    GetConfig,
    GetService,
    GetStatus,
    ListenConfigs,
    ListInstances,
    ListServices,
    Lookup,
    Promote,
    PublishConfig,
    PutService,
    Refused,
    Register,
    Remove,
    RemoveConfig,
    Reply,
    Request,
    TransferLeadership,
    Update,
)
from node_impl.io.http.metrics import METRICS

ADMIN_STATUS = "/v1/admin/status"
ADMIN_HEALTH = "/v1/admin/health"

MAX_BODY_BYTES = 256 * 1024
"""Enough for the largest metadata or content, percent-encoded."""

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


def parse(
    method: str,
    path: str,
    query: str,
    body: bytes,
    headers: Mapping[str, str],
    beats: BeatTimes = DEFAULT_BEATS,
) -> Request | NodeReply:
    """The request behind an HTTP request, or the reply that needs no node: a refusal, or health.

    query: as sent, without the question mark. headers: a mapping that ignores case. beats: the beat times of
    ephemeral instances whose metadata names none.
    """
    methods = ROUTES.get(path)
    if methods is None:
        return refuse(404, "unknown-path", f"there is nothing at {shown(path)}; known: {', '.join(ROUTES)}")
    make = methods.get(method)
    if make is None:
        allowed = ", ".join(methods)
        refusal = refuse(405, "bad-method", f"{path} takes {allowed}, not {shown(method)}")
        refusal = msgspec.structs.replace(refusal, headers={"Allow": allowed})
        return results.failed(path, refusal) if results.answers_with_result(path) else refusal
    if path == ADMIN_HEALTH:
        return NodeReply(200, "application/json", b'{"status":"up"}')
    try:
        made = make(Parameters(query, _form(body, headers), headers, beats))
        op = _name_header(headers, "X-Operation-Id")
        client, sequence = _session(headers)
    except BadParameter as error:
        refusal = refuse(400, "bad-request", str(error))
        return results.failed(path, refusal, cause=error) if results.answers_with_result(path) else refusal
    return Request(made, op, client, sequence)


def render(request: Request, reply: Reply, path: str = "") -> NodeReply:
    """The HTTP reply for what the node answered; path: where it was asked, if not on a path of v1."""
    if not results.answers_with_result(path):
        return _render(request, reply)
    match reply:
        case Refused(code, reason, proposed, raft_index):
            plain = refuse(_STATUS_OF[code], code, reason, proposed, raft_index)
            return results.failed(path, plain, request.body)
        case Done(raft_index, value):
            plain = _render(request, reply)
            if plain.status == 200:
                return results.succeeded(path, request.body, raft_index, value, plain)
            return results.failed(path, plain, request.body)


def _render(request: Request, reply: Reply) -> NodeReply:
    match reply:
        case Refused(code="not-found") if isinstance(request.body, Beat):
            return instances.render_unknown_beat(reply)
        case Refused(code, reason, proposed, raft_index):
            return refuse(_STATUS_OF[code], code, reason, proposed, raft_index)
        case Done(raft_index, value):
            return _RENDER[type(request.body)](request.body, raft_index, value)


# ---- requests ------------------------------------------------------------------------------------------


def _status(_: Parameters) -> Body:
    return GetStatus()


ROUTES: dict[str, dict[str, Callable[[Parameters], Body]]] = {
    instances.INSTANCE: {
        "POST": instances.parse_register,
        "PUT": instances.parse_update,
        "PATCH": instances.parse_patch,
        "DELETE": instances.parse_deregister,
        "GET": instances.parse_lookup,
    },
    instances.INSTANCE_LIST: {"GET": instances.parse_list},
    instances.INSTANCE_BEAT: {"PUT": instances.parse_beat},
    instances.SUBSCRIBE: {"GET": instances.parse_subscribe},
    services.SERVICE: {
        "POST": services.parse_create,
        "PUT": services.parse_change,
        "DELETE": services.parse_delete,
        "GET": services.parse_get,
    },
    services.SERVICE_LIST: {"GET": services.parse_list},
    admin.MEMBERS: {
        "POST": admin.parse_add,
        "PUT": admin.parse_promote,
        "DELETE": admin.parse_remove,
    },
    admin.LEADER: {"PUT": admin.parse_transfer},
    configs.CONFIGS: {
        "POST": configs.parse_publish,
        "DELETE": configs.parse_remove,
        "GET": configs.parse_get,
    },
    configs.LISTENER: {"POST": configs.parse_listen},
    **results.ROUTES,
    ADMIN_STATUS: {"GET": _status},
    METRICS: {"GET": _status},
    **{path: {"GET": _status} for path in operator.VIEWS},
    ADMIN_HEALTH: {"GET": _status},
}


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
    return client, whole("X-Client-Sequence", text, 0, MAX_SEQUENCE)


# ---- replies -------------------------------------------------------------------------------------------


def _render_status(_: GetStatus, raft_index: int, status: Status) -> NodeReply:
    fields = msgspec.structs.asdict(status)
    return json_reply({"name": fields.pop("node"), **fields}, raft_index)


_RENDER: dict[type, Callable[[Any, int, Any], NodeReply]] = {
    Register: instances.render_write,
    Update: instances.render_write,
    Deregister: instances.render_write,
    Lookup: instances.render_lookup,
    ListInstances: instances.render_list,
    Beat: instances.render_beat,
    PutService: services.render_write,
    DeleteService: services.render_write,
    GetService: services.render_get,
    ListServices: services.render_list,
    PublishConfig: configs.render_write,
    RemoveConfig: configs.render_write,
    GetConfig: configs.render_get,
    ListenConfigs: configs.render_listen,
    GetStatus: _render_status,
    AddLearner: admin.render_done,
    Promote: admin.render_done,
    Remove: admin.render_done,
    TransferLeadership: admin.render_done,
}
