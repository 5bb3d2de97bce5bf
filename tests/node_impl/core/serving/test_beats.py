"""Ephemeral instances in a cluster: they live while they beat, and a beat alone brings none back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.events import Effect, SetTimer
from node_impl.core.raft.messages import Forward
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import (
    Beat,
    BeatTimes,
    Deregister,
    Done,
    Expire,
    InstanceKey,
    ListInstances,
    Lookup,
    Refused,
    Register,
)
from node_impl.core.serving.beat_watch import MAX_DECISIONS, BeatWatch
from tests.node_impl.cluster import Cluster, key, register
from tests.node_impl.core.registry.model import entry

TIMES = BeatTimes(500, 1_500, 3_000)
PATIENCE_NS = 1_000 * MILLISECOND_NS


def ephemeral(number: int) -> Register:
    return Register(key(number), beats=TIMES)


def started(seed: int = 1) -> tuple[Cluster, str, str]:
    """(cluster, leader, a follower)."""
    cluster = Cluster(3, seed)
    cluster.start()
    leader = cluster.elect()
    return cluster, leader, next(name for name in cluster.names if name != leader)


def state_of(cluster: Cluster, node: str, number: int = 1) -> str:
    """As this node has it: healthy, unhealthy or gone."""
    found = cluster.node(node).machine.registry.get(key(number))
    return "gone" if found is None else "healthy" if found.healthy else "unhealthy"


def ops_applied(cluster: Cluster, node: str) -> list[str]:
    """The operations that a node's trace says it applied."""
    return [
        row[3]
        for name, trace in cluster.traces
        if name == node and trace.event == "apply"
        for row in trace.entries
        if row[3] is not None
    ]


def test_a_silent_instance_becomes_unhealthy_and_is_then_removed_on_every_node() -> None:
    cluster, leader, _ = started()
    registered = cluster.answer(leader, ephemeral(1))
    assert isinstance(registered, Done)
    seen: list[str] = []
    for _ in range(7):
        cluster.run(500 * MILLISECOND_NS)
        states = {state_of(cluster, name) for name in cluster.names}
        assert len(states) == 1
        seen += states
    assert seen == ["healthy", "healthy", "unhealthy", "unhealthy", "unhealthy", "gone", "gone"] or seen == [
        "healthy", "healthy", "healthy", "unhealthy", "unhealthy", "unhealthy", "gone",
    ]  # fmt: skip
    address = "service/10.0.0.1:1"
    for name in cluster.names:
        expiries = [op for op in ops_applied(cluster, name) if op.startswith("expire:")]
        assert expiries == [
            f"expire:unhealthy:{registered.raft_index}:{address}",
            f"expire:removed:{registered.raft_index}:{address}",
        ]


def test_an_instance_that_beats_at_any_node_stays_healthy_and_its_beats_are_not_logged() -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    last = cluster.node(leader).raft.state.log.last_index
    for _ in range(20):
        assert isinstance(cluster.answer(follower, Beat(key(1))), Done)
        cluster.run(1 * SECOND_NS)
    assert state_of(cluster, leader) == "healthy"
    assert cluster.node(leader).raft.state.log.last_index == last


def test_a_beat_heals_an_unhealthy_instance() -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    cluster.run(2 * SECOND_NS)
    assert state_of(cluster, leader) == "unhealthy"
    assert isinstance(cluster.answer(follower, Beat(key(1))), Done)
    cluster.run(100 * MILLISECOND_NS)
    assert {state_of(cluster, name) for name in cluster.names} == {"healthy"}
    cluster.run(1_200 * MILLISECOND_NS)
    assert state_of(cluster, leader) == "healthy", "its full time began again"


@pytest.mark.parametrize("through_follower", [True, False])
def test_a_beat_never_resurrects_what_was_deregistered_and_asks_to_register_again(
    through_follower: bool,
) -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    cluster.answer(leader, Deregister(key(1)))
    reply = cluster.answer(follower if through_follower else leader, Beat(key(1)))
    assert isinstance(reply, Refused)
    assert (reply.code, reply.proposed, reply.raft_index) == (
        "not-found", False, cluster.node(leader).raft.state.last_applied,
    )  # fmt: skip
    assert state_of(cluster, leader) == "gone"


def test_a_persistent_instance_needs_no_beats_and_never_expires() -> None:
    cluster, leader, _ = started()
    cluster.answer(leader, register(1))
    cluster.run(60 * SECOND_NS)
    assert state_of(cluster, leader) == "healthy"
    reply = cluster.answer(leader, Beat(key(1)))
    assert isinstance(reply, Refused)
    assert reply.code == "conflict"


