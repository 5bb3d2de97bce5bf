from __future__ import annotations

import itertools

import msgspec
import pytest

from harness import generator as gen
from harness.cluster.kinds import LOCAL
from harness.drivers.virtual import simulate
from harness.nemesis import NEMESES, nemesis_of
from harness.nemesis.schedule import Pace, schedule
from history import Operation

SECOND = 1_000_000_000


def run(names: list[str], seed: int, seconds: int = 30) -> list[Operation]:
    """The nemesis's invocations and completions of a run in virtual time."""
    generator = gen.time_limit(seconds * SECOND, gen.nemesis(nemesis_of(names, LOCAL).generator))
    return list(simulate(generator, threads=1, seed=seed))


def broken_over_time(history: list[Operation]) -> list[tuple[int, frozenset[str]]]:
    """(time, the faults in force from then on)."""
    in_force: set[str] = set()
    states: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
    for op in history:
        for fault in NEMESES.values():
            if op.type == "invoke" and op.f == fault.begin:
                assert fault.name not in in_force, "a fault begins only when its last one has ended"
                in_force.add(fault.name)
            elif op.type == "info" and op.f == fault.end:
                in_force.discard(fault.name)
        states.append((op.time, frozenset(in_force)))
    return states


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("names", [["kill"], ["kill", "partition"], ["kill", "partition", "pause"]])
def test_every_fault_hits_the_leader_early(names: list[str], seed: int) -> None:
    early = [op for op in run(names, seed, 15) if op.type == "invoke"]
    for name in names:
        fault = NEMESES[name]
        assert {"target": fault.targets[0]} in [op.value for op in early if op.f == fault.begin]


@pytest.mark.parametrize("seed", range(10))
def test_each_fault_comes_alone_and_all_come_together(seed: int) -> None:
    in_force = {state for _, state in broken_over_time(run(["kill", "partition"], seed))}
    assert in_force == {
        frozenset(),
        frozenset({"kill"}),
        frozenset({"partition"}),
        frozenset({"kill", "partition"}),
    }


@pytest.mark.parametrize("seed", range(10))
def test_faults_outlast_elections_and_calm_lets_the_cluster_recover(seed: int) -> None:
    states = broken_over_time(run(["kill", "partition"], seed))
    pace = Pace()
    periods = [(bool(state), time) for time, state in states]
    runs = [
        (broken, [time for _, time in group])
        for broken, group in itertools.groupby(periods, lambda one: one[0])
    ]
    for (broken, times), (_, next_times) in itertools.pairwise(runs):
        lasted_ms = (next_times[0] - times[0]) / 1e6
        low, high = pace.fault_ms if broken else pace.calm_ms
        slack = 2 * pace.overlap_ms[1] if broken else 0
        assert low <= lasted_ms <= high + slack + 100


def test_a_run_uses_many_targets() -> None:
    targets = {
        op.value["target"]
        for seed in range(30)
        for op in run(["partition"], seed)
        if op.type == "invoke" and op.f == "partition"
    }
    assert targets == set(NEMESES["partition"].targets)


def test_the_same_seed_makes_the_same_schedule_and_another_another() -> None:
    names = ["kill", "partition", "pause"]
    assert run(names, 5) == run(names, 5)
    assert run(names, 5) != run(names, 6)


def test_of_no_faults_nothing_is_scheduled() -> None:
    assert list(simulate(gen.nemesis(schedule([])), threads=1, seed=0)) == []


def test_the_calm_begins_only_when_the_healing_has_ended() -> None:
    def slow_start(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="info"), 5 * SECOND if op.f == "start" else 0

    generator = gen.time_limit(40 * SECOND, gen.nemesis(nemesis_of(["kill"], LOCAL).generator))
    history = simulate(generator, threads=1, perform=slow_start)
    started = [op.time for op in history if op.f == "start" and op.type == "info"]
    killed = [op.time for op in history if op.f == "kill" and op.type == "invoke"]
    assert len(started) >= 3
    for end, begin in zip(started, killed[1:], strict=False):
        assert begin - end >= Pace().calm_ms[0] * 1_000_000
