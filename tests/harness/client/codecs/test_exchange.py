"""One operation from invocation to completion: which requests it sends, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.exchange import Exchange
from harness.client.codecs.retries import Retries
from history import Operation

INVOCATION = Operation(
    index=6, time=1, process=3, type="invoke", f="register", key="k", value="r6", node="n2"
)
RETRIES = Retries(("n1", "n2", "n3"), frozenset({"register"}), tries=3, every=0, pause_ns=70)
OK = HttpReply(200, {}, b"")
LOST = NoReply("timed out after 2 s", sent=True)
REFUSED = NoReply("connection refused", sent=False)


class NodeNames:
    """A codec whose requests name the node that they go to."""

    def encode(self, operation: Operation) -> HttpRequest:
        return HttpRequest("POST", f"/{operation.node}")

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        if isinstance(reply, HttpReply):
            return msgspec.structs.replace(operation, type="ok")
        return msgspec.structs.replace(operation, type="info" if reply.sent else "fail", error=reply.reason)


def carried(retries: Retries | None, replies: Iterator[HttpReply | NoReply]) -> tuple[list[str], Operation]:
    """The paths of all requests, and the completion; every reply must have been taken."""
    exchange, paths = Exchange.begin(NodeNames(), retries, INVOCATION), list[str]()
    assert exchange.pause_ns == 0
    for reply in replies:
        assert exchange.request().path == f"/{exchange.node}"
        paths.append(exchange.request().path)
        following = exchange.after(reply)
        if isinstance(following, Operation):
            assert next(replies, None) is None
            return paths, following
        assert following.pause_ns == 70
        exchange = following
    pytest.fail("it wants another reply")


def test_without_retries_an_operation_is_one_request() -> None:
    paths, completion = carried(None, iter([LOST]))
    assert paths == ["/n2"]
    assert completion == msgspec.structs.replace(INVOCATION, type="info", error="timed out after 2 s")


def test_a_write_with_an_unknown_outcome_is_sent_to_the_next_nodes_until_one_answers() -> None:
    paths, completion = carried(RETRIES, iter([LOST, LOST, OK]))
    assert paths == ["/n2", "/n3", "/n1"]
    assert (completion.type, completion.node) == ("ok", "n1")


def test_a_write_that_was_refused_at_once_is_over() -> None:
    paths, completion = carried(RETRIES, iter([REFUSED]))
    assert paths == ["/n2"]
    assert completion.type == "fail"


def test_a_refusal_of_a_later_request_leaves_the_outcome_unknown() -> None:
    paths, completion = carried(RETRIES, iter([LOST, REFUSED, REFUSED]))
    assert len(paths) == 3
    assert completion.type == "info"
