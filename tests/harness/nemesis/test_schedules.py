"""When faults come, by each kind of schedule: what overlaps, what is healed, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import generator as gen
from harness.cluster.kinds import LOCAL
from harness.drivers.virtual import simulate
from harness.generator.base import Generator
from harness.nemesis import all_survivable, nemesis_of
from harness.nemesis.schedule import enabled, schedule, swarm_pace
from history import Operation

SECOND = 1_000_000_000

seeds = st.integers(0, 1000)


def run_nemesis(generator: Generator, seed: int, seconds: int) -> list[Operation]:
    """What the nemesis begins in a number of seconds of virtual time."""
    bounded = gen.time_limit(seconds * SECOND, gen.nemesis(generator))
    return [one for one in simulate(bounded, threads=1, seed=seed) if one.type == "invoke"]


@given(seed=seeds)
def test_at_random_faults_overlap_in_any_way_and_each_is_healed_before_it_comes_again(seed: int) -> None:
    faults = nemesis_of(["kill", "partition", "pause"], LOCAL).faults
    operations = run_nemesis(schedule(faults, how="random"), seed, seconds=90)
    for fault in faults:
        mine = [operation.f for operation in operations if operation.f in fault.operations]
        assert mine[::2] == [fault.begin] * len(mine[::2])
        assert mine[1::2] == [fault.end] * len(mine[1::2])
        assert len(mine) >= 6
    begins = {fault.begin for fault in faults}
    assert any(a.f in begins and b.f in begins for a, b in pairwise(operations)), "two are on at once"


@given(seed=seeds)
def test_a_burst_is_several_short_faults_after_a_long_calm(seed: int) -> None:
    faults = nemesis_of(["kill", "partition"], LOCAL).faults
    times = [operation.time for operation in run_nemesis(schedule(faults, how="bursts"), seed, seconds=40)]
    gaps = [after - before for before, after in pairwise(times)]
    assert sum(gap < SECOND for gap in gaps) >= 3 * sum(gap > 3 * SECOND for gap in gaps) > 0
    assert times[0] > 3 * SECOND


def test_a_written_schedule_comes_at_its_times() -> None:
    written = "1 kill:one, 2.5s partition, 3 heal kill, 3 heal partition"
    nemesis = nemesis_of(["kill", "partition:halves"], LOCAL, schedule=written)
    operations = run_nemesis(nemesis.generator, seed=1, seconds=10)
    assert [(round(10 * operation.time / SECOND), operation.f) for operation in operations] == [
        (10, "kill"),
        (25, "partition"),
        (30, "start"),
        (30, "heal"),
    ]
    assert [operation.value for operation in operations[:2]] == [{"target": "one"}, {"target": "halves"}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "sometimes",
            "'sometimes' is not a part of a schedule, .* or it is one of rounds, random, bursts, swarm",
        ),
        ("1 pause", "'1 pause': --nemesis has no such fault to schedule, only kill"),
        ("1 kill:everybody", "'1 kill:everybody': --nemesis has leader, one, "),
        ("2 kill, 1 heal kill", "'1 heal kill' comes after a later time"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_before_the_run(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        nemesis_of(["kill"], LOCAL, schedule=text)


def test_a_swarms_seed_enables_some_faults_and_sets_their_pace() -> None:
    names = all_survivable(LOCAL)
    drawn = [enabled(names, seed) for seed in range(40)]
    assert all(set(some) <= set(names) and some for some in drawn)
    assert set().union(*drawn) == set(names), "each has its turn"
    assert drawn == [enabled(names, seed) for seed in range(40)]
    assert len(set(drawn)) > 30
    assert len({swarm_pace(seed) for seed in range(40)}) > 5
    assert enabled((), 1) == ()


def test_all_faults_are_those_that_a_correct_system_survives() -> None:
    names = all_survivable(LOCAL)
    assert {"kill", "power", "reorder", "rot"} <= set(names)
    assert not {"truncate", "rollback"} & set(names)
    assert nemesis_of(names, LOCAL)


def test_no_faults_have_no_schedule() -> None:
    assert run_nemesis(schedule((), how="random"), 1, seconds=5) == []
