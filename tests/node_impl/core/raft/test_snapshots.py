"""Snapshots in a cluster: taken, forgotten logs, sent in chunks, installed over every kind of log."""

from __future__ import annotations

import msgspec
import pytest

from history.units import MILLISECOND_NS
from node_impl.core.build import Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Configuration, Done, Fatal, Snapshot, Trace
from node_impl.core.raft.messages import InstallSnapshot, InstallSnapshotReply
from node_impl.core.raft.snapshot_bytes import decode_snapshot, encode_snapshot, make_snapshot
from node_impl.core.raft.snapshots import Snapshots
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from tests.node_impl.chaos import run_chaos
from tests.node_impl.cluster import SNAPSHOTS, Cluster, register
from tests.node_impl.core.raft.driving import Alone, append, entries
from tests.node_impl.invariants import Violation


def started(seed: int = 1, size: int = 3) -> tuple[Cluster, str]:
    cluster = Cluster(size, seed, config=SNAPSHOTS)
    cluster.start()
    return cluster, cluster.elect()


def write(cluster: Cluster, node: str, count: int) -> None:
    for number in range(count):
        assert isinstance(cluster.answer(node, register(number, number)), Done)


@pytest.mark.parametrize("seed", range(24))
def test_every_property_holds_through_chaos_with_a_snapshot_every_few_entries(seed: int) -> None:
    cluster = run_chaos(seed, size=3 + 2 * (seed % 2), restart_all=seed % 3 == 0, config=SNAPSHOTS)
    assert len(cluster.invariants.snapshots) > 3
    assert len({cluster.node(name).machine.registry.digest() for name in cluster.names}) == 1
    assert len({cluster.node(name).machine.sessions.snapshot() for name in cluster.names}) == 1


def test_chaos_installs_snapshots() -> None:
    """Else the runs above would show nothing about it."""
    installed = [run_chaos(seed, size=5, config=SNAPSHOTS).invariants.installed for seed in range(4)]
    assert sum(installed) > 8


def test_a_node_forgets_its_log_and_restarts_from_its_snapshot() -> None:
    cluster, leader = started()
    write(cluster, leader, 30)
    cluster.settle()
    before = {name: cluster.node(name).machine.registry.digest() for name in cluster.names}
    for name in cluster.names:
        assert cluster.node(name).raft.state.log.base_index > 15
    cluster.crash(*cluster.names)
    cluster.start()
    for name in cluster.names:
        node = cluster.node(name)
        assert node.raft.state.last_applied == node.raft.state.commit_index > 20
        assert node.machine.registry.size > 20, "what the snapshot holds is there before anybody leads"
    cluster.elect()
    cluster.settle()
    assert {name: cluster.node(name).machine.registry.digest() for name in cluster.names} == before


@pytest.mark.parametrize(("trailing", "base"), [(0, 15), (3, 12), (100, 0)])
def test_a_crash_before_the_log_was_shortened_leaves_no_longer_log_in_memory(
    trailing: int, base: int
) -> None:
    """Else each such crash would leave what one more snapshot stands for."""
    snapshot = decode_snapshot(state_at(15, 2))
    alone = Alone(*[2] * 20, snapshot=snapshot, config=NodeConfig(snapshot_trailing=trailing))
    log = alone.raft.state.log
    assert (log.base_index, log.base_term, log.last_index) == (base, 2 if base else 0, 20)
    assert log.entries_after(base) == entries(*[2] * 20)[base:]


def test_a_follower_that_was_away_too_long_is_sent_a_snapshot_in_chunks() -> None:
    cluster, leader = started()
    away = next(name for name in cluster.names if name != leader)
    cluster.cut({away})
    write(cluster, leader, 30)
    chunks: list[InstallSnapshot] = []

    def watch(to: str, envelope: object) -> bool:
        body = getattr(envelope, "body", None)
        if isinstance(body, InstallSnapshot) and to == away:
            chunks.append(body)
        return False

    cluster.drop = watch
    cluster.heal()
    cluster.settle()
    assert cluster.node(away).machine.registry.digest() == cluster.node(leader).machine.registry.digest()
    assert cluster.invariants.installed >= 1
    assert len({chunk.offset for chunk in chunks}) > 3
    assert all(len(chunk.data) <= SNAPSHOTS.snapshot_chunk_bytes for chunk in chunks)


