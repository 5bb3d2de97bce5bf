from __future__ import annotations

import json

import pytest

from node_impl.core.api.codec import parse, render
from node_impl.core.api.replies import NodeReply
from node_impl.core.events import Done, Refused
from node_impl.core.requests import AddLearner, Promote, Remove, Request, TransferLeadership
from node_impl.io.options import parse_options


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("POST", "/v1/admin/members", "node=n4", AddLearner("n4")),
        ("PUT", "/v1/admin/members", "node=n4", Promote("n4")),
        ("DELETE", "/v1/admin/members", "node=n4", Remove("n4")),
        ("PUT", "/v1/admin/leader", "to=n2", TransferLeadership("n2")),
    ],
)
def test_an_administrators_wish_is_understood_and_its_answer_rendered(
    method: str, path: str, query: str, body: object
) -> None:
    request = parse(method, path, query, b"", {})
    assert isinstance(request, Request)
    assert request.body == body
    reply = render(request, Done(7))
    assert (reply.status, reply.headers["X-Raft-Index"]) == (200, "7")
    refusal = render(request, Refused("not-leader", "n3 leads; ask it", proposed=False))
    assert refusal.status == 503
    assert json.loads(refusal.body)["reason"] == "n3 leads; ask it"


def test_a_wish_without_a_node_is_refused() -> None:
    reply = parse("POST", "/v1/admin/members", "", b"", {})
    assert isinstance(reply, NodeReply)
    assert reply.status == 400
    assert "node is missing" in json.loads(reply.body)["reason"]


BASE = ["--name=n1", "--listen=1", "--peer-listen=2", "--peer=n2=3", "--data=d", "--trace=t"]


def test_voters_are_named_once_each_and_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_options([*BASE, "--voters", "n2,n1"]).voters == ("n1", "n2")
    assert parse_options(BASE).voters == ()
    for bad, reason in (("n1,n9", "n9, which is neither"), ("n1,n1", "twice"), ("", "is no name")):
        with pytest.raises(SystemExit):
            parse_options([*BASE, "--voters", bad])
        assert reason in capsys.readouterr().err
