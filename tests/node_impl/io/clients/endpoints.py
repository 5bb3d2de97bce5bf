"""Requests over HTTP that no client sends by itself: what our node and Nacos 2.3.2 answer, in this order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tests.node_impl.io.clients.judging import Member

_WEB: Final = {"serviceName": "ep", "ip": "10.5.0.1", "port": "80"}
_UNKNOWN: Final = {**_WEB, "serviceName": "never-registered"}
_KEPT: Final = {**_WEB, "ephemeral": "false"}
_LITERAL: Final = {**_WEB, "clusterName": "None", "ephemeral": "False", "enable": "True"}
_SERVICE: Final = {"serviceName": "epsvc"}


class Answer(NamedTuple):
    """A status, and the `code` of the body, if it has one."""

    status: int
    code: int | None = None


class Asked(NamedTuple):
    """A request, our node's answer, and Nacos's."""

    method: str
    path: str
    query: Mapping[str, str]
    ours: Answer
    nacos: Answer


_DONE: Final = Answer(200, 0)
_OK: Final = Answer(200)
ENDPOINTS: Final = (
    Asked("GET", "/nacos/v1/ns/operator/servers", {}, _OK, Answer(501)),
    Asked("GET", "/nacos/v1/core/cluster/nodes", {}, Answer(200, 200), Answer(200, 200)),
    Asked("GET", "/nacos/v1/core/ops/raft", {}, Answer(200, 200), Answer(500)),
    Asked("GET", "/nacos/v1/ns/operator/metrics", {}, _OK, _OK),
    Asked("POST", "/nacos/v2/ns/service", _SERVICE, _DONE, _DONE),
    Asked("POST", "/nacos/v2/ns/service", _SERVICE, Answer(409, 21007), Answer(400, 21007)),
    Asked("GET", "/nacos/v2/ns/service", _SERVICE, _DONE, _DONE),
    Asked("GET", "/nacos/v2/ns/service/list", {"pageNo": "1", "pageSize": "5"}, _DONE, _DONE),
    Asked("DELETE", "/nacos/v2/ns/service", _SERVICE, _DONE, _DONE),
    Asked("GET", "/nacos/v2/ns/instance", _WEB, Answer(404, 21003), Answer(404, 20004)),
    Asked("PUT", "/nacos/v2/ns/instance", _UNKNOWN, Answer(404, 21003), Answer(400, 21004)),
    Asked("PUT", "/nacos/v2/ns/instance/beat", _WEB, Answer(200, 20404), Answer(400, 20002)),
    Asked("POST", "/nacos/v2/ns/instance", {"serviceName": "ep"}, Answer(400, 10000), Answer(400, 10000)),
    Asked("POST", "/nacos/v2/ns/instance", _KEPT, _DONE, _DONE),
    Asked("PUT", "/nacos/v2/ns/instance", {**_KEPT, "weight": "2"}, _DONE, _DONE),
    Asked("DELETE", "/nacos/v2/ns/instance", _KEPT, _DONE, _DONE),
    Asked("GET", "/nacos/v2/core/cluster/node/self", {}, _DONE, _DONE),
    Asked("GET", "/nacos/v2/core/cluster/node/list", {}, _DONE, _DONE),
    Asked("GET", "/nacos/v2/core/cluster/node/self/health", {}, _DONE, _DONE),
    Asked("POST", "/nacos/v1/ns/instance", {"serviceName": "ep"}, Answer(400), Answer(400)),
    Asked("POST", "/nacos/v1/ns/instance", _LITERAL, _OK, _OK),
    Asked("DELETE", "/nacos/v1/ns/instance", _LITERAL, _OK, _OK),
    Asked("GET", "/nacos/v1/ns/instance/list", {"serviceName": "g@@ep"}, _OK, _OK),
    Asked("POST", "/nacos/v3/client/ns/instance", _WEB, _DONE, Answer(404)),
    Asked("DELETE", "/nacos/v3/client/ns/instance", _WEB, _DONE, Answer(404)),
)


def answer_of(member: Member, asked: Asked) -> Answer:
    """What a member answers now."""
    reply = member.ask(asked.method, asked.path, asked.query)
    try:
        said: Any = json.loads(reply.body)
    except ValueError:  # many of Nacos's answers are words
        said = None
    return Answer(reply.status, said.get("code") if isinstance(said, dict) else None)
