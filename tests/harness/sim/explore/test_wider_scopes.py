"""Members that change, leaders that hand over, and snapshots: what such scopes reach and find."""

from __future__ import annotations

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.explore.command import SearchBounds, explore
from harness.sim.explore.counterexample import walk
from harness.sim.explore.node.disk import DurableState, applied_in, snapshot_of, written
from harness.sim.explore.node.steps import Crash, TakeSnapshot
from harness.sim.explore.scope import Scope
from harness.sim.explore.search import SearchResult, search
from harness.sim.explore.space import Space
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.events import (
    AppendRecord,
    BaseRecord,
    Configuration,
    Entry,
    HardState,
    Persist,
    Snapshot,
    SnapshotRecord,
)
from node_impl.core.raft.snapshots import Snapshots
from node_impl.core.storage.wal import WriteAheadLog
from tests.node_impl.cluster import MemoryDisk

LAGGING = Scope(nodes=3, elections=1, proposals=0, snapshots=1, heartbeats=1, pre_vote=False)
CRASHES = Scope(nodes=2, elections=1, proposals=1, snapshots=1, crashes=2, pre_vote=False)


def explored(scope: Scope, parts: Parts = DEFAULT_PARTS, most: int = 150_000) -> SearchResult:
    return search(Space(scope, parts), lambda seen: "enough" if seen.states > most else None)


class CompactsTooMuch(Snapshots):
    """Forgets one entry more than the snapshot stands for."""

    def compaction_point(self, snapshot: Snapshot) -> int:
        return min(super().compaction_point(snapshot) + 1, self._state.log.last_index)


class RestoresNothing(Snapshots):
    """The state machine never becomes a snapshot."""

    def take_installed(self) -> Snapshot | None:
        return None


def test_a_follower_behind_is_sent_the_snapshot_and_what_it_applies_is_the_log() -> None:
    found = explore(LAGGING, None, SearchBounds(), quiet=True)
    assert found.found.outcome == "verified"
    assert {"on_install_snapshot", "is_news", "log_goes_on_from"}.isdisjoint(found.unasked["snapshots"])


def test_a_crash_may_find_the_new_snapshot_and_the_old_log() -> None:
    space = Space(CRASHES)
    assert search(space, lambda _seen: None).outcome == "verified"
    assert any(isinstance(event, Crash) and event.half for event in space.events)


@pytest.mark.parametrize(
    ("parts", "scope", "invariant"),
    [
        (Parts(snapshots=CompactsTooMuch), CRASHES, "leader-append-only"),
        (Parts(snapshots=RestoresNothing), LAGGING, "state-machine-safety"),
    ],
    ids=["compacts too much", "restores nothing"],
)
def test_a_broken_rule_of_snapshots_is_found(parts: Parts, scope: Scope, invariant: str) -> None:
    found = explored(scope, parts)
    assert found.outcome == "violation"
    assert str(found.why).startswith(f"{invariant}: ")


@pytest.mark.campaign
def test_two_changes_at_once_lose_a_committed_entry_and_the_steps_say_how() -> None:
    parts = MUTANTS["changes-overlap"].parts
    scope = Scope(nodes=3, elections=2, proposals=0, changes=2, pre_vote=False)
    found = explored(scope, parts)
    assert str(found.why).startswith("leader-completeness: ")
    walked = walk(scope, parts, found.path)
    assert walked.violation == found.why
    assert any("an operator asks for Remove" in line for line in walked.story)
    assert any("goes by the voters" in line for line in walked.story)


def test_where_members_change_each_naming_of_the_nodes_is_tried() -> None:
    assert not Scope(changes=1).nodes_are_alike
    scope = Scope(nodes=2, elections=1, proposals=0, changes=1, pre_vote=False)
    alike = search(Space(scope), lambda _seen: None)
    apart = search(Space(scope, symmetry=False), lambda _seen: None)
    assert alike.seen.states == apart.seen.states


# ---- the disk --------------------------------------------------------------------------------------------

ENTRIES = tuple(Entry(index, 1, "command", b"%d" % index) for index in range(1, 6))
SNAPSHOT = snapshot_of(ENTRIES[:3], Configuration(("n1",)))
OLD_LOG = DurableState(HardState(1, None), ENTRIES)


def test_a_snapshot_holds_what_was_applied() -> None:
    assert applied_in(SNAPSHOT) == ENTRIES[:3]
    assert OLD_LOG._replace(snapshot=SNAPSHOT).log == ENTRIES


@pytest.mark.parametrize("kept", [5, 2], ids=["the log goes on from it", "the log ends before it"])
def test_a_snapshot_without_its_log_is_read_back_as_the_storage_reads_it(kept: int) -> None:
    """The same crash with the node's real storage, between its two files."""
    record = SnapshotRecord(SNAPSHOT, BaseRecord(3, 1), ENTRIES[3:kept])
    disk = MemoryDisk()
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(1, None), AppendRecord(ENTRIES[:kept])])
    log.sync()
    before = disk.read("log.wal")
    log.write([record])
    log.sync()
    disk.files["log.wal"] = bytearray(before or b"")
    found = WriteAheadLog(disk).recover()
    here = written(DurableState(HardState(1, None), ENTRIES[:kept]), (), Persist(1, (record,)))
    assert (here.base, here.entries, here.snapshot) == (found.base, found.entries, found.snapshot)


def test_a_node_that_has_applied_nothing_since_its_snapshot_takes_none() -> None:
    space = Space(Scope(nodes=2, elections=1, proposals=0, snapshots=3, pre_vote=False))
    search(space, lambda _seen: None)
    taken = [event for event in space.events if isinstance(event, TakeSnapshot)]
    assert len(taken) == 1  # of the leader, after its first entry; the name of the leader does not matter
    assert max(member.core.state.log.base_index for member in space.nodes.things.values()) == 1
