"""What Nacos's replies to registrations and lists say, by version of its API (recorded replies)."""

from __future__ import annotations

import pytest

from harness.client.codecs.base import HttpReply, NoReply
from harness.systems.nacos.instances import InstanceCodec
from harness.systems.nacos.versions import V1, V2, V3, Api
from history import Operation

KEY = "svc-0/10.0.0.1:8080"
REGISTER = Operation(5, 0, 1, "invoke", "register", KEY, "r5", node="n1")
DEREGISTER = Operation(6, 0, 1, "invoke", "deregister", KEY, None, node="n1")
LOOKUP = Operation(7, 0, 1, "invoke", "lookup", KEY, None, node="n1")
OK = {
    "v1": b"ok",
    "v2": b'{"code":0,"message":"success","data":"ok"}',
    "v3": b'{"code":0,"message":"success","data":"ok"}',
}
HOST = (
    b'{"ip":"10.0.0.1","port":8080,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":false,'
    b'"clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@svc-0","metadata":{"registration-id":"r1"}}'
)
LISTS = {
    "v1": b'{"hosts":[%s],"dom":"svc-0","cacheMillis":3000,"env":"","metadata":{}}',
    "v2": b'{"code":0,"message":"success","data":{"name":"DEFAULT_GROUP@@svc-0","hosts":[%s],"valid":true}}',
    "v3": b'{"code":0,"message":"success","data":[%s]}',
}
every_api = pytest.mark.parametrize("api", [V1, V2, V3], ids=lambda api: api.name)


def reply(body: bytes, status: int = 200) -> HttpReply:
    return HttpReply(status, {}, body)


@every_api
def test_a_persistent_registration_names_its_id_in_the_metadata(api: Api) -> None:
    request = InstanceCodec(api).encode(REGISTER)
    assert (request.method, request.path) == ("POST", api.instance)
    assert dict(request.query) == {
        "serviceName": "svc-0",
        "ip": "10.0.0.1",
        "port": "8080",
        "ephemeral": "false",
        "metadata": '{"registration-id":"r5"}',
    }
    assert InstanceCodec(api).encode(DEREGISTER).method == "DELETE"


@every_api
def test_a_lookup_finds_the_instance_in_the_list_of_its_service(api: Api) -> None:
    codec = InstanceCodec(api)
    assert codec.encode(LOOKUP).path == api.instances
    found = codec.decode(LOOKUP, reply(LISTS[api.name] % HOST))
    assert (found.type, found.value) == ("ok", "r1")
    other = HOST.replace(b"10.0.0.1", b"10.0.0.11")
    for hosts in (b"", other):
        absent = codec.decode(LOOKUP, reply(LISTS[api.name] % hosts))
        assert (absent.type, absent.value) == ("ok", None)


@every_api
def test_a_write_is_acknowledged_by_ok_alone(api: Api) -> None:
    codec = InstanceCodec(api)
    for write in (REGISTER, DEREGISTER):
        assert codec.decode(write, reply(OK[api.name])).type == "ok"
        for body in (b"", b"{}", b'{"code":30000,"message":"server error","data":"x"}', b"\xff", b"okay"):
            assert codec.decode(write, reply(body)).type == "info", body


@every_api
def test_a_write_failed_only_if_raft_certainly_never_had_it(api: Api) -> None:
    codec = InstanceCodec(api)
    no_leader = "The Raft Group [naming_persistent_service_v2] did not find the Leader node;"
    for certain in (no_leader, "server is DOWN now, please try again later!", "no leader now."):
        assert codec.decode(REGISTER, reply(certain.encode(), 500)).type == "fail"
    for doubtful in ("caused: java.util.concurrent.TimeoutException;", "data publish failed, key=x"):
        assert codec.decode(REGISTER, reply(doubtful.encode(), 500)).type == "info"
    assert codec.decode(REGISTER, NoReply("connection refused", sent=False)).type == "fail"
    assert codec.decode(REGISTER, NoReply("timed out after 6 s", sent=True)).type == "info"


@every_api
def test_a_lookup_without_a_proper_answer_has_failed(api: Api) -> None:
    codec = InstanceCodec(api)
    for body, status in ((b"", 200), (b"{}", 200), (b"\xff", 200), (OK[api.name], 200), (b"x", 500)):
        assert codec.decode(LOOKUP, reply(body, status)).type == "fail", body
    assert codec.decode(LOOKUP, NoReply("timed out after 6 s", sent=True)).type == "fail"


def test_the_oldest_version_knows_no_instance_of_a_service_that_it_does_not_know() -> None:
    absent = InstanceCodec(V1).decode(LOOKUP, reply(b"dom not found: svc-0", 404))
    assert (absent.type, absent.value) == ("ok", None)
    assert InstanceCodec(V1).decode(LOOKUP, reply(b"no such page", 404)).type == "fail"


def test_a_key_of_another_form_is_a_defect_of_the_workload() -> None:
    with pytest.raises(ValueError, match="SERVICE/IP:PORT"):
        InstanceCodec(V2).encode(Operation(5, 0, 1, "invoke", "register", "svc-0", "r5"))
