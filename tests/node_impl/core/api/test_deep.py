"""JSON that is nested too deeply is refused as any other that is malformed, and is no defect of the node."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from node_impl.core.api.codec import FORM, MAX_BODY_BYTES, parse
from node_impl.core.api.parameters import BadParameter
from node_impl.core.api.payloads import configs, naming
from node_impl.core.api.replies import NodeReply
from node_impl.core.requests import BeatTimes

LEVELS = 3_000
DEEP = ("[" * LEVELS + "]" * LEVELS, '{"a":' * LEVELS + "1" + "}" * LEVELS)
INSTANCE = {"serviceName": "web", "ip": "10.0.0.1", "port": "80"}


@pytest.mark.parametrize("deep", DEEP)
@pytest.mark.parametrize("nested", ["{}", '{{"ip":"10.0.0.1","port":80,"x":{}}}', '{{"type":"none","x":{}}}'])
@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("PUT", "/nacos/v1/ns/instance/beat", "beat"),
        ("PUT", "/nacos/v2/ns/instance/beat", "beat"),
        ("POST", "/nacos/v1/ns/service", "selector"),
        ("PUT", "/nacos/v2/ns/service", "selector"),
        ("POST", "/nacos/v1/ns/instance", "metadata"),
        ("POST", "/nacos/v3/client/ns/instance", "metadata"),
        ("POST", "/nacos/v1/ns/service", "metadata"),
    ],
)
def test_a_parameter_over_http(method: str, path: str, name: str, nested: str, deep: str) -> None:
    body = urlencode({**INSTANCE, name: nested.format(deep)}).encode()
    assert len(body) < MAX_BODY_BYTES, "the body itself is no reason to refuse it"
    reply = parse(method, path, "", body, {"Content-Type": FORM})
    assert isinstance(reply, NodeReply)
    said = json.loads(reply.body)
    assert (reply.status, said["error"], said["proposed"]) == (400, "bad-request", False)
    assert said["reason"].startswith(name)


@pytest.mark.parametrize("deep", DEEP)
@pytest.mark.parametrize("nested", ["{}", '{{"x":{}}}', '{{"instance":{{"x":{}}}}}', '{{"additionMap":{}}}'])
@pytest.mark.parametrize(
    "parsed",
    [
        lambda body: naming.parse_instance(body, BeatTimes(), ephemeral=True),
        lambda body: naming.parse_batch(body, BeatTimes()),
        naming.parse_query,
        naming.parse_subscription,
        naming.parse_services,
        configs.parse_publish,
        configs.parse_get,
        configs.parse_remove,
        configs.parse_listen,
    ],
)
def test_a_message_over_grpc(parsed: Callable[[bytes], Any], nested: str, deep: str) -> None:
    with pytest.raises(BadParameter):
        parsed(nested.format(deep).encode())
