"""Each rule by which a request's parameters are refused, on each path and in each message that takes them.

The rules are the places of the code that raise `BadParameter`. One without an example here fails a test.
"""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import pytest

from node_impl.core.api.codec import FORM, parse
from node_impl.core.api.parameters import BadParameter
from node_impl.core.api.payloads.wire import Payload
from node_impl.core.api.replies import NodeReply
from node_impl.core.requests import BeatTimes, Reply, Request
from node_impl.io.grpc.calls import CALLS, Calls

pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")

API: Final = Path(sys.modules[parse.__module__].__file__ or "").parent
WEB: Final = {"serviceName": "web", "ip": "10.0.0.1", "port": "80"}
CONFIG: Final = {"dataId": "a", "group": "g"}
MD5: Final = "0" * 32
V1, V2, V3 = "/nacos/v1/ns/", "/nacos/v2/ns/", "/nacos/v3/client/ns/"
INSTANCES: Final = (f"{V1}instance", f"{V2}instance", f"{V3}instance", "/nacos/v3/admin/ns/instance")
LISTS: Final = tuple(f"{path}instance/list" for path in (V1, V2, V3))
BEATS: Final = tuple(f"{path}instance/beat" for path in (V1, V2))
SERVICES: Final = tuple(f"{path}service" for path in (V1, V2))
CONFIGS: Final = ("/nacos/v1/cs/configs", "/nacos/v2/cs/config", "/nacos/v3/admin/cs/config")
LISTENER: Final = ("/nacos/v1/cs/configs/listener",)
MEMBERS: Final = ("/v1/admin/members",)


class Bad(NamedTuple):
    """A bad request over HTTP, and what its refusal says."""

    method: str
    paths: tuple[str, ...]
    query: Mapping[str, str] | str
    reason: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


OVER_HTTP: Final = (
    Bad("POST", INSTANCES, WEB, "the body must be application/x", {"Content-Type": "text/xml"}, b"<a/>"),
    Bad("POST", INSTANCES, WEB, "X-Operation-Id must be 1 to 128", {"X-Operation-Id": ""}),
    Bad("POST", INSTANCES, WEB, "must be given together", {"X-Client-Id": "a"}),
    Bad("POST", INSTANCES, WEB, "parameter 'ip' is given twice", {"Content-Type": FORM}, b"ip=10.0.0.1"),
    Bad("POST", INSTANCES, "a=\xff", "the query has bytes above 127"),
    Bad("POST", INSTANCES, "a=%ff", "the query is not UTF-8"),
    Bad("POST", INSTANCES, "&".join(f"a{n}=" for n in range(65)), "the query has more than 64 parameters"),
    Bad("POST", INSTANCES, {**WEB, "healthy": "false"}, "healthy=false cannot be set"),
    Bad("POST", INSTANCES, {**WEB, "enable": "true", "enabled": "false"}, "enabled and enable name the same"),
    Bad("POST", INSTANCES, {"serviceName": "web"}, "parameter ip is missing"),
    Bad("POST", INSTANCES, {**WEB, "ephemeral": "yes"}, "ephemeral must be true or false"),
    Bad("POST", INSTANCES, {**WEB, "serviceName": "g@@web", "groupName": "h"}, "serviceName says group 'g'"),
    Bad("POST", INSTANCES, {**WEB, "ip": "10.0.0.256"}, "ip must be an IP address or a host name"),
    Bad("POST", INSTANCES, {**WEB, "weight": "-1"}, "weight must be a number from 0 to 10000"),
    Bad("POST", INSTANCES, {**WEB, "metadata": f'{{"a":"{"x" * 65_536}"}}'}, "at most 65536 are allowed"),
    Bad("POST", INSTANCES, {**WEB, "metadata": "a=b"}, "metadata must be a JSON object of strings"),
    Bad("POST", INSTANCES, {**WEB, "serviceName": "x" * 513}, "serviceName must have 1 to 512 characters"),
    Bad("POST", INSTANCES, {**WEB, "serviceName": "a\x00b"}, "contains '\\x00'"),
    Bad("POST", INSTANCES, {**WEB, "clusterName": "a@@b"}, "clusterName 'a@@b' contains '@@'"),
    Bad("POST", INSTANCES, {**WEB, "port": "65536"}, "port must be a number from"),
    Bad("GET", LISTS, {"serviceName": "web", "consistency": "none"}, "consistency must be linearizable or"),
    Bad("PUT", BEATS, {"serviceName": "web", "beat": "x" * 65_537}, "beat has more than 65536 bytes"),
    Bad("PUT", BEATS, {"serviceName": "web", "beat": "{}"}, "beat must be a JSON object with ip and port"),
    Bad("PUT", BEATS, {**WEB, "beat": '{"ip":"10.0.0.2","port":80}'}, "but beat says '10.0.0.2'"),
    Bad("POST", SERVICES, {"serviceName": "web", "protectThreshold": "2"}, "must be a number from 0 to 1"),
    Bad("POST", SERVICES, {"serviceName": "web", "selector": "x"}, "selector must be a JSON object"),
    Bad("POST", SERVICES, {"serviceName": "web", "selector": '{"type":"label"}'}, "only none is supported"),
    Bad("POST", CONFIGS, {**CONFIG, "content": "x" * 65_537}, "content has 65537 bytes"),
    Bad("POST", CONFIGS, {**CONFIG, "content": "x", "casMd5": "x"}, "casMd5 must be 32 hex digits"),
    Bad("POST", CONFIGS, {**CONFIG, "content": "x", "type": "A B"}, "type must be 1 to 32"),
    Bad("POST", CONFIGS, {**CONFIG, "dataId": "a/b", "content": "x"}, "dataId must be 1 to 128 of letters"),
    Bad("POST", LISTENER, {"Listening-Configs": "a"}, "must end each configuration"),
    Bad("POST", LISTENER, {"Listening-Configs": f"a\x02g\x02{MD5}\x01" * 2}, "names a configuration twice"),
    Bad("POST", LISTENER, {"Listening-Configs": "a\x02g\x01"}, "has 2 fields"),
    Bad("POST", LISTENER, {"Listening-Configs": "a\x02g\x02x\x01"}, "the md5 of 'a' is 'x'"),
    Bad("POST", LISTENER, {"Listening-Configs": f"a\x02g\x02{MD5}\x01" * 3001}, "names 3001"),
    Bad("POST", MEMBERS, {}, "parameter node is missing"),
    Bad("PUT", ("/v1/admin/leader",), {"to": "a\x00"}, "contains '\\x00'"),
)  # fmt: skip

