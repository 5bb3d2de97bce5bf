"""Every message survives its encoding, and tells its kind by itself."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import (
    Deregister,
    Entry,
    Fatal,
    Instance,
    InstanceKey,
    Received,
    Refused,
    Register,
    Request,
    Update,
)
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Envelope,
    Forward,
    ForwardReply,
    InstallSnapshot,
    InstallSnapshotReply,
    Message,
    PreVote,
    PreVoteReply,
    ReadIndex,
    ReadIndexReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
    Written,
)
from tests.node_impl.core.raft.driving import Alone

KEY = InstanceKey("service", "10.0.0.1", 80)

MESSAGES: list[Message] = [
    RequestVote(1, 2, 3),
    RequestVoteReply(1, True),
    AppendEntries(1, 2, 3, (Entry(3, 1, "command", b"\x00\xff", "7"), Entry(4, 1, "noop")), 2, 5),
    AppendEntriesReply(1, False, 2, 3, 4, 5),
    PreVote(1, 2, 3),
    PreVoteReply(1, True, 1),
    TimeoutNow(1),
    InstallSnapshot(1, 9, "ab" * 16, 400, 100, b"\x00\xff"),
    InstallSnapshotReply(1, 9, "ab" * 16, 100),
    Forward(1, Request(Register(KEY, metadata={"id": "7"}), op="7")),
    Forward(1, Request(Update(KEY, enabled=False), client="c", sequence=3)),
    Forward(1, Request(Deregister(KEY))),
    ForwardReply("n1:1:1", Written(3, Instance(KEY, 1.0, True, {"a": "b"}))),
    ForwardReply("n1:1:1", Written(3, None)),
    ForwardReply("n1:1:1", Refused("not-found", "why", proposed=False, raft_index=3)),
    ReadIndex(),
    ReadIndexReply("n1:1:1", 9),
    ReadIndexReply("n1:1:1", None),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_its_encoding(message: Message) -> None:
    envelope = Envelope("n1:1:1", "n1", message)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(envelope), type=Envelope) == envelope


def test_every_kind_of_message_is_tried_here() -> None:
    assert {type(message) for message in MESSAGES} == set(get_args(Message))


@given(st.binary(max_size=200))
def test_garbage_is_refused_by_the_decoder_and_by_nothing_else(data: bytes) -> None:
    try:
        envelope = msgspec.msgpack.decode(data, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert isinstance(envelope.body, get_args(Message))


FITTING = AppendEntries(3, 3, 2, (Entry(4, 3, "noop"), Entry(5, 3, "noop")), 3, 1)
"""What the node below takes as it is; of most others it takes the term alone."""


@given(
    st.sampled_from([FITTING, FITTING, *MESSAGES]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=3),
)
def test_a_message_of_which_bytes_were_changed_is_refused_or_is_one_that_a_node_bears(
    message: Message, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(msgspec.msgpack.encode(Envelope("n2:1:1", "n2", message)))
    for at, byte in changes:
        data[int(at * (len(data) - 1))] = byte
    try:
        envelope = msgspec.msgpack.decode(data, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for leads in (False, True):
        alone = Alone(1, 1, 2)
        if leads:
            alone.become_leader()
        effects = alone.node.step(alone.now, Received(envelope))
        assert not any(isinstance(effect, Fatal) for effect in effects)
        assert alone.node.status().last >= alone.node.status().commit
