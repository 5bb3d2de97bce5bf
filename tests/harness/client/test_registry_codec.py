"""The registry's codec never claims more than a reply says."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.codecs.base import HttpReply, NoReply
from harness.client.codecs.node_replies import DOCUMENTED, MOST_WAITING, PROPOSED
from harness.client.codecs.registry import READS, Fields, RegistryCodec
from harness.client.data_types import REGISTRY_WRITES
from history import Operation
from tests import REPOSITORY

CODEC = RegistryCodec()


def invoke(f: str, key: str = "svc-1/10.0.0.1:80", value: object = None) -> Operation:
    return Operation(index=7, time=1, process=3, type="invoke", f=f, key=key, value=value)


def fields(id_: str) -> Fields:
    return Fields.of(id_, "svc-1/10.0.0.1:80", {})


def shown(id_: str) -> dict[str, object]:
    """An instance as a node shows it."""
    due = fields(id_)
    return {
        "ip": "10.0.0.1",
        "port": 80,
        "metadata": dict(due.metadata),
        "weight": due.weight,
        "enabled": True,
        "healthy": True,
    }


def refusal(status: int, error: str, *, proposed: bool, reason: str = "because") -> HttpReply:
    body = json.dumps({"error": error, "reason": reason, "proposed": proposed}).encode()
    return HttpReply(status, {}, body)


def test_a_register_carries_its_registration_id_and_operation_id() -> None:
    request = CODEC.encode(invoke("register", value="r9"))
    assert request.method == "POST"
    assert json.loads(dict(request.query)["metadata"])["registration-id"] == "r9"
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
    metadata = json.dumps(dict(fields("r3").metadata))
    removed = HttpReply(200, {"x-raft-index": "12", "x-previous-metadata": metadata}, b"ok")
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
    assert (request.method, query["ephemeral"]) == ("PUT", "false")
    assert json.loads(query["metadata"])["registration-id"] == "r9"
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
    body = json.dumps({"hosts": [shown("r1")]}).encode()
    completion = CODEC.decode(invoke("list", key="svc-1"), HttpReply(200, {"x-raft-index": "4"}, body))
    assert completion.value == {"10.0.0.1:80": "r1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight": 77.0}, "weight 77.0, not "),
        ({"enabled": False}, "not enabled"),
        ({"healthy": False}, "not healthy"),
        ({"metadata": {"registration-id": "r1", "zone": "another"}}, "zone another, not zone-"),
        ({"metadata": {"registration-id": "r1"}}, "zone missing, not zone-"),
    ],
)
def test_an_instance_with_a_field_of_another_registration_has_an_id_that_no_client_wrote(
    changes: dict[str, object], words: str
) -> None:
    body = json.dumps({**shown("r1"), **changes}).encode()
    found = CODEC.decode(invoke("lookup"), HttpReply(200, {"x-raft-index": "4"}, body))
    assert found.type == "ok"
    assert str(found.value).startswith(f"r1 ({words}")


def test_an_update_names_the_weight_where_it_follows_from_the_id_and_leaves_that_of_a_key() -> None:
    named = 0
    for host in range(1, 21):
        invocation = invoke("update", f"svc-1/10.0.0.{host}:80", "r9")
        weight = dict(CODEC.encode(invocation).query).get("weight")
        named += weight is not None
        due = Fields.of("r9", str(invocation.key), {})
        assert weight == (None if due.is_weight_of_key else str(due.weight))
        assert "weight" in dict(CODEC.encode(invoke("register", str(invocation.key), "r9")).query)
    assert 4 < named < 16


def test_some_registrations_are_large_and_a_reply_can_name_all_of_them() -> None:
    sizes = [len(json.dumps(dict(fields(f"r{number}").metadata))) for number in range(2000)]
    assert sum(size > 1000 for size in sizes) > 10
    assert max(sizes) < 4096


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


@pytest.mark.parametrize(("status", "error"), [(418, "teapot"), (503, "busy"), (504, "not-leader")])
def test_a_refusal_that_the_documentation_does_not_list_is_named_and_claims_nothing(
    status: int, error: str
) -> None:
    completion = CODEC.decode(invoke("register"), refusal(status, error, proposed=False))
    assert completion.type == "info"
    assert str(completion.error).startswith(f"undocumented: status {status} with the refusal {error}")
    assert CODEC.decode(invoke("lookup"), refusal(status, error, proposed=False)).type == "fail"


def test_the_refusals_that_a_client_knows_are_those_of_the_page() -> None:
    page = (REPOSITORY / "docs" / "node.md").read_text(encoding="utf-8")
    table = page.partition("| status | error | | `proposed` |")[2].partition("\n\n")[0]
    listed: set[tuple[int, str]] = set()
    claims: dict[str, str] = {}
    for row in table.splitlines()[2:]:
        statuses, names = (
            re.findall(r"[0-9]+", row.split("|")[1]),
            re.findall(r"`([a-z-]+)`", row.split("|")[2]),
        )
        claims |= dict.fromkeys(names, row.split("|")[4].strip())
        one_each = zip(statuses, names, strict=True) if len(statuses) == len(names) else ()
        listed |= {(int(one), name) for one, name in one_each}
        listed |= {(int(one), name) for one in statuses for name in names if len(statuses) == 1}
    assert listed == {(status, name) for status, names in DOCUMENTED.items() for name in names}
    assert {name: claim == "true" for name, claim in claims.items() if claim != "either"} == PROPOSED


@pytest.mark.parametrize(
    ("status", "error", "proposed"),
    [(410, "session-expired", True), (409, "stale-sequence", True), (503, "overloaded", False)],
)
@pytest.mark.parametrize("f", ["register", "lookup"])
def test_a_refusal_that_claims_what_it_never_may_is_named(
    status: int, error: str, proposed: bool, f: str
) -> None:
    honest = CODEC.decode(invoke(f), refusal(status, error, proposed=proposed))
    assert "undocumented" not in str(honest.error)
    wrong = CODEC.decode(invoke(f), refusal(status, error, proposed=not proposed))
    assert str(wrong.error).startswith(f"undocumented: {error} that says that the request ")
    assert wrong.type == ("info" if f == "register" else "fail")


@pytest.mark.parametrize("f", ["lookup", "update"])
def test_what_is_not_found_changed_nothing(f: str) -> None:
    wrong = CODEC.decode(invoke(f), refusal(404, "not-found", proposed=True))
    assert str(wrong.error).startswith("undocumented: not-found")


@pytest.mark.parametrize("what", ["requests wait here", "writes wait at the leader", "long polls wait here"])
def test_a_node_is_overloaded_only_where_as_much_waits_as_is_documented(what: str) -> None:
    for waiting, is_honest in ((MOST_WAITING, True), (MOST_WAITING - 1, False)):
        reply = refusal(503, "overloaded", proposed=False, reason=f"{waiting} {what} already")
        for f in ("register", "lookup"):
            completion = CODEC.decode(invoke(f), reply)
            assert completion.type == "fail"
            assert str(completion.error).startswith("overloaded: ") is is_honest
            assert str(completion.error).startswith("undocumented: overloaded, ") is not is_honest
