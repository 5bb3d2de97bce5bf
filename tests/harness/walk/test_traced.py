"""The steps of a registration, found in traces."""

from __future__ import annotations

from typing import Any

import pytest

from harness.walk.traced import sent_to, steps_in_traces
from history import NodeTrace, TraceEntry, TraceEvent
from history.stored.trace import EventName

ENTRY = TraceEntry(7, 2, "ab", "5")
OTHER = TraceEntry(6, 2, "cd", "4")


class Writer:
    """Writes the trace of one node."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[TraceEvent] = []

    def at(self, at: int, event: EventName, **fields: Any) -> None:
        """Add an event at a time in milliseconds."""
        self.events.append(
            TraceEvent(
                seq=len(self.events) + 1, at=at * 1_000_000, event=event, term=2, role="follower",
                commit=fields.pop("commit", 0), applied=0, last=7, node=self.name, life=1, **fields,
            )
        )  # fmt: skip

    def trace(self) -> NodeTrace:
        return NodeTrace(self.name, tuple(self.events))


def registration(*, acknowledges: bool = True) -> dict[str, NodeTrace]:
    """n2 is asked, n1 leads, n3 acknowledges in time and n2 too late."""
    n1, n2, n3 = Writer("n1"), Writer("n2"), Writer("n3")
    n2.at(1, "send", peer="n1", message="Forward", message_id="n2:1:8")
    n2.at(2, "send", peer="n1", message="Forward", message_id="n2:1:9")
    n1.at(2, "receive", peer="n2", message="Forward", message_id="n2:1:8")
    n1.at(2, "append", entries=(OTHER,))
    n1.at(3, "receive", peer="n2", message="Forward", message_id="n2:1:9")
    n1.at(3, "append", entries=(ENTRY,))
    n1.at(3, "send", peer="n2", message="AppendEntries", message_id="n1:1:0", index=5, count=1)
    for peer, number in (("n2", 1), ("n3", 2), ("n3", 3)):
        n1.at(4, "send", peer=peer, message="AppendEntries", message_id=f"n1:1:{number}", index=6, count=1)
    n3.at(5, "receive", peer="n1", message="AppendEntries", message_id="n1:1:2")
    n3.at(5, "append", entries=(ENTRY,))
    n3.at(5, "send", peer="n1", message="AppendEntriesReply", message_id="n3:1:1", ok=False, index=7)
    n3.at(6, "send", peer="n1", message="AppendEntriesReply", message_id="n3:1:2", ok=True, index=7)
    n3.at(6, "synced", index=7)
    n1.at(7, "synced", index=7)
    n1.at(8, "receive", peer="n3", message="AppendEntriesReply", message_id="n3:1:2")
    n1.at(8, "commit", commit=7)
    n1.at(9, "send", peer="n2", message="ForwardReply", message_id="n1:1:4")
    if acknowledges:
        n2.at(10, "acknowledge", op="5", index=7)
    n2.at(11, "receive", peer="n1", message="AppendEntries", message_id="n1:1:1")
    n2.at(11, "append", entries=(ENTRY,))
    return {one.name: one.trace() for one in (n1, n2, n3)}


def test_each_step_of_a_registration_is_found_once_and_in_its_order() -> None:
    steps = [
        (step.after_ms, step.where, step.what.split(":")[0]) for step in steps_in_traces(registration(), "5")
    ]
    assert steps == [
        (0.0, "n2 -> n1", "forward"),
        (1.0, "n1", "append"),
        (2.0, "n1 -> n2", "send"),
        (2.0, "n1 -> n3", "send"),
        (3.0, "n3", "append"),
        (4.0, "n3", "disk"),
        (4.0, "n3 -> n1", "acknowledge"),
        (5.0, "n1", "disk"),
        (6.0, "n1", "takes the acknowledgement of n3"),
        (6.0, "n1", "commit"),
        (7.0, "n1 -> n2", "answer to the follower"),
        (8.0, "n2 -> client", "ok"),
    ]


@pytest.mark.parametrize("op", ["4711", "6"])
def test_a_write_that_no_node_appended_has_no_steps(op: str) -> None:
    with pytest.raises(LookupError, match=op):
        steps_in_traces(registration(), op)


def test_a_registration_that_was_not_acknowledged_has_no_steps() -> None:
    with pytest.raises(LookupError, match="acknowledge"):
        steps_in_traces(registration(acknowledges=False), "5")


def test_what_is_sent_again_is_counted_within_its_time() -> None:
    n1 = registration()["n1"]
    assert sent_to(n1, "n3", 0, 10_000_000) == 2
    assert sent_to(n1, "n3", 5_000_000, 10_000_000) == 0
