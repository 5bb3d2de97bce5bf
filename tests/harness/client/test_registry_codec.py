"""The registry's codec never claims more than a reply says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.codecs.base import HttpReply, NoReply
from harness.client.codecs.registry import READS, RegistryCodec
from harness.client.data_types import REGISTRY_WRITES
from history import Operation

CODEC = RegistryCodec()


def invoke(f: str, key: str = "svc-1/10.0.0.1:80", value: object = None) -> Operation:
    return Operation(index=7, time=1, process=3, type="invoke", f=f, key=key, value=value)


def refusal(status: int, error: str, *, proposed: bool) -> HttpReply:
    body = json.dumps({"error": error, "reason": "because", "proposed": proposed}).encode()
    return HttpReply(status, {}, body)


def test_a_register_carries_its_registration_id_and_operation_id() -> None:
    request = CODEC.encode(invoke("register", value="r9"))
    assert (request.method, dict(request.query)["metadata"]) == ("POST", '{"registration-id":"r9"}')
    assert ("X-Operation-Id", "7") in request.headers


@pytest.mark.parametrize("f", sorted(REGISTRY_WRITES))
def test_a_write_without_a_reply_is_info_unless_no_byte_left(f: str) -> None:
    assert CODEC.decode(invoke(f), NoReply("timed out", sent=True)).type == "info"
    assert CODEC.decode(invoke(f), NoReply("connection refused", sent=False)).type == "fail"


@pytest.mark.parametrize("f", sorted(READS))
def test_a_read_without_a_reply_is_fail(f: str) -> None:
    assert CODEC.decode(invoke(f), NoReply("timed out", sent=True)).type == "fail"


def test_a_refused_write_is_fail_only_if_nothing_was_proposed() -> None:
    assert CODEC.decode(invoke("register"), refusal(503, "no-leader", proposed=False)).type == "fail"
    assert CODEC.decode(invoke("register"), refusal(503, "lost-leadership", proposed=True)).type == "info"


def test_a_deregister_says_what_it_removed() -> None:
    removed = HttpReply(200, {"x-raft-index": "12", "x-previous-metadata": '{"registration-id":"r3"}'}, b"ok")
    completion = CODEC.decode(invoke("deregister"), removed)
    assert (completion.type, completion.value, completion.raft_index) == ("ok", "r3", 12)
    assert CODEC.decode(invoke("deregister"), HttpReply(200, {}, b"ok")).value is None


def test_a_deregister_that_cannot_name_what_it_removed_never_claims_that_it_removed_nothing() -> None:
    reply = HttpReply(200, {"x-raft-index": "12", "x-previous-metadata-characters": "9000"}, b"ok")
    completion = CODEC.decode(invoke("deregister"), reply)
    assert completion.type == "info"
    assert str(completion.error).startswith("unexpected: ")


def test_an_update_carries_its_new_id_and_names_the_kind_of_instance() -> None:
    request = CODEC.encode(invoke("update", value="r9"))
    query = dict(request.query)
    assert (request.method, query["metadata"], query["ephemeral"]) == (
        "PUT",
        '{"registration-id":"r9"}',
        "false",
    )
    completion = CODEC.decode(invoke("update", value="r9"), HttpReply(200, {"x-raft-index": "12"}, b"ok"))
    assert (completion.type, completion.value, completion.raft_index) == ("ok", "r9", 12)


def test_an_update_that_found_nothing_at_an_index_is_answered_and_without_an_index_only_refused() -> None:
    reply = refusal(404, "not-found", proposed=False)
    placed = HttpReply(reply.status, {"x-raft-index": "12"}, reply.body)
    found = CODEC.decode(invoke("update", value="r9"), placed)
    assert (found.type, found.value, found.raft_index) == ("ok", False, 12)
    unplaced = CODEC.decode(invoke("update", value="r9"), reply)
    assert (unplaced.type, unplaced.raft_index) == ("fail", None)
    assert CODEC.decode(invoke("update"), refusal(404, "not-found", proposed=True)).type == "info"
    assert CODEC.decode(invoke("update"), refusal(409, "conflict", proposed=False)).type == "fail"


def test_a_lookup_of_nothing_is_ok_and_none() -> None:
    completion = CODEC.decode(invoke("lookup"), refusal(404, "not-found", proposed=False))
    assert (completion.type, completion.value) == ("ok", None)


def test_a_list_names_every_instance_by_address() -> None:
    body = json.dumps(
        {"hosts": [{"ip": "10.0.0.1", "port": 80, "metadata": {"registration-id": "r1"}, "weight": 1.0}]}
    ).encode()
    completion = CODEC.decode(invoke("list", key="svc-1"), HttpReply(200, {"x-raft-index": "4"}, body))
    assert completion.value == {"10.0.0.1:80": "r1"}


@given(
    f=st.sampled_from(sorted(REGISTRY_WRITES | READS)),
    status=st.integers(100, 599),
    headers=st.dictionaries(st.sampled_from(["x-raft-index", "x-previous-metadata"]), st.text(max_size=8)),
    body=st.binary(max_size=40),
)
def test_no_reply_makes_the_codec_raise_or_a_write_that_may_have_happened_fail(
    f: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    completion = CODEC.decode(invoke(f), HttpReply(status, headers, body))
    if f in REGISTRY_WRITES and status != 200:
        assert completion.type == "info"  # no such body says `proposed: false`
    if completion.type == "ok":
        assert status == 200


@pytest.mark.parametrize("key", ["svc", "svc/nowhere", "/1.2.3.4:5", "svc/1.2.3.4:x"])
def test_a_key_of_another_shape_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="SERVICE/IP:PORT"):
        CODEC.encode(invoke("lookup", key=key))
