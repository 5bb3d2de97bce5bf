"""A time limit is long enough if each fault has its turn in it, and then all of them at once."""

from __future__ import annotations

import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from harness.run.course import nemesis_for
from harness.run.test import Test
from harness.run.time_limits.enough import all_begin_s, enough_s, too_short, with_usual_time_limit
from harness.systems import system_of
from history.units import SECOND_NS

NODES = ("n1", "n2", "n3")


def a_test(*faults: str, schedule: str = "rounds", **given: object) -> Test:
    return Test(nodes=NODES, nemesis=faults, schedule=schedule, **given)  # type: ignore[arg-type]


def faults_in_force(test: Test, seconds: float) -> set[frozenset[str]]:
    """The sets of faults that were in force together, within this time."""
    nemesis = nemesis_for(test, system_of(test.system, test.options()))
    timed = gen.time_limit(round(seconds * SECOND_NS), gen.nemesis(nemesis.generator))
    in_force: set[str] = set()
    met = set()
    for op in simulate(timed, threads=1, seed=test.seed):
        for fault in nemesis.faults:
            if op.type == "invoke" and op.f == fault.begin:
                in_force.add(fault.name)
            elif op.type == "info" and op.f == fault.end:
                in_force.discard(fault.name)
        met.add(frozenset(in_force))
    return met


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lengths", [None, (1.0, 1.0), (4.0, 7.0)])
def test_in_the_time_that_is_enough_each_fault_and_all_at_once_have_their_turn(
    seed: int, lengths: tuple[float, float] | None
) -> None:
    test = a_test("pause", "kill", seed=seed, fault_s=lengths)
    met = faults_in_force(test, enough_s(test))
    assert met == {frozenset(), frozenset({"pause"}), frozenset({"kill"}), frozenset({"pause", "kill"})}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("schedule", ["rounds", "random"])
@pytest.mark.parametrize("lengths", [None, (1.0, 1.0), (4.0, 7.0)])
def test_once_all_turns_have_begun_each_fault_was_in_force(
    seed: int, schedule: str, lengths: tuple[float, float] | None
) -> None:
    test = a_test("pause", "kill", seed=seed, fault_s=lengths, schedule=schedule)
    begun_s = all_begin_s(test)
    assert 0 < begun_s < enough_s(test)
    met = faults_in_force(test, begun_s + 0.001)
    assert {"pause", "kill"} <= {name for together in met for name in together}
    assert schedule == "random" or frozenset({"pause", "kill"}) in met


@pytest.mark.parametrize(
    ("test", "begun_s"),
    [
        (a_test(), 0),
        (a_test("kill"), 2.0),
        (a_test("kill", "partition"), 12.5),
        (a_test("kill", "partition", schedule="random"), 8.0),
        (a_test("kill", schedule="2 kill:leader, 40.5 heal kill"), 2.0),
        (a_test("kill", schedule="3 heal kill"), 0),
        (a_test("membership"), 0),
    ],
)
def test_when_all_turns_have_begun_follows_from_the_schedule(test: Test, begun_s: float) -> None:
    assert all_begin_s(test) == begun_s


@pytest.mark.parametrize("schedule", ["rounds", "bursts", "random"])
def test_a_limit_that_cuts_a_turn_short_is_not_said_to_leave_a_fault_without_one(schedule: str) -> None:
    begun_s = all_begin_s(a_test("kill", schedule=schedule))
    cut = too_short(a_test("kill", schedule=schedule, time_limit_s=begun_s + 0.1))
    none = too_short(a_test("kill", schedule=schedule, time_limit_s=begun_s))
    assert cut is not None
    assert none is not None
    assert "each begins in time, but one that is cut short may have no effect" in cut.text
    assert "without a turn" not in cut.text
    assert "a fault without a turn makes a run unknown" in none.text


@pytest.mark.parametrize(
    ("test", "enough"),
    [
        (a_test(), 0),
        (a_test("kill"), 5),
        (a_test("kill", "partition"), 16),
        (a_test("kill:leader", "kill:n1", "partition"), 16),
        (a_test("kill", "partition", "pause"), 22),
        (a_test("kill", "partition", fault_s=(1.0, 1.0)), 10),
        (a_test("kill", "partition", schedule="random"), 14),
        (a_test("kill", "partition", schedule="bursts"), 16),
        (a_test("kill", schedule="2 kill:leader, 40.5 heal kill"), 41),
        (a_test("membership"), 0),
        (a_test("kill", "partition", system="zookeeper", world="netns"), 19),
    ],
)
def test_what_is_enough_follows_from_the_faults_their_lengths_and_the_schedule(
    test: Test, enough: int
) -> None:
    assert enough_s(test) == enough


def test_a_limit_that_is_too_short_is_named_with_the_one_that_suffices() -> None:
    short = too_short(a_test("kill", "partition", time_limit_s=6.0))
    assert short is not None
    assert (short.given_s, short.enough_s) == (6, 16)
    assert short.text == (
        "a time limit of 6 s is too short: the first turns of kill, partition, and of all at once, take up "
        "to 16 s, and a fault without a turn makes a run unknown; give --time-limit 16, or --fault-seconds"
    )
    assert too_short(a_test("kill", "partition", time_limit_s=16.0)) is None
    assert too_short(a_test(time_limit_s=0.1)) is None


def test_without_a_limit_a_run_takes_30_s_or_as_long_as_its_faults_need() -> None:
    assert with_usual_time_limit(a_test("kill", "partition")).time_limit_s == 30
    many = a_test("kill", "partition", "pause", "terminate", "slow", "loss", "delay")
    assert with_usual_time_limit(many).time_limit_s == enough_s(many) > 30
