"""Nacos's gRPC messages: they are checked as over HTTP, and a refusal says if anything was proposed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from node_impl.core.api.parameters import DEFAULT_BEATS, BadParameter
from node_impl.core.api.payloads import answers, configs, naming
from node_impl.core.api.payloads.bodies import request_id
from node_impl.core.requests import (
    BeatTimes,
    ConfigKey,
    Deregister,
    HeldConfig,
    InstanceKey,
    ListInstances,
    PublishConfig,
    Refused,
    Register,
    ServiceKey,
)

INSTANCE = {"ip": "10.0.0.1", "port": 80, "weight": 1.0, "clusterName": "", "metadata": {"a": "b"}}
KEY = InstanceKey("web", "10.0.0.1", 80)


def body(**fields: Any) -> bytes:
    return json.dumps(
        {"serviceName": "web", "groupName": "DEFAULT_GROUP", "namespace": "", **fields}
    ).encode()


def test_an_instance_is_registered_as_over_http() -> None:
    asked = body(type="registerInstance", instance={**INSTANCE, "healthy": True, "enabled": True, "x": None})
    registered = Register(KEY, 1.0, True, {"a": "b"}, DEFAULT_BEATS)
    assert naming.parse_instance(asked, DEFAULT_BEATS, ephemeral=True) == registered
    assert naming.parse_instance(asked, BeatTimes(1, 2, 3), ephemeral=False) == Register(
        KEY, 1.0, True, {"a": "b"}
    )


def test_an_instance_is_deregistered_by_its_key_and_kind() -> None:
    asked = body(type="deregisterInstance", instance={"ip": "10.0.0.1", "port": 80, "healthy": False})
    assert naming.parse_instance(asked, DEFAULT_BEATS, ephemeral=True) == Deregister(KEY, ephemeral=True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "registerInstance"}, "instance is missing"),
        ({"type": "renameInstance", "instance": INSTANCE}, "not 'renameInstance'"),
        ({"type": "registerInstance", "instance": {**INSTANCE, "ip": "no host"}}, "ip must be"),
        ({"type": "registerInstance", "instance": {**INSTANCE, "port": 0}}, "port must be"),
        ({"type": "registerInstance", "instance": {**INSTANCE, "weight": 1e300}}, "weight must be"),
        ({"type": "registerInstance", "instance": {**INSTANCE, "healthy": False}}, "healthy=false"),
        (
            {"type": "registerInstance", "instance": {**INSTANCE, "metadata": {"a": 1}}},
            "must be a JSON object",
        ),
        ({"type": "registerInstance", "instance": INSTANCE, "serviceName": "a@@b@@c"}, "contains '@@'|says"),
    ],
)
def test_a_refusal_names_what_is_wrong(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        naming.parse_instance(body(**fields), DEFAULT_BEATS, ephemeral=True)


def test_a_batch_names_all_that_a_connection_has_of_a_service() -> None:
    service, registrations = naming.parse_batch(
        body(type="batchRegisterInstance", instances=[INSTANCE, {**INSTANCE, "port": 81}]), DEFAULT_BEATS
    )
    assert service == ServiceKey("public", "DEFAULT_GROUP", "web")
    assert [one.key.port for one in registrations] == [80, 81]
    with pytest.raises(BadParameter, match="at most 1000"):
        naming.parse_batch(body(type="batchRegisterInstance", instances=1001 * [INSTANCE]), DEFAULT_BEATS)


def test_a_subscription_keeps_the_clusters_as_the_client_spells_them() -> None:
    assert naming.parse_subscription(body(subscribe=True, clusters="a,b")) == (
        True,
        ListInstances("web", clusters=("a", "b")),
        "a,b",
    )
    assert naming.parse_query(body(cluster="a", healthyOnly=True)).healthy_only


def test_a_configuration_of_the_tenant_public_is_the_one_without_a_tenant() -> None:
    asked = json.dumps(
        {"dataId": "d", "group": "g", "tenant": "public", "content": "c", "casMd5": ""}
    ).encode()
    assert configs.parse_publish(asked) == PublishConfig(ConfigKey("", "g", "d"), "c")
    listened = json.dumps(
        {
            "listen": True,
            "configListenContexts": [{"dataId": "d", "group": "g", "tenant": "public", "md5": ""}],
        }
    ).encode()
    assert configs.parse_listen(listened) == (
        True,
        {HeldConfig(ConfigKey("", "g", "d"), ""): configs.Named("d", "g", "public")},
    )


def test_a_body_that_is_no_json_object_is_refused() -> None:
    for data in (b"", b"[]", b"\xff", b'"text"'):
        with pytest.raises(BadParameter, match="JSON object"):
            request_id(data)


@pytest.mark.parametrize(
    ("refusal", "code", "effect"),
    [
        (Refused("no-leader", "none", proposed=False), 503, "nothing was proposed"),
        (Refused("timeout", "late", proposed=True), 504, "it may still take effect"),
        (Refused("conflict", "other", proposed=False), 409, "nothing was proposed"),
    ],
)
def test_a_refusal_says_whether_anything_was_proposed(refusal: Refused, code: int, effect: str) -> None:
    said = json.loads(answers.refused("InstanceResponse", refusal).body)
    assert (said["resultCode"], said["errorCode"], said["success"]) == (500, code, False)
    assert refusal.code in said["message"]
    assert effect in said["message"]
