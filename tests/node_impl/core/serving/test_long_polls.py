"""Long polls: answered at once after a change, and without one when their time is over."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.requests import (
    BeatTimes,
    ConfigKey,
    Deregister,
    Done,
    HeldConfig,
    InstanceKey,
    ListenConfigs,
    Listing,
    ListInstances,
    PublishConfig,
    Refused,
    Register,
)
from tests.node_impl.cluster import CONFIG, Call, Cluster, key, register

CONFIG_KEY = ConfigKey("", "G", "x")


def started(seed: int = 1) -> tuple[Cluster, str, str]:
    """(cluster, leader, a follower)."""
    cluster = Cluster(3, seed, config=replace(CONFIG, max_watches=3))
    cluster.start()
    leader = cluster.elect()
    return cluster, leader, next(name for name in cluster.names if name != leader)


def after(index: int, wait_ms: int = 5_000) -> ListInstances:
    return ListInstances("service", after=index, wait_ms=wait_ms)


def index_of(call: Call | object) -> int:
    reply = call.reply if isinstance(call, Call) else call
    assert isinstance(reply, Done)
    return reply.raft_index


def ports(call: Call) -> list[int]:
    assert isinstance(call.reply, Done)
    assert isinstance(call.reply.value, Listing)
    return [instance.key.port for instance in call.reply.value.instances]


def test_a_subscriber_hears_of_a_change_as_soon_as_its_node_has_applied_it() -> None:
    cluster, leader, follower = started()
    known = index_of(cluster.answer(leader, register(1)))
    calls = [cluster.ask(name, after(known)) for name in (leader, follower)]
    cluster.run(1 * SECOND_NS)
    assert [call.reply for call in calls] == [None, None]
    written = index_of(cluster.answer(leader, register(2)))
    cluster.run(200 * MILLISECOND_NS)
    for call in calls:
        assert ports(call) == [1, 2]
        assert index_of(call) >= written


def test_a_subscriber_that_is_behind_is_answered_at_once() -> None:
    cluster, leader, follower = started()
    known = index_of(cluster.answer(leader, register(1)))
    cluster.answer(leader, register(2))
    call = cluster.ask(follower, after(known))
    cluster.run(50 * MILLISECOND_NS)
    assert ports(call) == [1, 2]


def test_nothing_is_missed_between_one_answer_and_the_next_question() -> None:
    """Each question carries the index of the answer before it."""
    cluster, leader, follower = started()
    heard: list[list[int]] = []
    call = cluster.ask(follower, after(0))
    for number in range(1, 30):
        cluster.ask(leader, register(number))
        cluster.run(7 * MILLISECOND_NS)
        if call.reply is not None:
            heard.append(ports(call))
            call = cluster.ask(follower, after(index_of(call)))
    cluster.run(1 * SECOND_NS)
    if call.reply is not None:
        heard.append(ports(call))
    assert heard[-1] == list(range(1, 30))
    assert all(len(one) < len(two) for one, two in pairwise(heard))


def test_a_subscriber_is_answered_when_its_time_is_over_though_nothing_changed() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    asked_at = cluster.now
    call = cluster.ask(leader, after(known, wait_ms=700))
    cluster.run(2 * SECOND_NS)
    assert ports(call) == [1]
    assert call.replied_at is not None
    assert 700 * MILLISECOND_NS <= call.replied_at - asked_at < 800 * MILLISECOND_NS


def test_changes_elsewhere_wake_no_long_poll() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    call = cluster.ask(leader, after(known))
    cluster.answer(leader, Register(InstanceKey("other", "10.0.0.1", 1)))
    cluster.answer(leader, PublishConfig(CONFIG_KEY, "one"))
    cluster.run(1 * SECOND_NS)
    assert call.reply is None


def test_a_long_poll_on_a_service_is_answered_when_its_last_instance_is_gone() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    call = cluster.ask(leader, after(known))
    cluster.answer(leader, Deregister(key(1)))
    cluster.run(50 * MILLISECOND_NS)
    assert ports(call) == []


def test_an_expiry_wakes_too() -> None:
    cluster, leader, follower = started()
    known = index_of(cluster.answer(leader, Register(key(1), beats=BeatTimes(100, 200, 60_000))))
    call = cluster.ask(follower, after(known))
    cluster.run(1 * SECOND_NS)
    assert isinstance(call.reply, Done)
    assert [instance.healthy for instance in call.reply.value.instances] == [True], "none healthy: protected"
    assert call.reply.value.is_protected


def test_a_listener_hears_of_another_md5_and_of_no_repetition() -> None:
    cluster, leader, follower = started()
    cluster.answer(leader, PublishConfig(CONFIG_KEY, "one"))
    call = cluster.ask(follower, ListenConfigs((HeldConfig(CONFIG_KEY, ""),), wait_ms=5_000))
    cluster.run(50 * MILLISECOND_NS)
    assert isinstance(call.reply, Done)
    assert call.reply.value == (CONFIG_KEY,)
    digest = cluster.node(leader).machine.registry.configs.by_key[CONFIG_KEY].md5
    call = cluster.ask(follower, ListenConfigs((HeldConfig(CONFIG_KEY, digest),), wait_ms=5_000))
    cluster.answer(leader, PublishConfig(CONFIG_KEY, "one"))
    cluster.run(1 * SECOND_NS)
    assert call.reply is None, "published again, but the same"
    cluster.answer(leader, PublishConfig(CONFIG_KEY, "two"))
    cluster.run(100 * MILLISECOND_NS)
    assert isinstance(call.reply, Done)
    assert call.reply.value == (CONFIG_KEY,)


def test_waiting_outlasts_the_time_in_which_other_requests_are_refused() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    call = cluster.ask(leader, after(known, wait_ms=30_000))
    cluster.run(20 * SECOND_NS)
    assert call.reply is None
    cluster.run(11 * SECOND_NS)
    assert ports(call) == [1]


def test_more_long_polls_than_may_wait_are_refused_and_a_free_place_is_used_again() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    calls = [cluster.ask(leader, after(known, wait_ms=1_000)) for _ in range(4)]
    cluster.run(50 * MILLISECOND_NS)
    assert isinstance(calls[3].reply, Refused)
    assert (calls[3].reply.code, calls[3].reply.proposed) == ("overloaded", False)
    cluster.run(2 * SECOND_NS)
    again = cluster.ask(leader, after(known))
    cluster.run(50 * MILLISECOND_NS)
    assert again.reply is None


def test_a_long_poll_is_linearizable_at_first_so_it_needs_a_leader() -> None:
    cluster, leader, follower = started()
    known = index_of(cluster.answer(leader, register(1)))
    cluster.settle()
    cluster.cut({follower})
    call = cluster.ask(follower, after(known - 1))
    stale = cluster.ask(follower, ListInstances("service", after=0, wait_ms=1_000, consistency="stale"))
    assert isinstance(stale.reply, Done)
    cluster.run(5 * SECOND_NS)
    assert isinstance(call.reply, Refused)


def test_an_orderly_end_refuses_waiting_clients() -> None:
    cluster, leader, _ = started()
    known = index_of(cluster.answer(leader, register(1)))
    call = cluster.ask(leader, after(known))
    cluster.run(50 * MILLISECOND_NS)
    cluster.shut_down(leader)
    assert isinstance(call.reply, Refused)
    assert (call.reply.code, call.reply.proposed) == ("lost-leadership", False)


def test_a_leader_is_always_waited_for_and_a_follower_while_it_owes_an_answer() -> None:
    """So the driver knows when a node may stand still."""
    cluster, leader, follower = started()
    assert not cluster.node(leader).nobody_waits()
    assert cluster.node(follower).nobody_waits()
    write = cluster.ask(follower, register(1))
    assert not cluster.node(follower).nobody_waits()
    cluster.run_until(lambda: write.reply is not None)
    assert cluster.node(follower).nobody_waits()
    poll = cluster.ask(follower, after(index_of(write)))
    cluster.run(1 * SECOND_NS)
    assert poll.reply is None
    assert not cluster.node(follower).nobody_waits()
