from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.client.codecs.base import HttpReply as ClientReply
from harness.client.codecs.registry import Fields, RegistryCodec
from history import Operation
from node_impl.core.api.codec import ADMIN_HEALTH, ADMIN_STATUS, parse, render
from node_impl.core.api.configs import CONFIGS, LISTENER
from node_impl.core.api.instances import INSTANCE, INSTANCE_BEAT, INSTANCE_LIST, SUBSCRIBE
from node_impl.core.api.parameters import MAX_METADATA_BYTES, BadParameter, Parameters
from node_impl.core.api.replies import NodeReply
from node_impl.core.api.services import SERVICE, SERVICE_LIST
from node_impl.core.events import (
    Deregister,
    Done,
    GetStatus,
    Instance,
    InstanceKey,
    ListInstances,
    Lookup,
    Refused,
    Register,
    Reply,
    Request,
    Status,
    Update,
)
from node_impl.core.requests import BeatTimes, Listing

ADDRESS = {"serviceName": "web", "ip": "10.0.0.1", "port": "80"}
PERSISTENT = {**ADDRESS, "ephemeral": "false"}
KEY = InstanceKey("web", "10.0.0.1", 80)


def ask(method: str, path: str, query: Mapping[str, str] | str = "", **more: Any) -> Request | NodeReply:
    text = query if isinstance(query, str) else urlencode(query)
    return parse(method, path, text, more.get("body", b""), more.get("headers", {}))


def accepted(method: str, path: str, query: Mapping[str, str] | str = "", **more: Any) -> Request:
    request = ask(method, path, query, **more)
    assert isinstance(request, Request), request
    return request


def refused(method: str, path: str, query: Mapping[str, str] | str = "", **more: Any) -> tuple[int, str, str]:
    reply = ask(method, path, query, **more)
    assert isinstance(reply, NodeReply), reply
    body = json.loads(reply.body)
    assert body["proposed"] is False
    return reply.status, body["error"], body["reason"]


def test_register_reads_every_parameter() -> None:
    query = {
        **PERSISTENT,
        "namespaceId": "prod",
        "groupName": "G",
        "clusterName": "east",
        "weight": "2.5",
        "enabled": "False",
        "healthy": "true",
        "metadata": '{"a":"ü"}',
        "app": "ignored",
    }
    headers = {"X-Operation-Id": "7", "X-Client-Id": "p3", "X-Client-Sequence": "12"}
    request = accepted("POST", INSTANCE, query, headers=headers)
    key = InstanceKey("web", "10.0.0.1", 80, "prod", "G", "east")
    assert request == Request(Register(key, 2.5, False, {"a": "ü"}), op="7", client="p3", sequence=12)


def test_defaults_are_nacos_own() -> None:
    assert accepted("POST", INSTANCE, PERSISTENT).body == Register(KEY, 1.0, True, {})
    assert InstanceKey("web", "10.0.0.1", 80, "public", "DEFAULT_GROUP", "DEFAULT") == KEY


def test_update_leaves_what_is_not_named() -> None:
    assert accepted("PUT", INSTANCE, ADDRESS).body == Update(KEY, None, None, None)
    assert accepted("PUT", INSTANCE, {**PERSISTENT, "weight": "0", "metadata": "{}"}).body == Update(
        KEY, 0.0, None, {}, ephemeral=False
    )


def test_a_patch_lays_metadata_over_what_is_there() -> None:
    patch = accepted("PATCH", INSTANCE, {**ADDRESS, "metadata": '{"a":"b"}'}).body
    assert patch == Update(KEY, metadata={"a": "b"}, merge=True)


def test_parameters_may_come_as_a_form() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    body = urlencode(PERSISTENT).encode()
    assert accepted("POST", INSTANCE, body=body, headers=form).body == Register(KEY)
    assert accepted(
        "DELETE", INSTANCE, "ephemeral=false", body=urlencode(ADDRESS).encode(), headers=form
    ).body == Deregister(KEY, ephemeral=False)


def test_reads_are_linearizable_unless_stale_is_asked_for() -> None:
    assert accepted("GET", INSTANCE, ADDRESS).body == Lookup(KEY, "linearizable")
    assert accepted("GET", INSTANCE, {**ADDRESS, "consistency": "stale"}).body == Lookup(KEY, "stale")
    assert accepted(
        "GET", INSTANCE_LIST, "serviceName=web&clusters=a,b&healthyOnly=true"
    ).body == ListInstances("web", clusters=("a", "b"), healthy_only=True)
    assert accepted("GET", ADMIN_STATUS).body == GetStatus()


