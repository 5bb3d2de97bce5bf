"""The paths of v2, and those of v3 that register and configure: requests of v1, answered in another shape.

The shape is `{"code", "message", "data"}`.

Pure. Each path takes what its counterpart of v1 takes and asks the node for the same; only the names of
parameters and the shape of answers differ. A refusal keeps the fields that it has everywhere (`error`,
`reason`, `proposed`), with Nacos's next to them: `code` is Nacos's number, `message` its name for it, `data`
the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from node_impl.core.api import configs, instances, services
from node_impl.core.api.instances import grouped, list_fields
from node_impl.core.api.parameters import MissingParameter, Parameters
from node_impl.core.api.replies import NodeReply
from node_impl.core.requests import (
    Beat,
    Body,
    Config,
    DeleteService,
    GetConfig,
    GetService,
    Instance,
    Listing,
    ListInstances,
    ListServices,
    Lookup,
    PublishConfig,
    PutService,
    RemoveConfig,
    ServicePage,
    ServiceView,
)

INSTANCE: Final = "/nacos/v2/ns/instance"
INSTANCE_LIST: Final = "/nacos/v2/ns/instance/list"
SERVICE: Final = "/nacos/v2/ns/service"
SERVICE_LIST: Final = "/nacos/v2/ns/service/list"
CONFIG: Final = "/nacos/v2/cs/config"
BEAT: Final = "/nacos/v2/ns/instance/beat"
"""Answered as in v1, in Nacos too."""
CLIENT_INSTANCE: Final = "/nacos/v3/client/ns/instance"
CLIENT_INSTANCE_LIST: Final = "/nacos/v3/client/ns/instance/list"
CLIENT_CONFIG: Final = "/nacos/v3/client/cs/config"
ADMIN_INSTANCE: Final = "/nacos/v3/admin/ns/instance"
ADMIN_CONFIG: Final = "/nacos/v3/admin/cs/config"
"""In v3, clients over HTTP only read configurations: who writes one does so here."""

SERVICES_OF_A_PAGE: Final = 20
"""How many services a page has where the request does not say; v1 has 10."""

_MESSAGES: Final = {
    10000: "parameter missing",
    10001: "access denied",
    20002: "parameter validate error",
    20004: "resource not found",
    20005: "resource conflict",
    21003: "instance not found",
    21007: "service already exist",
    21008: "service not exist",
    21009: "service delete failure",
    30000: "server error",
}
"""Nacos's codes, as far as this node has a use for them, and its name for each."""

_NO_ACCESS: Final = frozenset({"no-token", "unknown-token", "forbidden"})


# ---- requests ------------------------------------------------------------------------------------------


def _register_or_beat(given: Parameters) -> Body:
    """In v3, one path takes both: a beat says `heartBeat=true`."""
    return Beat(given.key()) if given.boolean("heartBeat") else instances.parse_register(given)


def _list_services(given: Parameters) -> ListServices:
    if given.optional("pageSize") is None:
        given.also("pageSize", str(SERVICES_OF_A_PAGE), "the default")
    return services.parse_list(given)


def _config(parse: Callable[[Parameters], Body]) -> Callable[[Parameters], Body]:
    """v1 says `tenant` and `group`; v2 `namespaceId`, where `public` is the empty one, and v3 `groupName`."""

    def renamed(given: Parameters) -> Body:
        namespace = given.optional("namespaceId") or ""
        given.also("tenant", "" if namespace == "public" else namespace, "namespaceId")
        given.also("group", given.required("group", "groupName"), "groupName")
        return parse(given)

    return renamed


ROUTES: Final[dict[str, dict[str, Callable[[Parameters], Body]]]] = {
    INSTANCE: {
        "POST": instances.parse_register,
        "PUT": instances.parse_update,
        "DELETE": instances.parse_deregister,
        "GET": instances.parse_lookup,
    },
    INSTANCE_LIST: {"GET": instances.parse_list},
    BEAT: {"PUT": instances.parse_beat},
    SERVICE: {
        "POST": services.parse_create,
        "PUT": services.parse_change,
        "DELETE": services.parse_delete,
        "GET": services.parse_get,
    },
    SERVICE_LIST: {"GET": _list_services},
    CONFIG: {
        "POST": _config(configs.parse_publish),
        "DELETE": _config(configs.parse_remove),
        "GET": _config(configs.parse_get),
    },
    CLIENT_INSTANCE: {"POST": _register_or_beat, "DELETE": instances.parse_deregister},
    CLIENT_INSTANCE_LIST: {"GET": instances.parse_list},
    CLIENT_CONFIG: {"GET": _config(configs.parse_get)},
    ADMIN_INSTANCE: {
        "POST": instances.parse_register,
        "PUT": instances.parse_update,
        "DELETE": instances.parse_deregister,
    },
    ADMIN_CONFIG: {"POST": _config(configs.parse_publish), "DELETE": _config(configs.parse_remove)},
}


