"""What a crash may take and what a snapshot may bring, by the specification's extra actions."""

from __future__ import annotations

import pytest

from checkers.raft.conformance import extensions as extra
from checkers.raft.conformance import spec
from checkers.verdict import Validity
from tests.checkers.raft.conformance.behaviour import Behaviour
from tests.checkers.raft.conformance.scenes import found, judge, settled, unlike


def test_what_was_not_on_disk_and_nobody_was_told_may_be_lost() -> None:
    b = settled()
    b.client_request("n1")
    b.append_entries("n1", "n3")  # this may leave before the leader's own disk has it
    b.deliver()
    b.restart("n1")
    b.restart("n3")
    assert judge(b).validity is Validity.VALID


def test_a_removal_that_was_not_on_disk_may_come_undone() -> None:
    b = unlike()
    b["n2"].next_index["n1"] = 3
    b.append_entries("n2", "n1")
    b.deliver()
    assert b.lines["n1"][-2].event == "append"
    b.restart("n1")
    assert len(b["n1"].log) == 3
    assert judge(b).validity is Validity.VALID


def with_snapshot(index: int = 1, of: int = 1) -> Behaviour:
    """n1 sends n4, which has nothing, its snapshot up to 1, and n4 installs one up to `index`."""
    b = Behaviour(("n1", "n2", "n3", "n4"))
    b.elect("n1", "n2", "n3")
    b.replicate("n1", "n2", "n3")
    b.advance("n1", 1)
    extra.take_snapshot(b["n1"], 1)
    b.line("n1", "snapshot", index=1, digest="d", entries=((1, *(b["n1"].log[0] or (0, "")), None),))
    b.append_entries("n1", "n4", most=0)
    b.deliver()  # n4 hears of the term
    b.line("n1", "send", peer="n4", message="InstallSnapshot", message_id="n1:1:s", index=1, count=10)
    b.line("n4", "receive", peer="n1", message="InstallSnapshot", message_id="n1:1:s")
    i, last = b["n4"], b["n1"].log[0]
    assert last is not None
    i.log = [*[None] * (index - 1), (of, last[1])]
    i.commit_index = i.last_applied = i.covered = i.snapshot_index = index
    b.line("n4", "snapshot", index=index, peer="n1", digest="d", entries=((index, of, last[1], None),))
    b.line(
        "n4", "send", peer="n1", message="InstallSnapshotReply", message_id="n4:1:s", index=index, count=10
    )
    b.synced("n4")
    b.line("n1", "receive", peer="n4", message="InstallSnapshotReply", message_id="n4:1:s")
    return b


NODES = ("n1", "n2", "n3", "n4")


def test_an_installed_snapshot_counts_toward_the_majority_that_commits() -> None:
    b = with_snapshot()
    extra.take_snapshot_ack(b["n1"], spec.Extra("n4", 1, "InstallSnapshotReply", 1, 10), 10)
    b["n1"].next_index["n4"] = 2
    b.client_request("n1")
    b.synced("n1")
    b.replicate("n1", "n2", "n4")
    b.advance("n1", 2)
    verdict = judge(b, NODES)
    assert verdict.validity is Validity.VALID, verdict
    assert verdict.measures["actions"]["InstallSnapshot"] == 1


@pytest.mark.parametrize(
    ("index", "of", "guard"), [(2, 1, "index = m.mindex"), (1, 2, "last included entry")]
)
def test_a_snapshot_that_is_not_the_one_sent_is_refused(index: int, of: int, guard: str) -> None:
    verdict = judge(with_snapshot(index, of), NODES)
    assert found(verdict.evidence, "InstallSnapshot", guard), verdict
