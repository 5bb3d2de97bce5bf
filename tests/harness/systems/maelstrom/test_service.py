"""Maelstrom's services keep what their documentation promises, and nothing beyond it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.systems.maelstrom.service import Failed, LastWriteWins, LinearizableStore, Timestamps, services
from harness.systems.maelstrom.services import answered

REQUESTS = st.lists(
    st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.sampled_from(["read", "write"])),
    min_size=1,
    max_size=40,
)


def asked(store: Any, client: str, **body: Any) -> Any:
    """What a request is answered with: a value, or the number of the error."""
    try:
        return store.answer(client, body).get("value", "ok")
    except Failed as error:
        return error.code


def test_the_linearizable_store_compares_and_sets() -> None:
    store = LinearizableStore()
    assert asked(store, "n1", type="read", key="x") == 20
    assert asked(store, "n1", type="cas", key="x", **{"from": 1, "to": 2}) == 20
    assert asked(store, "n1", type="cas", key="x", create_if_not_exists=True, **{"from": 1, "to": 2}) == "ok"
    assert asked(store, "n2", type="cas", key="x", **{"from": 1, "to": 3}) == 22
    assert asked(store, "n2", type="read", key="x") == 2
    assert asked(store, "n2", type="delete", key="x") == 10


@given(REQUESTS, st.integers(0, 1000))
def test_a_client_of_the_sequential_store_never_sees_an_older_state_than_before(
    requests: list[tuple[str, str]], seed: int
) -> None:
    store, newest = LinearizableStore(random.Random(seed)), {"n1": 0, "n2": 0, "n3": 0}
    for number, (client, kind) in enumerate(requests, start=1):
        if kind != "read":
            asked(store, client, type="write", key=0, value=number)
            newest[client] = number
            continue
        shown = asked(store, client, type="read", key=0)
        if newest[client]:
            assert shown != 20
            assert newest[client] <= shown <= number
        if shown != 20:
            newest[client] = max(newest[client], shown)


def test_the_sequential_store_shows_the_past_and_the_last_write_wins_store_forgets() -> None:
    sequential = LinearizableStore(random.Random(1))
    for value in range(50):
        asked(sequential, "n1", type="write", key="x", value=value)
    assert any(asked(sequential, f"n{n}", type="read", key="x") != 49 for n in range(2, 20))
    forgetful = LastWriteWins(random.Random(1))
    shown = set()
    for value in range(50):
        asked(forgetful, "n1", type="write", key="x", value=value)
        shown.add(asked(forgetful, "n1", type="read", key="x") == value)
    assert shown == {True, False}


def test_timestamps_rise() -> None:
    oracle = Timestamps()
    assert [oracle.answer("n1", {"type": "ts"})["ts"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Failed, match="no request 'read'"):
        oracle.answer("n1", {"type": "read"})


def test_an_error_is_an_answer_with_the_number_of_the_request() -> None:
    message = {"src": "n1", "dest": "seq-kv", "body": {"type": "read", "key": 1, "msg_id": 7}}
    answer = answered(services(0), message)
    assert answer["dest"] == "n1"
    assert (answer["body"]["type"], answer["body"]["code"], answer["body"]["in_reply_to"]) == ("error", 20, 7)