@pytest.mark.parametrize(
    ("query", "group"),
    [
        ({"serviceName": "web"}, "DEFAULT_GROUP"),
        ({"serviceName": "G@@web"}, "G"),
        ({"serviceName": "web", "groupName": "G"}, "G"),
        ({"serviceName": "G@@web", "groupName": "G"}, "G"),
    ],
)
def test_the_group_may_stand_before_the_service(query: dict[str, str], group: str) -> None:
    assert accepted("GET", INSTANCE_LIST, query).body == ListInstances("web", group=group)


@pytest.mark.parametrize("ip", ["10.0.0.1", "::1", "fe80::1:2", "host", "my_host-1.example.org", "1host"])
def test_addresses_and_host_names_are_taken_as_spelled(ip: str) -> None:
    body = accepted("GET", INSTANCE, {**ADDRESS, "ip": ip}).body
    assert isinstance(body, Lookup)
    assert body.key.ip == ip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ephemeral": "true", "metadata": '{"preserved.heart.beat.timeout":"0"}'},
         "metadata preserved.heart.beat.timeout must be a number from 1 to 86400000, not '0'"),
        ({"ephemeral": "no"}, "ephemeral must be true or false, not 'no'"),
        ({"serviceName": ""}, "parameter serviceName is missing"),
        ({"serviceName": "a b"}, "serviceName 'a b' contains ' '"),
        ({"serviceName": "a\x00"}, "serviceName 'a\\x00' contains '\\x00'"),
        ({"serviceName": "G@@"}, "serviceName must have 1 to 512 characters, not 0"),
        ({"serviceName": "@@web"}, "groupName must have 1 to 128 characters, not 0"),
        ({"serviceName": "A@@B@@web"}, "groupName 'A@@B' contains '@@'"),
        ({"serviceName": "x" * 513}, "serviceName must have 1 to 512 characters, not 513"),
        ({"serviceName": "G@@web", "groupName": "H"}, "groupName is 'H', but serviceName says group 'G'"),
        ({"clusterName": "a", "cluster": "b"}, "clusterName and cluster name the same, but differ"),
        ({"ip": ""}, "parameter ip is missing"),
        ({"ip": "10.0.0.256"}, "ip must be an IP address or a host name, not '10.0.0.256'"),
        ({"ip": "10.0.0.1:80"}, "ip must be"),
        ({"ip": "fe80::1%\n"}, "ip must be"),
        ({"ip": "-a"}, "ip must be"),
        ({"ip": "h" * 300}, f"not '{'h' * 60}...'"),
        ({"port": "0"}, "port must be a number from 1 to 65535, not '0'"),
        ({"port": "65536"}, "port must be a number from 1 to 65535, not '65536'"),
        ({"port": "-1"}, "port must be"),
        ({"port": "8o"}, "port must be"),
        ({"port": "٣"}, "port must be"),
        ({"weight": "nan"}, "weight must be a number from 0 to 10000, not 'nan'"),
        ({"weight": "-1"}, "weight must be"),
        ({"weight": "10001"}, "weight must be"),
        ({"weight": "1e999"}, "weight must be"),
        ({"enabled": "1"}, "enabled must be true or false, not '1'"),
        ({"healthy": "false"}, "healthy=false cannot be set"),
        ({"metadata": "[]"}, "metadata must be a JSON object of strings: Expected `object`, got `array`"),
        ({"metadata": '{"a":1}'}, "metadata must be a JSON object of strings: Expected `str`, got `int`"),
        ({"metadata": '{"a":"b"'}, "metadata must be a JSON object of strings: Input data was truncated"),
        ({"metadata": "x" * (MAX_METADATA_BYTES + 1)}, "metadata has 65537 bytes; at most 65536 are allowed"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named_with_what_is_allowed(change: dict[str, str], reason: str) -> None:
    status, code, said = refused("POST", INSTANCE, {**PERSISTENT, **change})
    assert (status, code) == (400, "bad-request")
    assert reason in said


def test_an_instance_is_ephemeral_unless_it_says_otherwise_and_lives_as_its_metadata_says() -> None:
    assert accepted("POST", INSTANCE, ADDRESS).body == Register(KEY, beats=BeatTimes(5_000, 15_000, 30_000))
    metadata = {"preserved.heart.beat.timeout": "3000", "preserved.ip.delete.timeout": "9000"}
    query = urlencode({**ADDRESS, "metadata": json.dumps(metadata)})
    request = parse("POST", INSTANCE, query, b"", {}, BeatTimes(1, 2, 3))
    assert isinstance(request, Request)
    assert request.body == Register(KEY, metadata=metadata, beats=BeatTimes(1, 3_000, 9_000))


@pytest.mark.parametrize(
    ("query", "more", "status", "reason"),
    [
        ("port=1&port=2", {}, 400, "parameter 'port' is given twice"),
        ("port=1", {"body": b"port=1"}, 400, "parameter 'port' is given twice"),
        ("ip=%FF", {}, 400, "the query is not UTF-8 after percent-decoding"),
        ("ip=\udc80", {}, 400, "the query has bytes above 127; percent-encode them"),
        ("", {"body": b"\xff"}, 400, "the form has bytes above 127"),
        ("&".join(f"p{n}=1" for n in range(65)), {}, 400, "the query has more than 64 parameters"),
        ("", {"body": b"{}", "headers": {"Content-Type": "application/json"}}, 400, "not 'application/json'"),
    ],
)
def test_a_malformed_request_is_refused(query: str, more: dict[str, Any], status: int, reason: str) -> None:
    assert refused("POST", INSTANCE, query, **more)[0] == status
    assert reason in refused("POST", INSTANCE, query, **more)[2]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Operation-Id": ""}, "X-Operation-Id must be 1 to 128 printable ASCII characters"),
        ({"X-Operation-Id": "x" * 129}, "X-Operation-Id must be"),
        ({"X-Client-Id": "ü", "X-Client-Sequence": "1"}, "X-Client-Id must be"),
        ({"X-Client-Id": "p1"}, "X-Client-Id and X-Client-Sequence must be given together"),
        ({"X-Client-Sequence": "1"}, "X-Client-Id and X-Client-Sequence must be given together"),
        ({"X-Client-Id": "p1", "X-Client-Sequence": "-1"}, "X-Client-Sequence must be a number"),
        ({"X-Client-Id": "p1", "X-Client-Sequence": str(2**63)}, "X-Client-Sequence must be a number"),
    ],
)
def test_a_bad_header_is_named(headers: dict[str, str], reason: str) -> None:
    assert reason in refused("POST", INSTANCE, PERSISTENT, headers=headers)[2]


