"""What Nacos's clients and consoles ask about the cluster: its health, its members, who leads.

All of it is the node's own view, as `/v1/admin/status` is. A Nacos server has several Raft groups; here there
is one, under the name of the group that Nacos keeps persistent instances in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from node_impl.core.api.replies import NodeReply, json_reply
from node_impl.core.events import Status

METRICS_OF_NACOS: Final = "/nacos/v1/ns/operator/metrics"
SERVERS: Final = "/nacos/v1/ns/operator/servers"
NODES: Final = "/nacos/v1/core/cluster/nodes"
RAFT: Final = "/nacos/v1/core/ops/raft"
NODES_V2: Final = "/nacos/v2/core/cluster/node/list"
SELF_V2: Final = "/nacos/v2/core/cluster/node/self"
HEALTH_V2: Final = "/nacos/v2/core/cluster/node/self/health"
GROUP: Final = "naming_persistent_service_v2"

Addresses = Mapping[str, tuple[str, int]]
"""By name, the address at which clients reach each member."""


def render_view(path: str, raft_index: int, status: Status, addresses: Addresses) -> NodeReply:
    """The reply to one of `VIEWS`."""
    return json_reply(VIEWS[path](status, addresses), raft_index)


def _metrics(status: Status, _: Addresses) -> dict[str, Any]:
    return {
        "status": "UP" if status.leader else "DOWN",
        "serviceCount": status.services,
        "instanceCount": status.instances,
        "subscribeCount": status.watches,
        "raftNotifyTaskCount": status.commit - status.applied,
    }


def _servers(status: Status, addresses: Addresses) -> dict[str, Any]:
    return {"servers": _members(status, addresses)}


def _nodes(status: Status, addresses: Addresses) -> dict[str, Any]:
    return {"code": 200, "message": None, "data": _members(status, addresses)}


def _nodes_v2(status: Status, addresses: Addresses) -> dict[str, Any]:
    return _succeeded(_members(status, addresses))


def _self_v2(status: Status, addresses: Addresses) -> dict[str, Any]:
    """This node among the members; null where it is none, since it was removed or has not been added."""
    mine = (one for one in _members(status, addresses) if one["extendInfo"]["nodeName"] == status.node)
    return _succeeded(next(mine, None))


def _health_v2(_: Status, __: Addresses) -> dict[str, Any]:
    return _succeeded("UP")  # of the process, as in Nacos: it answers


def _succeeded(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": data}


def _raft(status: Status, addresses: Addresses) -> dict[str, Any]:
    return {"code": 200, "message": None, "data": {GROUP: _group(status, addresses)}}


def _members(status: Status, addresses: Addresses) -> list[dict[str, Any]]:
    """Each member. The node knows of itself alone that it is up; of the others, that they are members."""
    group = {"raftMetaData": {"metaDataMap": {GROUP: _group(status, addresses)}}}
    members = []
    for name in status.members:
        host, port = addresses.get(name, ("", 0))
        members.append(
            {
                "ip": host,
                "port": port,
                "address": f"{host}:{port}",
                "state": "UP" if name in (status.node, status.leader) else "SUSPICIOUS",
                "extendInfo": {"nodeName": name, **(group if name == status.node else {})},
                "failAccessCnt": 0,
                "abilities": {},
            }
        )
    return members


def _group(status: Status, addresses: Addresses) -> dict[str, Any]:
    def shown(name: str) -> str:
        host, port = addresses.get(name, ("", 0))
        return f"{host}:{port}"

    return {
        "leader": shown(status.leader) if status.leader else None,
        "term": status.term,
        "raftGroupMember": [shown(name) for name in status.members],
    }


VIEWS: Final[dict[str, Callable[[Status, Addresses], dict[str, Any]]]] = {
    METRICS_OF_NACOS: _metrics,
    SERVERS: _servers,
    NODES: _nodes,
    RAFT: _raft,
    NODES_V2: _nodes_v2,
    SELF_V2: _self_v2,
    HEALTH_V2: _health_v2,
}
