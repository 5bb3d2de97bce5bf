"""Nacos's v2 paths and the client paths of v3: the requests of v1, answered as code, message and data."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from node_impl.core.api import results
from node_impl.core.api.codec import parse, render
from node_impl.core.api.replies import NodeReply
from node_impl.core.requests import (
    Beat,
    Body,
    Config,
    ConfigKey,
    Deregister,
    Done,
    GetConfig,
    Instance,
    InstanceKey,
    Listing,
    ListInstances,
    Refused,
    Register,
    RemoveConfig,
    Reply,
    Request,
    ServicePage,
)
from tests.node_impl.core.api.asking import body_of

WEB = {"serviceName": "web", "ip": "10.0.0.1", "port": "80"}
KEY = InstanceKey("web", "10.0.0.1", 80)
INSTANCE = Instance(KEY, 2.0, True, {"zone": "a"}, index=7)


def answered(method: str, path: str, reply: Reply, **query: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON that a client gets there, when the node answers `reply`."""
    request = parse(method, path, urlencode(query), b"", {})
    assert isinstance(request, Request), request
    rendered = render(request, reply, path)
    return rendered.status, json.loads(rendered.body)


def refused(method: str, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    reply = parse(method, path, urlencode(query), b"", {})
    assert isinstance(reply, NodeReply)
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize(
    ("method", "path", "v1"),
    [
        (method, path, re.sub("/v2/|/v3/client/|/v3/admin/", "/v1/", path))
        for path, methods in results.ROUTES.items()
        if "/cs/" not in path
        for method in methods
        if path != results.SERVICE_LIST
    ],
)
def test_each_path_asks_for_what_its_counterpart_of_v1_asks(method: str, path: str, v1: str) -> None:
    assert body_of(method, path, **WEB) == body_of(method, v1, **WEB)


def test_a_page_of_services_has_twenty_unless_the_request_says_otherwise() -> None:
    asked: Any = body_of("GET", results.SERVICE_LIST)
    assert asked.page_size == 20
    asked = body_of("GET", results.SERVICE_LIST, pageSize="3")
    assert asked.page_size == 3


@pytest.mark.parametrize("namespace", ["", "public"])
def test_configurations_are_named_by_namespace_and_public_is_the_empty_one(namespace: str) -> None:
    asked = {"dataId": "a", "group": "g", "namespaceId": namespace}
    assert body_of("DELETE", results.CONFIG, **asked) == RemoveConfig(ConfigKey("", "g", "a"))
    in_v3 = {"dataId": "a", "groupName": "g", "namespaceId": "prod"}
    assert body_of("GET", results.CLIENT_CONFIG, **in_v3) == GetConfig(ConfigKey("prod", "g", "a"))


@pytest.mark.parametrize(("given", "kind"), [("true", Beat), ("false", Register), ("", Register)])
def test_one_path_of_v3_takes_registrations_and_beats(given: str, kind: type[Body]) -> None:
    assert isinstance(body_of("POST", results.CLIENT_INSTANCE, **WEB, heartBeat=given), kind)


def test_a_write_is_answered_ok_and_keeps_its_headers() -> None:
    for path in (results.INSTANCE, results.CLIENT_INSTANCE):
        reply = render(Request(Deregister(KEY)), Done(7, INSTANCE), path)
        assert json.loads(reply.body) == {"code": 0, "message": "success", "data": "ok"}
        assert reply.headers == {"X-Raft-Index": "7", "X-Previous-Metadata": '{"zone":"a"}'}
    published = answered("POST", results.CONFIG, Done(3, None), dataId="a", group="g", content="x")
    assert published == (200, {"code": 0, "message": "success", "data": True})


def test_v2_shows_one_instance_and_a_list_with_its_service_v3_the_hosts_alone() -> None:
    _, one = answered("GET", results.INSTANCE, Done(7, INSTANCE), **WEB)
    assert one["data"]["serviceName"] == "DEFAULT_GROUP@@web"
    assert (one["data"]["ip"], one["data"]["weight"], one["data"]["metadata"]) == (
        "10.0.0.1",
        2.0,
        {"zone": "a"},
    )
    listing = Done(9, Listing((INSTANCE,)))
    _, in_v2 = answered("GET", results.INSTANCE_LIST, listing, serviceName="web")
    _, in_v3 = answered("GET", results.CLIENT_INSTANCE_LIST, listing, serviceName="web")
    plain = json.loads(render(Request(ListInstances("web")), listing).body)
    assert in_v2["data"] == plain
    assert in_v3["data"] == plain["hosts"]


def test_v2_shows_the_content_of_a_configuration_v3_what_is_known_of_it_too() -> None:
    found = Done(5, Config(ConfigKey("", "g", "a"), "a: 1", "yaml", "m5", 5))
    _, in_v2 = answered("GET", results.CONFIG, found, dataId="a", group="g")
    _, in_v3 = answered("GET", results.CLIENT_CONFIG, found, dataId="a", groupName="g")
    assert in_v2["data"] == "a: 1"
    assert (in_v3["data"]["content"], in_v3["data"]["contentType"]) == ("a: 1", "yaml")
    assert in_v3["data"]["md5"] == "m5"


def test_a_page_of_services_is_named_as_in_v2() -> None:
    _, page = answered("GET", results.SERVICE_LIST, Done(5, ServicePage(2, ("a", "b"))))
    assert page["data"] == {"count": 2, "services": ["a", "b"]}


@pytest.mark.parametrize(
    ("method", "path", "query", "reply", "status", "code"),
    [
        ("GET", results.INSTANCE, WEB, Done(3, None), 404, 21003),
        ("PUT", results.INSTANCE, WEB, Refused("not-found", "none", False), 404, 21003),
        ("POST", results.CLIENT_INSTANCE, {**WEB, "heartBeat": "true"},
         Refused("not-found", "none", False, 3), 200, 21003),
        ("GET", results.CONFIG, {"dataId": "a", "group": "g"}, Done(3, None), 404, 20004),
        ("GET", results.CLIENT_CONFIG, {"dataId": "a", "group": "g"}, Done(3, None), 200, 20004),
        ("GET", results.SERVICE, WEB, Done(3, None), 404, 21008),
        ("POST", results.SERVICE, WEB, Refused("conflict", "it exists", False), 409, 21007),
        ("DELETE", results.SERVICE, WEB, Refused("conflict", "it has instances", False), 409, 21009),
        ("DELETE", results.INSTANCE, WEB, Refused("conflict", "it is persistent", False), 409, 20005),
        ("POST", results.INSTANCE, WEB, Refused("no-leader", "no leader", False), 503, 30000),
        ("POST", results.INSTANCE, WEB, Refused("timeout", "no majority answered", True), 504, 30000),
    ],
)  # fmt: skip
def test_a_refusal_has_nacos_code_and_says_whether_anything_was_proposed(
    method: str, path: str, query: dict[str, str], reply: Reply, status: int, code: int
) -> None:
    got, body = answered(method, path, reply, **query)
    assert (got, body["code"]) == (status, code)
    assert body["message"] != "success"
    assert body["data"] == body["reason"]
    assert body["proposed"] is (isinstance(reply, Refused) and reply.proposed)


def test_a_beat_of_v2_is_answered_as_in_v1() -> None:
    beat = Request(Beat(KEY))
    taken = render(beat, Done(7, INSTANCE), results.BEAT)
    assert json.loads(taken.body)["code"] == 10200
    assert json.loads(render(beat, Refused("not-found", "none", False), results.BEAT).body)["code"] == 20404


def test_a_missing_parameter_and_a_wrong_one_have_codes_of_their_own() -> None:
    status, body = refused("POST", results.INSTANCE, serviceName="web", ip="10.0.0.1")
    assert (status, body["code"], body["data"]) == (400, 10000, "parameter port is missing")
    status, body = refused("POST", results.CLIENT_INSTANCE, **{**WEB, "port": "0"})
    assert (status, body["code"], body["error"], body["proposed"]) == (400, 20002, "bad-request", False)
    status, body = refused("PATCH", results.INSTANCE, **WEB)
    assert (status, body["code"]) == (405, 20002)
