"""What Nacos's clients ask about the cluster: the node's own view, in Nacos's format."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from node_impl.core.api.codec import parse
from node_impl.core.api.operator import (
    GROUP,
    METRICS_OF_NACOS,
    NODES,
    RAFT,
    SERVERS,
    VIEWS,
    render_view,
)
from node_impl.core.events import Status
from node_impl.core.requests import GetStatus, Request

STATUS = Status("n1", "follower", 3, None, "n2", 9, 8, 9, ("n1", "n2", "n3"), services=2, instances=5)
ADDRESSES = {"n1": ("127.0.0.1", 8848), "n2": ("127.0.0.1", 8849), "n3": ("127.0.0.1", 8850)}


def view(path: str, status: Status = STATUS) -> Any:
    return json.loads(render_view(path, 8, status, ADDRESSES).body)


def test_the_status_is_up_while_a_leader_is_known() -> None:
    assert view(METRICS_OF_NACOS) == {
        "status": "UP",
        "serviceCount": 2,
        "instanceCount": 5,
        "subscribeCount": 0,
        "raftNotifyTaskCount": 1,
    }
    assert view(METRICS_OF_NACOS, msgspec.structs.replace(STATUS, leader=None))["status"] == "DOWN"


@pytest.mark.parametrize(("path", "field"), [(SERVERS, "servers"), (NODES, "data")])
def test_each_member_is_shown_with_its_address_and_only_known_ones_as_up(path: str, field: str) -> None:
    members = view(path)[field]
    assert [one["address"] for one in members] == ["127.0.0.1:8848", "127.0.0.1:8849", "127.0.0.1:8850"]
    assert [one["state"] for one in members] == ["UP", "UP", "SUSPICIOUS"]
    assert [one["port"] for one in members] == [8848, 8849, 8850]


def test_the_leader_and_the_term_are_those_that_the_node_knows() -> None:
    assert view(RAFT)["data"][GROUP] == {
        "leader": "127.0.0.1:8849",
        "term": 3,
        "raftGroupMember": ["127.0.0.1:8848", "127.0.0.1:8849", "127.0.0.1:8850"],
    }


def test_a_view_asks_the_node_for_its_status_and_takes_no_other_method() -> None:
    for path in VIEWS:
        asked = parse("GET", path, "", b"", {})
        assert isinstance(asked, Request)
        assert asked.body == GetStatus()
        assert not isinstance(parse("POST", path, "", b"", {}), Request)
