"""Each place where the node refuses a request, and the test that shows its rule and what it says of effects.

What is wrong with parameters is in `core/api/test_every_rule.py`. A place that is not listed fails a test.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")

import grpc.aio

import node_impl
from history.units import SECOND_NS
from node_impl.core.api.payloads.wire import Payload, encode
from node_impl.core.api.replies import NodeReply
from node_impl.core.events import Received
from node_impl.core.raft.messages import Envelope, Forward, ForwardReply
from node_impl.core.registry.sessions import Outcome
from node_impl.core.requests import (
    Beat,
    BeatTimes,
    Done,
    InstanceKey,
    Refused,
    Register,
    Reply,
    Request,
    ServiceKey,
)
from node_impl.io.grpc import connections
from node_impl.io.grpc.calls import CALLS, Calls
from node_impl.io.grpc.connections import Connection
from node_impl.io.grpc.watches import Watches
from node_impl.io.http.access import Access, Role
from node_impl.io.http.connection import HttpMessage
from node_impl.io.http.limits import DEFAULT_LIMITS
from node_impl.io.http.listener import HttpListener
from tests.node_impl.cluster import CONFIG, Cluster, key, register
from tests.node_impl.io.grpc.speaking import Speaker
from tests.node_impl.io.grpc.test_limits import Node

SOURCE: Final = Path(node_impl.__file__).parent
TESTS: Final = Path(__file__).parent
CONNECTS: Final = encode(Payload("ConnectionSetupRequest"))
REFUSES: Final = frozenset({"Refused", "refuse", "Denied", "answers.failed", "context.abort"})

API, HTTP, GRPC, SERVING = "core/api/test_codec.py", "io/http/", "io/grpc/", "core/serving/"
HERE: Final = "test_refusals.py"
SHOWN: Final = {
    "core/api/codec.py parse": (API, "test_an_unknown_path_or_method_differs_from_a_missing_instance"),
    "core/api/codec.py render": (
        "core/api/test_results.py",
        "test_a_refusal_has_nacos_code_and_says_whether_anything_was_proposed",
    ),
    "core/api/codec.py _render": (API, "test_a_refusal_says_whether_the_write_may_still_happen"),
    "core/api/configs.py render_get": (
        "core/api/test_results.py",
        "test_a_refusal_has_nacos_code_and_says_whether_anything_was_proposed",
    ),
    "core/api/instances.py render_lookup": (
        API,
        "test_a_missing_instance_is_404_with_the_index_at_which_it_was_missing",
    ),
    "core/api/services.py render_get": (
        "core/api/test_services.py",
        "test_a_service_that_is_absent_or_may_not_be_deleted_is_refused_with_an_index",
    ),
    "core/node.py _accept": (
        f"{SERVING}test_requests.py",
        "test_more_requests_than_may_wait_are_refused_as_overload",
    ),
    "core/registry/sessions.py apply": (
        "core/registry/test_sessions.py",
        "test_another_write_under_the_same_sequence_is_refused_and_the_first_one_stays_repeatable",
    ),
    "core/registry/sessions.py _expired": (
        "core/registry/test_sessions.py",
        "test_a_forgotten_client_is_refused_with_the_name_of_a_new_session",
    ),
    "core/serving/administration.py plan": (
        "core/raft/test_membership.py",
        "test_a_node_that_does_not_lead_refuses_and_names_the_leader",
    ),
    "core/serving/administration.py _bad": (
        "core/raft/test_membership.py",
        "test_a_change_that_makes_no_sense_is_refused_without_effect",
    ),
    "core/serving/administration.py _later": (
        "core/raft/test_membership.py",
        "test_a_second_change_waits_until_the_first_is_committed",
    ),
    "core/serving/beats.py outcome_of_late_beat": (
        f"{SERVING}test_beats.py",
        "test_a_beat_never_resurrects_what_was_deregistered_and_asks_to_register_again",
    ),
    "core/serving/beats.py beat": (
        HERE,
        "test_a_leader_that_is_new_does_not_say_that_an_instance_is_unknown",
    ),
    "core/serving/client_reads.py answer": (
        f"{SERVING}test_long_polls.py",
        "test_more_long_polls_than_may_wait_are_refused_and_a_free_place_is_used_again",
    ),
    "core/serving/client_reads.py stop": (
        f"{SERVING}test_long_polls.py",
        "test_an_orderly_end_refuses_waiting_clients",
    ),
    "core/serving/client_writes.py outcome_of_orphan": (
        f"{SERVING}test_requests.py",
        "test_a_leader_without_a_majority_never_acknowledges_and_does_not_call_the_write_undone",
    ),
    "core/serving/client_writes.py on_forward": (
        HERE,
        "test_a_leader_with_too_many_writes_refuses_a_forward",
    ),
    "core/serving/client_writes.py stop": (
        f"{SERVING}test_requests.py",
        "test_an_orderly_end_refuses_what_waits_and_is_the_last_line_of_the_trace",
    ),
    "core/serving/open_requests.py _expire": (
        f"{SERVING}test_requests.py",
        "test_a_write_is_refused_as_not_proposed_after_a_bounded_wait_for_a_leader",
    ),
    "core/serving/open_requests.py stop": (
        f"{SERVING}test_requests.py",
        "test_an_orderly_end_refuses_what_waits_and_is_the_last_line_of_the_trace",
    ),
    "core/serving/state_machine.py _carry_out": (
        f"{SERVING}test_requests.py",
        "test_an_update_changes_what_is_named_and_is_refused_where_there_is_nothing",
    ),
    "io/driver.py stop": (
        "io/test_driver.py",
        "test_an_orderly_end_waits_for_the_disk_and_answers_waiting_clients",
    ),
    "io/grpc/calls.py <module>": (HERE, "test_a_connection_that_watches_too_much_is_refused_more"),
    "io/grpc/calls.py answer": ("core/api/test_every_rule.py", "test_a_refusal_over_grpc_says_so_too"),
    "io/grpc/calls.py config": (HERE, "test_a_configuration_that_is_not_there"),
    "io/grpc/connections.py register": (HERE, "test_a_connection_has_a_bounded_number_of_instances"),
    "io/grpc/connections.py register_all": (HERE, "test_a_batch_may_have_an_effect_if_any_part_may"),
    "io/grpc/listener.py _answer": (
        f"{GRPC}test_grpc.py",
        "test_what_is_no_proper_message_is_refused_and_nothing_is_proposed",
    ),
    "io/grpc/listener.py _request": (
        f"{GRPC}test_limits.py",
        "test_large_requests_are_refused_while_too_much_waits",
    ),
    "io/grpc/listener.py _stream": (HERE, "test_a_stream_that_is_refused_says_that_nothing_was_proposed"),
    "io/http/access.py refusal": (
        f"{HTTP}test_access.py",
        "test_a_refusal_says_which_rule_and_shows_no_token",
    ),
    "io/http/access.py refusal_of": (
        f"{HTTP}test_access.py",
        "test_a_refusal_says_which_rule_and_shows_no_token",
    ),
    "io/http/connection.py reason_against": (
        f"{HTTP}test_limits.py",
        "test_one_address_has_its_share_of_the_connections",
    ),
    "io/http/connection.py look": (
        f"{HTTP}test_limits.py",
        "test_a_request_that_does_not_arrive_in_time_is_refused_and_its_connection_closed",
    ),
    "io/http/connection.py _no_room": (
        f"{HTTP}test_limits.py",
        "test_a_large_request_is_refused_while_others_take_the_room_and_a_small_one_is_served",
    ),
    "io/http/connection.py on_body": (
        f"{HTTP}test_connection.py",
        "test_a_body_that_is_too_long_is_not_kept_and_the_connection_goes_on",
    ),
    "io/http/connection.py _refuse_bytes": (
        f"{HTTP}test_connection.py",
        "test_what_is_not_http_is_refused_in_one_line_and_disconnected",
    ),
    "io/http/listener.py _defect": (HERE, "test_a_defect_is_answered_as_what_may_have_had_an_effect"),
    "io/http/login.py log_in": (
        f"{HTTP}test_login.py",
        "test_what_is_no_login_is_refused_and_shows_no_token",
    ),
}
"""By file and function, the test that shows what it says."""


def refusing() -> Iterator[str]:
    """The file and function of each refusal in the node's source."""
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in REFUSES:
                around = [one for one in functions if one.lineno <= call.lineno <= (one.end_lineno or 0)]
                inner = max(around, key=lambda one: one.lineno).name if around else "<module>"
                yield f"{file.relative_to(SOURCE)} {inner}"


