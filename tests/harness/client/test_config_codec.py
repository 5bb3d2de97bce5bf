"""The configurations' codec never claims more than a reply says, and the node understands it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.codecs.base import HttpReply, NoReply
from harness.client.codecs.config import ConfigCodec, md5_of
from history import Operation
from node_impl.core.api.codec import parse, render
from node_impl.core.registry.configs import md5_of as nodes_md5_of
from node_impl.core.requests import (
    Config,
    ConfigKey,
    ConfigVersion,
    Done,
    GetConfig,
    PublishConfig,
    Refused,
    RemoveConfig,
    Reply,
    Request,
)

CODEC = ConfigCodec()
KEY = ConfigKey("", "ackproof", "config-1")
HELD = Config(KEY, "one", "text", md5_of("one"), 3)
VERSION = ConfigVersion(md5_of("one"), 3)


def invoke(f: str, value: object = None, key: str | None = "config-1") -> Operation:
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
        (invoke("read"), GetConfig(KEY), Done(9, HELD), "one"),
        (invoke("read"), GetConfig(KEY), Done(9, None), None),
        (invoke("write", "two"), PublishConfig(KEY, "two"), Done(9, VERSION), "two"),
        (invoke("write"), RemoveConfig(KEY), Done(9, None), None),
        (
            invoke("cas", ["one", "two"]),
            PublishConfig(KEY, "two", expected_md5=md5_of("one")),
            Done(9, VERSION),
            ["one", "two"],
        ),
        (
            invoke("cas", ["one", "two"]),
            PublishConfig(KEY, "two", expected_md5=md5_of("one")),
            Refused("conflict", "it holds another", False, 9),
            False,
        ),
    ],
)
def test_node_and_client_understand_each_other(
    operation: Operation, body: object, reply: Reply, value: object
) -> None:
    request, completion = answered(operation, reply)
    assert request.body == body
    assert (request.op, request.client, request.sequence) == ("7", "p3", 7)
    assert (completion.type, completion.value, completion.raft_index) == ("ok", value, 9)


@pytest.mark.parametrize(
    "operation", [invoke("write", "two"), invoke("write"), invoke("cas", ["one", "two"])]
)
def test_a_write_is_fail_only_if_it_certainly_did_not_happen(operation: Operation) -> None:
    assert CODEC.decode(operation, NoReply("timed out", sent=True)).type == "info"
    assert CODEC.decode(operation, NoReply("connection refused", sent=False)).type == "fail"
    assert answered(operation, Refused("timeout", "why", True))[1].type == "info"
    assert answered(operation, Refused("no-leader", "why", False))[1].type == "fail"


def test_a_read_without_an_answer_is_fail() -> None:
    assert CODEC.decode(invoke("read"), NoReply("timed out", sent=True)).type == "fail"
    assert answered(invoke("read"), Refused("timeout", "why", False))[1].type == "fail"


@given(st.sampled_from(["read", "write", "cas"]), st.integers(200, 599), st.binary(max_size=60))
def test_garbage_is_never_taken_for_success(f: str, status: int, body: bytes) -> None:
    operation = invoke(f, {"write": "two", "cas": ["one", "two"]}.get(f))
    completion = CODEC.decode(operation, HttpReply(status, {}, body))
    if completion.type == "ok":
        assert status == 200
    elif completion.error is not None and "unexpected" not in completion.error:
        json.loads(body)  # it was a refusal


@pytest.mark.parametrize(
    "operation", [invoke("cas", "two"), invoke("write", 3), invoke("swap"), invoke("read", key=None)]
)
def test_what_a_workload_may_not_ask_is_refused(operation: Operation) -> None:
    with pytest.raises(ValueError, match=r"names no key|configurations know no"):
        CODEC.encode(operation)


@given(st.text(max_size=20))
def test_client_and_node_name_a_content_alike(content: Any) -> None:
    assert md5_of(content) == nodes_md5_of(content)
