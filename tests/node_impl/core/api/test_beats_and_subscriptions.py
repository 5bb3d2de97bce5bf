from __future__ import annotations

import json

import pytest

from node_impl.core.api.instances import INSTANCE_BEAT, SUBSCRIBE
from node_impl.core.requests import Beat, BeatTimes, Done, Instance, InstanceKey, ListInstances, Refused
from tests.node_impl.core.api.asking import body_of, refusal_of, rendered, shown

KEY = InstanceKey("web", "10.0.0.1", 80, cluster="east")
FULL = json.dumps(
    {
        "ip": "10.0.0.1",
        "port": 80,
        "cluster": "east",
        "serviceName": "DEFAULT_GROUP@@web",
        "weight": 1.0,
        "metadata": {},
        "period": 5000,
        "scheduled": False,
    }
)


def test_a_beat_names_its_instance_in_json_in_parameters_or_in_both() -> None:
    assert body_of("PUT", INSTANCE_BEAT, serviceName="web", beat=FULL) == Beat(KEY)
    light = {"serviceName": "web", "ip": "10.0.0.1", "port": "80", "clusterName": "east"}
    assert body_of("PUT", INSTANCE_BEAT, **light) == Beat(KEY)
    assert body_of("PUT", INSTANCE_BEAT, **light, beat=FULL) == Beat(KEY)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"beat": "{"}, "beat must be a JSON object with ip and port: Input data was truncated"),
        ({"beat": "[]"}, "beat must be a JSON object with ip and port: Expected `object`, got `array`"),
        ({"beat": '{"ip":"10.0.0.1"}'}, "missing required field `port`"),
        ({"beat": '{"ip":"10.0.0.1","port":"80"}'}, "Expected `int`, got `str` - at `$.port`"),
        ({"beat": '{"ip":"10.0.0.1","port":65536}'}, "port must be a number from 1 to 65535, not '65536'"),
        ({"beat": '{"ip":"10.0.0.1","port":-1}'}, "port must be a number from 1 to 65535, not '-1'"),
        ({"beat": '{"ip":"no host!","port":1}'}, "ip must be an IP address or a host name, not 'no host!'"),
        ({"beat": FULL, "port": "81"}, "port is '81', but beat says '80'"),
        ({"beat": FULL, "clusterName": "west"}, "clusterName is 'west', but beat says 'east'"),
        ({"beat": " " * 70_000}, "beat has more than 65536 bytes"),
        ({"ip": "10.0.0.1"}, "parameter port is missing"),
    ],
)
def test_a_malformed_beat_is_refused_with_what_is_wrong(query: dict[str, str], reason: str) -> None:
    assert reason in refusal_of("PUT", INSTANCE_BEAT, None, **{"serviceName": "web", **query})


def test_a_beat_is_answered_with_nacos_codes_and_its_instances_own_interval() -> None:
    instance = Instance(KEY, 1.0, True, {}, BeatTimes(interval_ms=700))
    assert shown(Beat(KEY), Done(9, instance)) == {
        "code": 10200, "clientBeatInterval": 700, "lightBeatEnabled": True,
    }  # fmt: skip
    unknown = rendered(Beat(KEY), Refused("not-found", "not registered", False, 9))
    assert (unknown.status, json.loads(unknown.body)["code"]) == (200, 20404)
    assert unknown.headers["X-Raft-Index"] == "9"
    assert rendered(Beat(KEY), Refused("no-leader", "none", False)).status == 503


def test_a_subscription_is_a_list_that_waits_for_a_change_after_an_index() -> None:
    assert body_of("GET", SUBSCRIBE, serviceName="web", index="7", wait="500") == ListInstances(
        "web", after=7, wait_ms=500
    )
    assert body_of("GET", SUBSCRIBE, serviceName="web") == ListInstances("web", wait_ms=30_000)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"index": "-1"}, "index must be a number from 0 to"),
        ({"wait": "60001"}, "wait must be a number from 0 to 60000, not '60001'"),
        ({"wait": "1s"}, "wait must be"),
    ],
)
def test_a_subscription_without_bounds_is_refused(query: dict[str, str], reason: str) -> None:
    assert reason in refusal_of("GET", SUBSCRIBE, None, **{"serviceName": "web", **query})