def answers_with_result(path: str) -> bool:
    """Whether what is asked there is answered as `{"code", "message", "data"}`."""
    return path in ROUTES and path != BEAT


# ---- replies -------------------------------------------------------------------------------------------


def succeeded(path: str, asked: Body, raft_index: int, found: Any, plain: NodeReply) -> NodeReply:
    """The reply of v1 to the same request, in the shape of this path; its headers stay."""
    shape = (_IN_V3 if path.startswith("/nacos/v3/") else _IN_V2).get(type(asked))
    if shape is None:  # a write
        data = True if isinstance(asked, PublishConfig | RemoveConfig) else "ok"
    else:
        data = shape(asked, raft_index, found)
    return _result(200, {"code": 0, "message": "success", "data": data}, plain.headers)


def failed(
    path: str, plain: NodeReply, asked: Body | None = None, cause: Exception | None = None
) -> NodeReply:
    """A refusal of v1, in the shape of this path.

    asked: what was asked, if it came to that. cause: what was wrong with the parameters.
    """
    refusal = msgspec.json.decode(plain.body)
    code = 10000 if isinstance(cause, MissingParameter) else _code_of(refusal["error"], asked)
    # As Nacos has it: its clients read `code`, and take another status for a failure of the request itself.
    is_known_answer = path.startswith("/nacos/v3/") and refusal["error"] == "not-found"
    fields = {"code": code, "message": _MESSAGES[code], "data": refusal["reason"], **refusal}
    return _result(200 if is_known_answer else plain.status, fields, plain.headers)


def _code_of(error: str, asked: Body | None) -> int:
    match error, asked:
        case "not-found", GetConfig() | RemoveConfig():
            return 20004
        case "not-found", PutService() | DeleteService() | GetService():
            return 21008
        case "not-found", _:
            return 21003
        case "conflict", PutService():
            return 21007
        case "conflict", DeleteService():
            return 21009
        case "conflict" | "stale-sequence", _:
            return 20005
        case "bad-request" | "bad-method", _:
            return 20002
    return 10001 if error in _NO_ACCESS else 30000


def _result(status: int, fields: Mapping[str, Any], headers: dict[str, str]) -> NodeReply:
    return NodeReply(status, "application/json", msgspec.json.encode(fields), headers)


def _instance(_: Lookup, __: int, found: Instance) -> dict[str, Any]:
    fields = instances.instance_fields(found)
    return {"serviceName": fields.pop("service"), **fields}


def _service(asked: GetService, _: int, found: ServiceView) -> dict[str, Any]:
    return {
        "namespace": asked.key.namespace,
        "serviceName": asked.key.service,
        "groupName": asked.key.group,
        "clusterMap": {
            name: {"clusterName": name, "healthChecker": {"type": "NONE"}, "metadata": {}}
            for name in found.clusters
        },
        "metadata": found.service.metadata,
        "protectThreshold": found.service.protect_threshold,
        "selector": {"type": "none"},
    }


def _services(_: ListServices, __: int, found: ServicePage) -> dict[str, Any]:
    return {"count": found.count, "services": found.names}


def _instances(asked: ListInstances, raft_index: int, found: Listing) -> dict[str, Any]:
    name = grouped(asked.group, asked.service)
    return list_fields(asked, name, ",".join(asked.clusters), raft_index, found)


def _hosts(asked: ListInstances, raft_index: int, found: Listing) -> list[Any]:
    hosts: list[Any] = _instances(asked, raft_index, found)["hosts"]
    return hosts


def _content(_: GetConfig, __: int, found: Config) -> str:
    return found.content


def _configuration(_: GetConfig, __: int, found: Config) -> dict[str, Any]:
    return {
        "content": found.content,
        "contentType": found.content_type,
        "md5": found.md5,
        "encryptedDataKey": None,
        "beta": False,
        "tag": None,
    }


_Shape = Callable[[Any, int, Any], Any]

_IN_V2: Final[dict[type, _Shape]] = {
    Lookup: _instance,
    ListInstances: _instances,
    GetService: _service,
    ListServices: _services,
    GetConfig: _content,
}
_IN_V3: Final[dict[type, _Shape]] = {ListInstances: _hosts, GetConfig: _configuration}
