"""Services over HTTP: create, change, delete, look up, list."""

from __future__ import annotations

from typing import Any

import msgspec

from node_impl.core.api.parameters import UNREADABLE, BadParameter, Parameters, shown
from node_impl.core.api.replies import NodeReply, json_reply, refuse, text_reply
from node_impl.core.requests import (
    DeleteService,
    GetService,
    ListServices,
    PutService,
    ServicePage,
    ServiceView,
)

SERVICE = "/nacos/v1/ns/service"
SERVICE_LIST = "/nacos/v1/ns/service/list"

MAX_PAGE = 1_000_000
MAX_PAGE_SIZE = 10_000


class _Selector(msgspec.Struct):
    type: str = "none"


_selector = msgspec.json.Decoder(_Selector)


def parse_create(given: Parameters) -> PutService:
    """POST: refused if the service exists."""
    return _put(given, must_exist=False)


def parse_change(given: Parameters) -> PutService:
    """PUT: refused if it does not; changes what is named."""
    return _put(given, must_exist=True)


def parse_delete(given: Parameters) -> DeleteService:
    """DELETE: refused while the service has instances."""
    return DeleteService(given.service_key())


def parse_get(given: Parameters) -> GetService:
    """GET: one service is read."""
    return GetService(given.service_key(), given.consistency())


def parse_list(given: Parameters) -> ListServices:
    """GET: a page of the services of a group is listed."""
    _refuse_selectors(given)
    return ListServices(
        given.name("public", "namespaceId"),
        given.name("DEFAULT_GROUP", "groupName"),
        given.integer("pageNo", 1, MAX_PAGE, default=1),
        given.integer("pageSize", 1, MAX_PAGE_SIZE, default=10),
        given.consistency(),
    )


def render_write(_: Any, raft_index: int, __: Any) -> NodeReply:
    """Answer `ok` to a write."""
    return text_reply("ok", raft_index)


def render_get(asked: GetService, raft_index: int, found: ServiceView | None) -> NodeReply:
    """Answer a read with the attributes of one service."""
    if found is None:
        reason = f"there is no service {asked.key.service} in group {asked.key.group}"
        return refuse(404, "not-found", reason, raft_index=raft_index)
    body = {
        "namespaceId": asked.key.namespace,
        "groupName": asked.key.group,
        "name": asked.key.service,
        "protectThreshold": found.service.protect_threshold,
        "metadata": found.service.metadata,
        "selector": {"type": "none"},
        "clusters": [
            {"name": name, "healthChecker": {"type": "NONE"}, "metadata": {}} for name in found.clusters
        ],
    }
    return json_reply(body, raft_index)


def render_list(_: ListServices, raft_index: int, found: ServicePage) -> NodeReply:
    """A page of names, and how many there are in all."""
    return json_reply({"count": found.count, "doms": found.names}, raft_index)


def _put(given: Parameters, must_exist: bool) -> PutService:
    _refuse_selectors(given)
    return PutService(given.service_key(), must_exist, given.fraction("protectThreshold"), given.metadata())


def _refuse_selectors(given: Parameters) -> None:
    text = given.optional("selector")
    if text is None:
        return
    try:
        kind = _selector.decode(text).type
    except UNREADABLE as error:
        raise BadParameter(f"selector must be a JSON object: {error}") from error
    if kind != "none":
        raise BadParameter(f"selector has the type {shown(kind)}; only none is supported")