_ONE: Final = {"type": "registerInstance", "serviceName": "web"}
_BATCH: Final = {"type": "batchRegisterInstance", "serviceName": "web"}
OVER_GRPC: Final[tuple[tuple[str, Any, str], ...]] = (
    ("InstanceRequest", [], "the body must be a JSON object"),
    ("InstanceRequest", _ONE, "instance is missing"),
    ("InstanceRequest", {**_ONE, "type": "x", "instance": {"ip": "10.0.0.1", "port": 80}}, "type must be"),
    ("PersistentInstanceRequest", {**_ONE, "instance": {"ip": "a b", "port": 80}}, "ip must be an IP"),
    ("BatchInstanceRequest", {**_BATCH, "type": "x"}, "type must be batchRegisterInstance"),
    ("BatchInstanceRequest", {**_BATCH, "instances": [{}] * 1001}, "instances has 1001 of them"),
    ("ServiceQueryRequest", {}, "parameter serviceName is missing"),
    ("SubscribeServiceRequest", {}, "parameter serviceName is missing"),
    ("ServiceListRequest", {"pageNo": -1}, "pageNo must be a number from"),
    ("ConfigPublishRequest", {**CONFIG, "content": "x", "casMd5": "x"}, "casMd5 must be 32 hex digits"),
    ("ConfigQueryRequest", {"dataId": "a"}, "parameter group is missing"),
    ("ConfigRemoveRequest", {"dataId": "a"}, "parameter group is missing"),
    ("ConfigBatchListenRequest", {"configListenContexts": [CONFIG] * 3001}, "configListenContexts has 3001"),
    ("HealthCheckRequest", [], "the body must be a JSON object"),
)  # fmt: skip


def refused_over_http(bad: Bad, path: str) -> None:
    query = bad.query if isinstance(bad.query, str) else urlencode(bad.query)
    reply = parse(bad.method, path, query, bad.body, bad.headers)
    assert isinstance(reply, NodeReply), (path, reply)
    said = json.loads(reply.body)
    assert (reply.status, said["error"], said["proposed"]) == (400, "bad-request", False), said
    assert bad.reason in said["reason"], said
    if not path.startswith(("/nacos/v1/", "/v1/")) and path not in BEATS:
        assert said["code"] in (10000, 20002)
        assert said["data"] == said["reason"]


def refused_over_grpc(kind: str, fields: Any, reason: str) -> None:
    async def ask(_: Request) -> Reply:
        raise AssertionError("the node was asked")

    body = json.dumps({**fields, "requestId": "7"} if isinstance(fields, dict) else fields).encode()
    calls = Calls(ask, BeatTimes())
    answer = asyncio.run(calls.answer(CALLS[kind], Payload(kind, body), None))  # type: ignore[arg-type] # not asked
    said = json.loads(answer.body)
    assert answer.type == CALLS[kind].answer
    assert (said["resultCode"], said["errorCode"], said["success"]) == (500, 400, False)
    assert said["message"].startswith("bad-request: ")
    assert reason in said["message"], said
    assert said["message"].endswith("(nothing was proposed)")
    assert said["requestId"] == ("7" if isinstance(fields, dict) else "")


@pytest.mark.parametrize("bad", OVER_HTTP, ids=lambda bad: bad.reason)
def test_a_refusal_over_http_says_which_rule_and_that_nothing_was_proposed(bad: Bad) -> None:
    for path in bad.paths:
        refused_over_http(bad, path)


@pytest.mark.parametrize(("kind", "fields", "reason"), OVER_GRPC)
def test_a_refusal_over_grpc_says_so_too(kind: str, fields: Any, reason: str) -> None:
    refused_over_grpc(kind, fields, reason)


def test_each_message_has_an_example() -> None:
    assert {kind for kind, _, _ in OVER_GRPC} == set(CALLS)


def test_no_rule_is_without_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: set[tuple[str, int]] = set()

    def note(error: BadParameter, *words: object) -> None:
        Exception.__init__(error, *words)
        raised = sys._getframe(1)
        broken.add((Path(raised.f_code.co_filename).name, raised.f_lineno))

    monkeypatch.setattr(BadParameter, "__init__", note)
    for bad in OVER_HTTP:
        refused_over_http(bad, bad.paths[0])
    for example in OVER_GRPC:
        refused_over_grpc(*example)
    rules = {
        (file.name, statement.lineno, statement.end_lineno or 0)
        for file in API.rglob("*.py")
        for statement in ast.walk(ast.parse(file.read_text()))
        if isinstance(statement, ast.Raise) and "Parameter(" in ast.unparse(statement)
    }
    assert len(rules) > 35
    without = [
        f"{name}:{first}"
        for name, first, last in sorted(rules)
        if not any((name, line) in broken for line in range(first, last + 1))
    ]
    assert without == []