def test_a_new_leader_gives_every_instance_its_full_time_from_its_election() -> None:
    cluster, leader, _ = started()
    cluster.answer(leader, ephemeral(1))
    cluster.run(1_400 * MILLISECOND_NS)
    cluster.crash(leader)
    new = cluster.elect()
    elected_at = cluster.now
    cluster.run_until(lambda: state_of(cluster, new) == "unhealthy")
    assert cluster.now - elected_at >= 1_400 * MILLISECOND_NS
    cluster.run_until(lambda: state_of(cluster, new) == "gone")
    assert cluster.now - elected_at >= 2_900 * MILLISECOND_NS


def test_a_leader_cut_off_expires_nothing_and_a_beat_to_the_new_one_counts() -> None:
    cluster, old, _ = started()
    cluster.answer(old, ephemeral(1))
    cluster.cut({old})
    others = [name for name in cluster.names if name != old]
    cluster.run_until(lambda: any(cluster.node(name).raft.state.role == "leader" for name in others))
    for _ in range(8):
        cluster.run(500 * MILLISECOND_NS)
        cluster.answer(others[0], Beat(key(1)))
    cluster.heal()
    cluster.run(500 * MILLISECOND_NS)
    assert {state_of(cluster, name) for name in cluster.names} == {"healthy"}
    assert not [op for op in ops_applied(cluster, old) if op.startswith("expire:")]


def test_an_expiry_that_was_decided_before_a_new_registration_spares_it() -> None:
    """The removal is in the leader's log, not yet committed, when the client registers again."""
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    cluster.run(2_900 * MILLISECOND_NS)
    cluster.drop = lambda to, envelope: bool(getattr(envelope.body, "entries", ()))
    last = cluster.node(leader).raft.state.log.last_index
    cluster.run_until(lambda: cluster.node(leader).raft.state.log.last_index > last)
    assert state_of(cluster, leader) == "unhealthy", "decided, not applied"
    late = cluster.answer(leader, Beat(key(1)))
    assert isinstance(late, Refused)
    assert late.code == "not-found", "its removal can not be called back"
    again = cluster.ask(follower, ephemeral(1))
    cluster.run(20 * MILLISECOND_NS)
    cluster.drop = lambda to, envelope: False
    cluster.run(500 * MILLISECOND_NS)
    assert isinstance(again.reply, Done)
    assert {state_of(cluster, name) for name in cluster.names} == {"healthy"}


def test_a_beat_that_is_lost_before_it_reaches_the_leader_is_refused_as_not_proposed() -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    cluster.drop = lambda to, envelope: isinstance(envelope.body, Forward)
    call = cluster.ask(follower, Beat(key(1)))
    cluster.run(3 * SECOND_NS)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("timeout", False)


def test_a_list_shows_the_health_at_its_index() -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, ephemeral(1))
    cluster.answer(leader, register(2))
    cluster.run(2 * SECOND_NS)
    reply = cluster.answer(follower, ListInstances("service", healthy_only=True))
    assert isinstance(reply, Done)
    assert [instance.key.port for instance in reply.value.instances] == [2]
    lookup = cluster.answer(follower, Lookup(key(1)))
    assert isinstance(lookup, Done)
    assert lookup.value.healthy is False


# ---- the leader's memory by itself ------------------------------------------------------------------------