def test_each_place_that_refuses_is_shown_by_a_test() -> None:
    assert set(refusing()) == set(SHOWN)
    for where, name in SHOWN.values():
        assert f"def {name}" in (TESTS / where).read_text(), (where, name)


def test_a_leader_that_is_new_does_not_say_that_an_instance_is_unknown() -> None:
    cluster = Cluster(3)
    cluster.start()
    leader = cluster.elect()
    cluster.node(leader).beats._watch.term -= 1  # as it is until its first entry is applied
    reply = cluster.answer(leader, Beat(key(1)))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.proposed) == ("no-leader", False)
    assert reply.reason == f"{leader} leads since just now and cannot tell yet"


def test_a_leader_with_too_many_writes_refuses_a_forward() -> None:
    cluster = Cluster(3, config=replace(CONFIG, max_pending=1))
    cluster.start()
    leader = cluster.elect()
    follower = next(name for name in cluster.names if name != leader)
    cluster.run(SECOND_NS)
    term, outcomes = cluster.node(leader).raft.state.current_term, list[Outcome]()

    def watch(to: str, envelope: Envelope) -> bool:
        if isinstance(envelope.body, ForwardReply):
            outcomes.append(envelope.body.outcome)
        return True

    cluster.drop = watch
    for number in (1, 2):
        forward = Forward(term, Request(register(number)))
        cluster.step(leader, Received(Envelope(f"{follower}:1:{9_000 + number}", follower, forward)))
    [refused] = outcomes
    assert isinstance(refused, Refused)
    assert (refused.code, refused.proposed) == ("overloaded", False)
    assert refused.reason == "1 writes wait at the leader already"


