"""When a write is sent again, and what its replies mean together."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from harness.client.codecs.retries import Retries
from history import Operation

NODES = ("n1", "n2", "n3")
RETRIES = Retries(NODES, frozenset({"register"}), tries=3, every=0)
INVOCATION = Operation(
    index=6, time=1, process=3, type="invoke", f="register", key="k", value="r6", node="n2"
)


def reply(type_: str, index: int | None = None, node: str = "n2") -> Operation:
    return msgspec.structs.replace(INVOCATION, type=type_, raft_index=index, node=node)


def test_a_write_whose_outcome_is_unknown_goes_to_the_next_node_as_it_is() -> None:
    again = RETRIES.follow(INVOCATION, (reply("info"),))
    assert again == msgspec.structs.replace(INVOCATION, node="n3")
    third = RETRIES.follow(INVOCATION, (reply("info"), reply("info")))
    assert third.node == "n1"


def test_the_answer_to_a_repetition_is_the_operations_completion() -> None:
    answer = reply("ok", 9, "n3")
    assert RETRIES.follow(INVOCATION, (reply("info"), answer)) == answer


def test_a_write_that_certainly_did_not_happen_is_not_repeated() -> None:
    assert RETRIES.follow(INVOCATION, (reply("fail"),)) == reply("fail")


def test_reads_are_never_repeated() -> None:
    lookup = msgspec.structs.replace(INVOCATION, f="lookup")
    failed = msgspec.structs.replace(lookup, type="fail")
    assert RETRIES.follow(lookup, (failed,)) == failed


def test_some_writes_are_repeated_though_they_were_answered_and_the_later_answer_counts() -> None:
    retries = msgspec.structs.replace(RETRIES, every=3)
    again = retries.follow(INVOCATION, (reply("ok", 9),))
    assert (again.type, again.node) == ("invoke", "n3")
    assert retries.follow(INVOCATION, (reply("ok", 9), reply("ok", 12))).raft_index == 12
    assert retries.follow(INVOCATION, (reply("ok", 9), reply("info"))).raft_index == 9
    assert retries.follow(msgspec.structs.replace(INVOCATION, index=7), (reply("ok", 9),)).type == "ok"


@given(
    st.lists(st.sampled_from(["ok", "info", "fail"]), min_size=10, max_size=10),
    st.integers(0, 4),
    st.integers(1, 4),
)
def test_it_ends_and_never_calls_undone_what_may_have_happened(
    types: list[str], every: int, tries: int
) -> None:
    retries = Retries(NODES, frozenset({"register"}), tries=tries, every=every)
    replies: tuple[Operation, ...] = ()
    asked = INVOCATION
    while asked.type == "invoke":
        assert len(replies) < tries
        replies = (*replies, reply(types[len(replies)], 9, str(asked.node)))
        asked = retries.follow(INVOCATION, replies)
    got = [one.type for one in replies]
    if asked.type == "fail":
        assert got == ["fail"]
    elif asked.type == "ok":
        assert "ok" in got
    else:
        assert "ok" not in got
        assert "info" in got
