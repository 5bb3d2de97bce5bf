"""The ephemeral instances' codec and the node understand each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from harness.client.codecs.base import HttpReply, NoReply
from harness.client.codecs.ephemeral import TAKEN, TIMES, UNKNOWN, EphemeralCodec
from harness.client.codecs.registry import Fields
from history import Operation
from node_impl.core.api.codec import parse, render
from node_impl.core.requests import (
    Beat,
    BeatTimes,
    Deregister,
    Done,
    Instance,
    InstanceKey,
    Listing,
    ListInstances,
    Lookup,
    Refused,
    Register,
    Reply,
    Request,
    Update,
)

CODEC = EphemeralCodec()
KEY = InstanceKey("svc-1", "10.0.0.1", 80)
FIELDS = Fields.of("r7", "svc-1/10.0.0.1:80", TIMES)
METADATA, WEIGHT = dict(FIELDS.metadata), FIELDS.weight
HELD = Instance(KEY, WEIGHT, True, METADATA, BeatTimes(100, 300, 600), index=3)
UPDATE = Update(KEY, None if FIELDS.is_weight_of_key else WEIGHT, metadata=METADATA)
LISTED = {"10.0.0.1:80": "r7"}
GONE = Refused("not-found", "not registered", False, 9)


def invoke(f: str, value: object = None, key: str = "svc-1/10.0.0.1:80") -> Operation:
    return Operation(index=7, time=1, process=3, type="invoke", f=f, key=key, value=value)


def answered(operation: Operation, reply: Reply) -> tuple[Request, Operation]:
    """What the node is asked, and the completion for what it answers."""
    sent = CODEC.encode(operation)
    request = parse(sent.method, sent.path, urlencode(sent.query), sent.body, dict(sent.headers))
    assert isinstance(request, Request), request
    http = render(request, reply)
    headers = {name.lower(): text for name, text in http.headers.items()}
    return request, CODEC.decode(operation, HttpReply(http.status, headers, http.body))


@pytest.mark.parametrize(
    ("operation", "body", "reply", "value"),
    [
        (
            invoke("register", "r7"),
            Register(KEY, WEIGHT, metadata=METADATA, beats=HELD.beats),
            Done(9, None),
            "r7",
        ),
        (invoke("update", "r7"), UPDATE, Done(9, HELD), "r7"),
        (invoke("update", "r7"), UPDATE, GONE, False),
        (invoke("deregister"), Deregister(KEY), Done(9, HELD), "r7"),
        (invoke("beat"), Beat(KEY), Done(9, HELD), TAKEN),
        (invoke("beat"), Beat(KEY), GONE, UNKNOWN),
        (invoke("lookup"), Lookup(KEY), Done(9, HELD), "r7"),
        (
            invoke("list", key="svc-1"),
            ListInstances("svc-1"),
            Done(9, Listing((HELD,))),
            {"10.0.0.1:80": "r7"},
        ),
    ],
)
def test_node_and_client_understand_each_other(
    operation: Operation, body: object, reply: Reply, value: Any
) -> None:
    request, completion = answered(operation, reply)
    assert request.body == body
    assert (completion.type, completion.value, completion.raft_index) == ("ok", value, 9)


@pytest.mark.parametrize("f", ["register", "update", "deregister"])
def test_a_write_is_fail_only_if_it_certainly_did_not_happen(f: str) -> None:
    operation = invoke(f, "r7")
    assert CODEC.decode(operation, NoReply("timed out", sent=True)).type == "info"
    assert answered(operation, Refused("timeout", "why", True))[1].type == "info"
    assert answered(operation, Refused("no-leader", "why", False))[1].type == "fail"


def test_a_beat_without_an_answer_is_fail_as_it_changes_nothing_to_rely_on() -> None:
    assert CODEC.decode(invoke("beat"), NoReply("timed out", sent=True)).type == "fail"
    assert answered(invoke("beat"), Refused("timeout", "why", False))[1].type == "fail"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"code":1}', b"ok"])
def test_an_answer_to_a_beat_that_is_none_is_unexpected(body: bytes) -> None:
    completion = CODEC.decode(invoke("beat"), HttpReply(200, {}, body))
    assert completion.type == "fail"
    assert str(completion.error).startswith("unexpected: ")