def connection(*replies: Reply) -> Connection:
    """A connection to a node that answers so, one after another."""
    left = list(replies)

    async def ask(_: Request) -> Reply:
        return left.pop(0)

    return Connection("peer", ask, Watches(ask, print), lambda: None)


def instance(number: int) -> Register:
    return Register(InstanceKey("web", f"10.0.0.{number}", 80), beats=BeatTimes())


def test_a_connection_has_a_bounded_number_of_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_INSTANCES", 1)

    async def talk() -> None:
        one = connection(Done(1))
        assert isinstance(await one.register(instance(1)), Done)
        reply = await one.register(instance(2))
        assert isinstance(reply, Refused)
        assert (reply.code, reply.proposed) == ("overloaded", False)
        assert reply.reason == "1 instances live by this connection; use another one for more"

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("replies", "proposed"),
    [
        ([Refused("no-leader", "none", False), Refused("no-leader", "none", False)], False),
        ([Refused("no-leader", "none", False), Refused("timeout", "late", True)], True),
        ([Refused("no-leader", "none", False), Done(1)], True),
    ],
)
def test_a_batch_may_have_an_effect_if_any_part_may(replies: list[Reply], proposed: bool) -> None:
    async def talk() -> None:
        reply = await connection(*replies).register_all(
            ServiceKey("public", "DEFAULT_GROUP", "web"), (instance(1), instance(2))
        )
        assert isinstance(reply, Refused)
        assert (reply.code, reply.proposed) == ("no-leader", proposed)
        refused = sum(isinstance(one, Refused) for one in replies)
        assert reply.reason == f"of 2 changes {refused} were refused: none"

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("SubscribeServiceRequest", {"serviceName": "web"}),
        ("ConfigBatchListenRequest", {"configListenContexts": [{"dataId": "a", "group": "g"}]}),
    ],
)
def test_a_connection_that_watches_too_much_is_refused_more(
    kind: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_WATCHED", 0)
    said = answered(kind, fields)
    assert (said["errorCode"], said["success"]) == (503, False)
    assert said["message"].startswith("overloaded: this connection watches")
    assert said["message"].endswith("(nothing was proposed)")


def test_a_configuration_that_is_not_there() -> None:
    said = answered("ConfigQueryRequest", {"dataId": "a", "group": "g"}, Done(3, None))
    assert (said["errorCode"], said["message"]) == (300, "config data not exist (nothing was proposed)")


def answered(kind: str, fields: dict[str, Any], *replies: Reply) -> dict[str, Any]:
    """The answer to a message at a node that answers so."""
    left = list(replies)

    async def ask(_: Request) -> Reply:
        return left.pop(0)

    async def talk() -> dict[str, Any]:
        payload = Payload(kind, json.dumps(fields).encode())
        answer = await Calls(ask, BeatTimes()).answer(CALLS[kind], payload, connection())
        said: dict[str, Any] = json.loads(answer.body)
        return said

    return asyncio.run(talk())


def test_a_stream_that_is_refused_says_that_nothing_was_proposed() -> None:
    async def talk() -> None:
        node = Node()
        listener, port = node.listener(replace(DEFAULT_LIMITS, connections_of_an_address=1, request_s=1))
        await listener.listen()
        first = Speaker(port)
        try:
            await first.set_up()
            for sent, why in (
                (b"\xff", "a number that does not end"),
                (None, "not complete within"),
                (CONNECTS, "connections from .* are open"),
            ):
                assert re.search(f"{why}.*; nothing was proposed$", await reason_of_stream(port, sent))
        finally:
            await first.close()
            await listener.close()

    asyncio.run(talk())


async def reason_of_stream(port: int, sent: bytes | None) -> str:
    """Why a stream that begins with those bytes is refused."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        stream = channel.stream_stream("/BiRequestStream/requestBiStream")()
        if sent is not None:
            await stream.write(sent)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await asyncio.wait_for(stream.read(), 10)
        return str(refused.value.details())


class Broken(Access):
    """Access rules with a defect."""

    def refusal(self, message: HttpMessage) -> NoReturn:
        raise ZeroDivisionError(message.path)


def test_a_defect_is_answered_as_what_may_have_had_an_effect() -> None:
    defects, replies = list[Exception](), list[NodeReply]()
    listener = HttpListener(lambda *_: None, defects.append, lambda line: None, access=Broken({}, Role.ADMIN))
    message = HttpMessage()
    message.method, message.path = "POST", "/nacos/v1/ns/instance"
    listener._serve(message, replies.append)
    [reply] = replies
    assert (reply.status, json.loads(reply.body)) == (
        500,
        {"error": "defect", "reason": "the node has a defect and stops; its log says more", "proposed": True},
    )
    assert [type(one) for one in defects] == [ZeroDivisionError]
