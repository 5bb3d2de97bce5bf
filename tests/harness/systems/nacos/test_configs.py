"""Nacos's configurations as instances, by version of its API (replies as those versions give them)."""

from __future__ import annotations

import pytest

from harness.client.codecs.base import HttpReply, NoReply
from harness.systems import system_of
from harness.systems.nacos import Nacos
from harness.systems.nacos.configs import ConfigCodec
from harness.systems.nacos.instances import InstanceCodec
from harness.systems.nacos.versions import V1, V2, V3, Api
from history import Operation

KEY = "svc-0/10.0.0.1:8080"
PUBLISH = Operation(5, 0, 1, "invoke", "register", KEY, "r5", node="n1")
REMOVE = Operation(6, 0, 1, "invoke", "deregister", KEY, None, node="n1")
READ = Operation(7, 0, 1, "invoke", "lookup", KEY, None, node="n1")
DONE = {
    "v1": b"true",
    "v2": b'{"code":0,"message":"success","data":true}',
    "v3": b'{"code":0,"message":"success","data":true}',
}
CONTENT = {
    "v1": b"r5",
    "v2": b'{"code":0,"message":"success","data":"r5"}',
    "v3": b'{"code":0,"message":"success","data":{"resultCode":200,"content":"r5","md5":"a1"}}',
}
ABSENT = {
    "v1": b"config data not exist",
    "v2": b'{"code":20004,"message":"resource not found","data":"config data not exist"}',
    "v3": b'{"code":20004,"message":"resource not found","data":"config data not exist"}',
}
every_api = pytest.mark.parametrize("api", [V1, V2, V3], ids=lambda api: api.name)


def reply(body: bytes, status: int = 200) -> HttpReply:
    return HttpReply(status, {}, body)


@every_api
def test_a_registration_is_published_under_a_name_that_nacos_takes(api: Api) -> None:
    request = ConfigCodec(api).encode(PUBLISH)
    query = dict(request.query)
    assert (request.method, request.path) == ("POST", api.config)
    assert (query["dataId"], query["content"]) == ("svc-0:10.0.0.1:8080", "r5")
    assert query["groupName" if api.name == "v3" else "group"] == "DEFAULT_GROUP"
    assert ConfigCodec(api).encode(REMOVE).method == "DELETE"
    assert ConfigCodec(api).encode(READ).path == api.read_config


@every_api
def test_what_is_read_is_the_content_or_nothing(api: Api) -> None:
    found = ConfigCodec(api).decode(READ, reply(CONTENT[api.name]))
    assert (found.type, found.value) == ("ok", "r5")
    absent = ConfigCodec(api).decode(READ, reply(ABSENT[api.name], 404))
    assert (absent.type, absent.value) == ("ok", None)
    for broken in (reply(b"caused: timeout", 500), reply(b"requested file is being modified", 409)):
        assert ConfigCodec(api).decode(READ, broken).type == "fail"


@every_api
def test_a_publication_is_ok_only_if_the_node_says_true(api: Api) -> None:
    codec = ConfigCodec(api)
    assert codec.decode(PUBLISH, reply(DONE[api.name])).type == "ok"
    assert codec.decode(PUBLISH, reply(DONE[api.name].replace(b"true", b"false"))).type == "info"
    assert codec.decode(PUBLISH, reply(b"caused: timeout", 500)).type == "info"
    without = b"caused: The Raft Group [nacos_config] did not find the Leader node;"
    assert codec.decode(PUBLISH, reply(without, 500)).type == "fail"
    assert codec.decode(PUBLISH, NoReply("timed out after 6 s", sent=True)).type == "info"


def test_configurations_stand_in_for_instances_from_1_4_on() -> None:
    made = system_of("nacos@1.4.1", {"system_options": {"data": "configs"}})
    assert tuple(made.clients) == ("stale-instance",)
    assert tuple(Nacos("2.3.2").clients) == ("stale-instance", "expiring-instance")
    assert Nacos("2.3.2", api="v1").clients["stale-instance"] == InstanceCodec(V1)
    with pytest.raises(ValueError, match=r"0\.8\.0 keeps configurations in MySQL alone"):
        system_of("nacos@0.8.0", {"system_options": {"data": "configs"}})