def test_an_unknown_path_or_method_differs_from_a_missing_instance() -> None:
    status, code, reason = refused("GET", "/nacos/v1/ns/instances")
    assert (status, code) == (404, "unknown-path")
    assert INSTANCE in reason
    reply = ask("HEAD", INSTANCE)
    assert isinstance(reply, NodeReply)
    assert (reply.status, reply.headers) == (405, {"Allow": "POST, PUT, PATCH, DELETE, GET"})


def test_health_needs_no_leader() -> None:
    reply = ask("GET", ADMIN_HEALTH)
    assert isinstance(reply, NodeReply)
    assert (reply.status, reply.body) == (200, b'{"status":"up"}')


# ---- any input ----------------------------------------------------------------------------------------

METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "\udcff"])
PATHS = st.sampled_from(
    [INSTANCE, INSTANCE_LIST, INSTANCE_BEAT, SUBSCRIBE, SERVICE, SERVICE_LIST, CONFIGS, LISTENER,
     ADMIN_STATUS, ADMIN_HEALTH, "/", "\udcff"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["serviceName", "ip", "port", "namespaceId", "groupName", "clusterName", "weight", "enabled", "metadata",
     "healthy", "ephemeral", "consistency", "clusters", "beat", "index", "wait", "protectThreshold",
     "selector", "pageNo", "pageSize", "dataId", "group", "tenant", "content", "type", "casMd5",
     "Listening-Configs"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "web",
            "G@@web",
            "10.0.0.1",
            "::1",
            "80",
            "1.5",
            "true",
            "false",
            "{}",
            '{"a":"\\ud800"}',
            '{"a":"b"}',
            "stale",
            '{"ip":"10.0.0.1","port":80}',
            '{"ip":1,"port":"x"}',
            '{"type":"none"}',
            "d\x02g\x02\x01",
            "d\x02g\x02" + "0" * 32 + "\x02t\x01",
            "0" * 32,
        ]
    ),
)
QUERIES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40).map(lambda raw: raw.decode("ascii", "surrogateescape")),
    st.dictionaries(NAMES, VALUES, max_size=9).map(lambda pairs: urlencode(pairs, errors="surrogatepass")),
    st.dictionaries(NAMES, VALUES, max_size=4).map(
        lambda pairs: urlencode({**PERSISTENT, **pairs}, errors="surrogatepass")
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "X-Operation-Id",
            "X-Client-Id",
            "X-Client-Sequence",
            "Content-Type",
            "Long-Pulling-Timeout",
            "casMd5",
        ]
    ),
    st.text(max_size=8) | st.sampled_from(["application/x-www-form-urlencoded", "7"]),
    max_size=4,
)