def test_a_transfer_goes_on_where_it_was_when_chunks_and_answers_are_lost() -> None:
    cluster, leader = started(seed=4)
    away = next(name for name in cluster.names if name != leader)
    cluster.cut({away})
    write(cluster, leader, 30)
    offsets: list[int] = []

    def drop_every_third(to: str, envelope: object) -> bool:
        body = getattr(envelope, "body", None)
        if isinstance(body, InstallSnapshot):
            offsets.append(body.offset)
        return isinstance(body, InstallSnapshot | InstallSnapshotReply) and cluster.random.below(3) == 0

    cluster.drop = drop_every_third
    cluster.heal()
    cluster.settle()
    assert cluster.invariants.installed >= 1
    assert offsets.count(0) < len(offsets) / 2, "it did not begin again after each loss"


def deposed_leader_gets_a_snapshot(parts: Parts) -> Cluster:
    """A leader that was cut off has more entries of its own than the others' snapshot covers."""
    cluster = Cluster(3, 6, config=SNAPSHOTS, parts=parts)
    cluster.start()
    old = cluster.elect()
    write(cluster, old, 3)
    cluster.cut({old})
    for number in range(40):
        cluster.ask(old, register(number, "never committed"))
    cluster.run_until(lambda: cluster.leader() not in (None, old))
    new = cluster.elect()
    write(cluster, new, 20)
    cluster.heal()
    cluster.settle()
    assert cluster.invariants.installed == 1
    assert cluster.node(old).machine.registry.digest() == cluster.node(new).machine.registry.digest()
    return cluster


def test_a_deposed_leader_whose_log_is_longer_than_the_snapshot_discards_it() -> None:
    deposed_leader_gets_a_snapshot(Parts())


class KeepsAnySuffix(Snapshots):
    """Does not discard a log that conflicts with an installed snapshot."""

    def log_goes_on_from(self, snapshot: Snapshot) -> bool:
        return self._state.log.last_index > snapshot.index


def test_keeping_a_log_that_conflicts_with_the_snapshot_is_seen() -> None:
    with pytest.raises(Violation, match="keeps or loses entries beyond its snapshot wrongly"):
        deposed_leader_gets_a_snapshot(Parts(snapshots=KeepsAnySuffix))


def test_a_repeated_write_is_applied_once_although_only_a_snapshot_remembers_the_first() -> None:
    cluster, leader = started(seed=2)
    away = next(name for name in cluster.names if name != leader)
    cluster.cut({away})
    first = cluster.answer(leader, register(1, "x"), session=("c", 1))
    write(cluster, leader, 30)
    cluster.heal()
    cluster.settle()
    assert cluster.node(away).raft.state.log.base_index > 5
    cluster.crash(*[name for name in cluster.names if name != away])
    cluster.crash(away)
    cluster.start()
    cluster.elect()
    assert cluster.answer(away, register(1, "x"), session=("c", 1)) == first


# ---- one node alone: what a single message must do ------------------------------------------------------


def state_at(index: int, term: int) -> bytes:
    snapshot = make_snapshot(
        index,
        term,
        "cd" * 8,
        Configuration(("n1", "n2", "n3", "n4", "n5")),
        Registry().snapshot(),
        Sessions(1).snapshot(),
    )
    return encode_snapshot(snapshot)


def install(alone: Alone, term: int, data: bytes, start: int = 0, size: int | None = None) -> int:
    """Hand over a chunk; how many bytes the node then says that it holds."""
    snapshot = decode_snapshot(data)
    chunk = data[start : None if size is None else start + size]
    alone.receive("n2", InstallSnapshot(term, snapshot.index, snapshot.digest, len(data), start, chunk))
    (sent,) = alone.sent
    reply = sent.message.body
    assert isinstance(reply, InstallSnapshotReply)
    return reply.held


def test_entries_after_the_snapshots_last_one_are_kept() -> None:
    alone = Alone(1, 1, 2, 2, 2)
    data = state_at(3, 2)
    assert install(alone, 2, data) == len(data)
    log = alone.raft.state.log
    assert (log.base_index, log.last_index, alone.raft.state.last_applied) == (3, 5, 3)


def test_a_log_that_conflicts_with_the_snapshot_is_discarded_as_a_whole() -> None:
    alone = Alone(1, 1, 1, 1, 1)
    data = state_at(3, 2)
    assert install(alone, 2, data) == len(data)
    log = alone.raft.state.log
    assert (log.base_index, log.base_term, log.last_index, log.last_term) == (3, 2, 3, 2)