class Watched:
    """A beat watch whose decisions are applied at once."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.watch = BeatWatch("beats", self.registry, PATIENCE_NS)
        self.index = 0
        self.effects: list[Effect] = []
        self.timer: int | None = None
        self.expiries: list[tuple[int, Expire]] = []
        self.watch.begin(1, 0, self.effects)

    def apply(self, command: Any, now: int) -> None:
        self.index += 1
        self.registry.apply(entry(self.index, command))
        self.watch.follow(self.registry.take_changes().ephemeral, now, self.effects)
        self.note_timer()

    def beat(self, instance_key: InstanceKey, now: int) -> None:
        found = self.registry.get(instance_key)
        if found is not None:
            revival = self.watch.beat(found, now, self.effects)
            if revival is not None:
                self.apply(revival, now)
        self.note_timer()

    def note_timer(self) -> None:
        for effect in self.effects:
            assert isinstance(effect, SetTimer)
            self.timer = effect.at
        self.effects.clear()

    def advance(self, until: int) -> None:
        """Fire the timer each time that it is due."""
        while self.timer is not None and self.timer <= until:
            now, self.timer = self.timer, None
            decided = self.watch.due(now, self.effects)
            self.note_timer()
            for expiry in decided:
                self.expiries.append((now, expiry))
                self.apply(expiry, now)


beats_of = st.builds(
    BeatTimes, interval_ms=st.just(1), timeout_ms=st.integers(1, 40), delete_ms=st.integers(1, 40)
)
steps = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.sampled_from(["register", "beat", "beat", "deregister"]),
        st.integers(1, 2),
        beats_of,
    ),
    max_size=25,
)


@settings(max_examples=300)
@given(steps)
def test_silence_has_its_consequences_exactly_when_its_time_is_over(
    moves: list[tuple[int, str, int, BeatTimes]],
) -> None:
    """Against the definition: at any time an instance is what its last beat, and nothing else, makes it."""
    watched, now = Watched(), 0
    model: dict[int, tuple[int, BeatTimes]] = {}  # (last beat, times)

    def check() -> None:
        for number in (1, 2):
            found = watched.registry.get(key(number))
            last, times = model.get(number, (0, TIMES))
            silence = now - last
            if number not in model or silence >= times.delete_ms:
                model.pop(number, None)
                assert found is None
            else:
                assert found is not None
                assert found.healthy == (silence < times.timeout_ms)

    for wait, move, number, times in moves:
        now += wait
        watched.advance(now * MILLISECOND_NS)
        check()
        if move == "register":
            watched.apply(Register(key(number), beats=times), now * MILLISECOND_NS)
            model[number] = (now, times)
        elif move == "deregister":
            watched.apply(Deregister(key(number)), now * MILLISECOND_NS)
            model.pop(number, None)
        elif number in model:
            watched.beat(key(number), now * MILLISECOND_NS)
            model[number] = (now, model[number][1])
        check()
    watched.advance((now + 100) * MILLISECOND_NS)
    assert watched.registry.size == 0
    assert len(watched.watch) == 0, "it forgets what is gone"


def test_very_many_expiries_are_decided_in_bounded_steps_however_long_that_takes() -> None:
    watched, now = Watched(), 10 * MILLISECOND_NS
    for number in range(1, 1001):
        watched.apply(Register(key(number), beats=BeatTimes(1, 10, 10)), 0)
    while watched.registry.size:
        assert watched.timer is not None
        assert watched.timer <= now, "the rest follows at once"
        decided = watched.watch.due(now, watched.effects)
        assert 0 < len(decided) <= MAX_DECISIONS
        watched.note_timer()
        for expiry in decided:
            assert encode_command(expiry)
            watched.apply(expiry, now)
        now += PATIENCE_NS // 2


def test_a_node_that_leads_no_more_watches_nothing() -> None:
    watched = Watched()
    watched.apply(Register(key(1), beats=TIMES), 0)
    watched.watch.end()
    assert len(watched.watch) == 0
    assert watched.watch.due(60 * SECOND_NS, watched.effects) == []


def test_a_leader_that_was_asleep_gives_every_instance_its_full_time_again() -> None:
    watched = Watched()
    watched.apply(Register(key(1), beats=TIMES), 0)
    assert watched.timer == 1_500 * MILLISECOND_NS
    assert watched.watch.due(40 * SECOND_NS, watched.effects) == [], "beats may lie unread"
    watched.note_timer()
    assert watched.timer == 41_500 * MILLISECOND_NS
    watched.advance(45 * SECOND_NS)
    assert [(at // MILLISECOND_NS, expiry.to) for at, expiry in watched.expiries] == [
        (41_500, "unhealthy"),
        (43_000, "removed"),
    ]


def test_a_leader_that_was_asleep_remembers_what_it_decided_and_has_not_applied_yet() -> None:
    watched = Watched()
    watched.apply(Register(key(1), beats=TIMES), 0)
    [unhealthy] = watched.watch.due(1_500 * MILLISECOND_NS, watched.effects)
    watched.note_timer()
    assert watched.watch.due(40 * SECOND_NS, watched.effects) == [], "beats may lie unread"
    watched.note_timer()
    watched.apply(unhealthy, 40_100 * MILLISECOND_NS)
    found = watched.registry.get(key(1))
    assert found is not None
    assert not found.healthy
    [revival] = [watched.watch.beat(found, 40_200 * MILLISECOND_NS, watched.effects)]
    assert revival is not None
    assert revival.to == "healthy"
    watched.note_timer()
    assert watched.watch.due(80 * SECOND_NS, watched.effects) == [], (
        "the revival is not applied, and it slept again"
    )
    watched.note_timer()
    watched.apply(revival, 80_100 * MILLISECOND_NS)
    watched.advance(81_500 * MILLISECOND_NS)
    assert [(at // MILLISECOND_NS, expiry.to) for at, expiry in watched.expiries] == [(81_500, "unhealthy")]


def test_a_removal_that_was_decided_before_the_leader_slept_still_comes_before_a_beat() -> None:
    watched = Watched()
    watched.apply(Register(key(1), beats=BeatTimes(500, 1_500, 1_500)), 0)
    [removal] = watched.watch.due(1_500 * MILLISECOND_NS, watched.effects)
    assert removal.to == "removed"
    watched.note_timer()
    assert watched.watch.due(40 * SECOND_NS, watched.effects) == [], "beats may lie unread"
    found = watched.registry.get(key(1))
    assert found is not None
    assert watched.watch.is_leaving(found)
    watched.apply(removal, 40_100 * MILLISECOND_NS)
    watched.advance(60 * SECOND_NS)
    assert (len(watched.watch), watched.expiries) == (0, [])