@given(METHODS, PATHS, QUERIES, st.binary(max_size=40), HEADERS)
@example("POST", INSTANCE, urlencode({**PERSISTENT, "metadata": '{"a":"\\ud800"}'}), b"", {})
def test_any_input_gives_a_sendable_request_or_a_precise_refusal(
    method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    outcome = parse(method, path, query, body, headers)
    if isinstance(outcome, Request):
        packed = msgspec.msgpack.encode(outcome)
        assert msgspec.msgpack.decode(packed, type=Request) == outcome, (
            "it can travel to a leader and into a log"
        )
    elif path != ADMIN_HEALTH or method != "GET":
        refusal = json.loads(outcome.body)
        assert outcome.status in (400, 404, 405)
        assert refusal["reason"]
        assert "\n" not in refusal["reason"]


# ---- replies -------------------------------------------------------------------------------------------

INSTANCE_VALUE = Instance(KEY, 1.0, True, {"registration-id": "r1"})
FIELDS = Fields.of("r1", "web/10.0.0.1:80", {})
REGISTERED = Instance(KEY, FIELDS.weight, True, dict(FIELDS.metadata))
"""The instance as the harness's own client registers it."""


def test_a_write_is_answered_as_nacos_does_with_its_index_and_what_was_there_before() -> None:
    reply = render(Request(Deregister(KEY)), Done(7, INSTANCE_VALUE))
    assert (reply.status, reply.body) == (200, b"ok")
    assert reply.headers == {"X-Raft-Index": "7", "X-Previous-Metadata": '{"registration-id":"r1"}'}
    assert render(Request(Register(KEY)), Done(8, None)).headers == {"X-Raft-Index": "8"}


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_previous_metadata_survives_the_header(metadata: dict[str, str]) -> None:
    value = render(Request(Register(KEY)), Done(1, Instance(KEY, 1.0, True, metadata))).headers[
        "X-Previous-Metadata"
    ]
    assert value.isascii()
    assert value.isprintable()
    assert json.loads(value) == metadata


def test_previous_metadata_too_long_for_a_header_is_replaced_by_its_length() -> None:
    previous = Instance(KEY, 1.0, True, {"a": "x" * 5000})
    headers = render(Request(Register(KEY)), Done(1, previous)).headers
    assert headers == {"X-Raft-Index": "1", "X-Previous-Metadata-Characters": "5008"}


def test_a_lookup_shows_the_instance_as_nacos_does() -> None:
    reply = render(Request(Lookup(KEY)), Done(7, INSTANCE_VALUE))
    assert reply.status == 200
    assert reply.headers["X-Raft-Index"] == "7"
    assert json.loads(reply.body) == {
        "service": "DEFAULT_GROUP@@web",
        "ip": "10.0.0.1",
        "port": 80,
        "clusterName": "DEFAULT",
        "weight": 1.0,
        "healthy": True,
        "enabled": True,
        "ephemeral": False,
        "instanceId": "10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@web",
        "metadata": {"registration-id": "r1"},
    }


def test_a_missing_instance_is_404_with_the_index_at_which_it_was_missing() -> None:
    for answer in (Done(7, None), Refused("not-found", "no such instance", False, 7)):
        reply = render(Request(Lookup(KEY)), answer)
        assert reply.status == 404
        assert reply.headers == {"X-Raft-Index": "7"}
        assert json.loads(reply.body) == {
            "error": "not-found",
            "reason": "no such instance",
            "proposed": False,
        }


def test_a_list_shows_hosts_as_nacos_does() -> None:
    reply = render(Request(ListInstances("web")), Done(9, Listing((INSTANCE_VALUE,))))
    body = json.loads(reply.body)
    assert reply.headers == {"X-Raft-Index": "9"}
    assert [host["ip"] for host in body.pop("hosts")] == ["10.0.0.1"]
    assert body == {
        "name": "DEFAULT_GROUP@@web",
        "groupName": "DEFAULT_GROUP",
        "clusters": "",
        "cacheMillis": 10000,
        "lastRefTime": 9,
        "checksum": "",
        "allIPs": False,
        "reachProtectionThreshold": False,
        "valid": True,
    }


def test_a_list_says_which_instances_are_ephemeral_or_unhealthy_and_whether_that_is_covered_up() -> None:
    sick = Instance(KEY, 1.0, True, {}, BeatTimes(1, 2, 3), healthy=False)
    shown = json.loads(render(Request(ListInstances("web")), Done(9, Listing((sick,), True))).body)
    assert shown["reachProtectionThreshold"] is True
    host = shown["hosts"][0]
    assert (host["healthy"], host["ephemeral"]) == (False, True)
    times = [
        host[name] for name in ("instanceHeartBeatInterval", "instanceHeartBeatTimeOut", "ipDeleteTimeout")
    ]
    assert times == [1, 2, 3]


def test_status_shows_the_node() -> None:
    status = Status("n1", "leader", 3, "n1", "n1", 7, 7, 8, ("n1", "n2"))
    reply = render(Request(GetStatus()), Done(7, status))
    assert json.loads(reply.body) == {
        "name": "n1", "role": "leader", "term": 3, "vote": "n1", "leader": "n1",
        "commit": 7, "applied": 7, "last": 8, "members": ["n1", "n2"], "learners": [],
        "services": 0, "instances": 0, "configs": 0, "watches": 0, "configuration": 0, "refused": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("no-leader", 503),
        ("not-leader", 503),
        ("lost-leadership", 503),
        ("overloaded", 503),
        ("timeout", 504),
        ("bad-request", 400),
    ],
)
@pytest.mark.parametrize("proposed", [True, False])
def test_a_refusal_says_whether_the_write_may_still_happen(code: Any, status: int, proposed: bool) -> None:
    reply = render(Request(Register(KEY)), Refused(code, "why", proposed))
    assert reply.status == status
    assert json.loads(reply.body) == {"error": code, "reason": "why", "proposed": proposed}