def test_a_snapshot_of_what_is_committed_already_changes_nothing() -> None:
    alone = Alone(1, 1, 2, 2)
    alone.receive("n2", append(2, (4, 2), commit=4))
    data = state_at(3, 2)
    assert install(alone, 2, data) == len(data), "the leader shall go on with entries"
    assert (alone.raft.state.log.base_index, alone.raft.state.last_applied) == (0, 4)


def test_the_answer_to_the_last_chunk_waits_for_the_disk() -> None:
    alone = Alone(1)
    install(alone, 2, state_at(3, 2))
    assert alone.sent[0].after == alone.raft.state.outbox.newest > 0


def test_chunks_that_come_twice_or_too_early_are_not_put_in() -> None:
    alone = Alone(1)
    data = state_at(9, 2)
    assert install(alone, 2, data, 0, 10) == 10
    assert install(alone, 2, data, 0, 10) == 10
    assert install(alone, 2, data, 30, 10) == 10
    assert install(alone, 2, data, 10, 10) == 20
    assert install(alone, 2, data, 20) == len(data)
    assert alone.raft.state.last_applied == 9


def test_a_snapshot_that_was_damaged_in_transit_is_sent_again() -> None:
    alone = Alone(1)
    data = state_at(9, 2)
    snapshot = decode_snapshot(data)
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    alone.receive("n2", InstallSnapshot(2, 9, snapshot.digest, len(data), 0, damaged))
    reply = alone.sent[0].message.body
    assert isinstance(reply, InstallSnapshotReply)
    assert reply.held == 0
    assert alone.raft.state.last_applied == 0
    assert install(alone, 2, data) == len(data)


def test_an_old_leaders_snapshot_is_refused() -> None:
    alone = Alone(1, term=5)
    assert install(alone, 4, state_at(9, 2)) == 0
    assert alone.raft.state.last_applied == 0


def test_an_old_append_below_the_base_is_answered_as_held() -> None:
    alone = Alone(1)
    install(alone, 2, state_at(9, 2))
    alone.receive("n2", append(2, (1, 1), entries(1, 1, 2)[1:]))
    reply = alone.sent[0].message.body
    assert (reply.success, reply.match_index) == (True, 9)
    assert alone.raft.state.log.last_index == 9


def test_a_snapshot_whose_state_cannot_be_restored_ends_the_node() -> None:
    snapshot = make_snapshot(9, 2, "cd" * 8, Configuration(("n1",)), b"garbage", Sessions(1).snapshot())
    alone = Alone(1)
    data = encode_snapshot(snapshot)
    alone.receive("n2", InstallSnapshot(2, 9, snapshot.digest, len(data), 0, data))
    (fatal,) = [effect for effect in alone.effects if isinstance(effect, Fatal)]
    assert "the snapshot up to entry 9 cannot be restored" in fatal.reason


def test_taking_and_installing_are_traced_with_the_last_entry_and_the_digest() -> None:
    cluster, leader = started(seed=4)
    away = next(name for name in cluster.names if name != leader)
    cluster.cut({away})
    write(cluster, leader, 30)
    cluster.heal()
    cluster.settle()
    traced: list[tuple[str, Trace]] = [pair for pair in cluster.traces if pair[1].event == "snapshot"]
    installed = [trace for name, trace in traced if trace.peer is not None]
    taken = {trace.index: trace for name, trace in traced if name == leader}
    assert installed
    for trace in installed:
        original = taken[trace.index]
        assert trace.peer == leader
        assert (trace.entries, trace.digest) == (original.entries, original.digest)
        assert trace.applied == trace.commit == trace.index


def test_a_long_log_is_applied_in_pieces_between_which_the_node_listens() -> None:
    config = NodeConfig(max_apply_entries=10)
    alone = Alone(*([1] * 95), config=config)
    alone.receive("n2", append(1, (95, 1), commit=95))
    assert alone.raft.state.last_applied == 10
    pieces = 1
    while alone.raft.state.last_applied < 95:
        alone.now += 1 * MILLISECOND_NS
        alone.fire("apply")
        pieces += 1
    assert pieces == 10


def test_equal_states_make_equal_snapshots_and_bytes() -> None:
    one, other = state_at(5, 1), state_at(5, 1)
    assert one == other
    assert decode_snapshot(one) == decode_snapshot(other)
    assert msgspec.msgpack.decode(one)[0] == 5