@pytest.mark.parametrize(
    ("f", "key", "value", "answer", "result"),
    [
        ("register", "web/10.0.0.1:80", "r1", Done(7, None), "r1"),
        ("update", "web/10.0.0.1:80", "r2", Done(7, REGISTERED), "r2"),
        ("update", "web/10.0.0.1:80", "r2", Refused("not-found", "not registered", False, 7), False),
        ("deregister", "web/10.0.0.1:80", None, Done(7, REGISTERED), "r1"),
        ("deregister", "web/10.0.0.1:80", None, Done(7, None), None),
        ("lookup", "web/10.0.0.1:80", None, Done(7, REGISTERED), "r1"),
        ("lookup", "web/10.0.0.1:80", None, Done(7, None), None),
        ("list", "web", None, Done(7, Listing((REGISTERED,))), {"10.0.0.1:80": "r1"}),
        ("final-local", "web", None, Done(7, Listing(())), {}),
    ],
)
def test_the_harness_own_client_reads_and_writes_the_same_format(
    f: str, key: str, value: Any, answer: Reply, result: Any
) -> None:
    invocation = Operation(5, 0, 2, "invoke", f, key=key, value=value)
    sent = RegistryCodec().encode(invocation)
    query = "&".join(f"{quote(name)}={quote(text)}" for name, text in sent.query)
    request = accepted(sent.method, sent.path, query, headers=dict(sent.headers))
    assert (request.op, request.client, request.sequence) == ("5", "p2", 5)
    reply = render(request, answer)
    headers = {name.lower(): text for name, text in reply.headers.items()}
    ended = RegistryCodec().decode(invocation, ClientReply(reply.status, headers, reply.body))
    assert (ended.type, ended.value, ended.raft_index) == ("ok", result, 7)


FORM_PARTS = st.sampled_from(
    ["a", "b", "=", "&", "+", "%41", "%C3%A9", "%", "%2", "%zz", ";", "%FF", "%3D", "%26"]
)


@given(st.lists(FORM_PARTS, max_size=9).map("".join))
def test_a_query_is_read_as_the_standard_library_reads_it(query: str) -> None:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(BadParameter, match="not UTF-8"):
            Parameters(query)
        return
    if len(dict(pairs)) < len(pairs):
        with pytest.raises(BadParameter, match="given twice"):
            Parameters(query)
        return
    read = Parameters(query)
    assert {name: read.optional(name) for name, _ in pairs} == {name: value or None for name, value in pairs}
