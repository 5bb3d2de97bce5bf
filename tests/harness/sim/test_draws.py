"""What seeds draw: clients without sessions, nodes that remember few clients, time-outs that fit links."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checkers.run.liveness.bounds import BOUND_ELECTIONS
from checkers.verdict import Validity
from harness.run.test import Test
from harness.sim.judging import judge, results_of
from harness.sim.plan import fitting
from harness.sim.plan.fault_rates import FaultRates
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.quorum_end import DRAWN
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

PLANS = [plan_of(seed) for seed in range(300)]
FAR = FaultRates(delays=("far",), writes=("slow",))
NEAR = FaultRates(delays=("near",), writes=("fast",))


def test_some_seeds_have_clients_without_sessions_and_some_have_no_others() -> None:
    plain = [one.test.plain_clients for one in PLANS]
    assert 60 <= sum(number == 0 for number in plain) <= 180
    writers = [-(-one.test.concurrency // 2) for one in PLANS]
    assert any(number == all_ for number, all_ in zip(plain, writers, strict=True))
    assert all(number <= all_ for number, all_ in zip(plain, writers, strict=True))


def test_clients_that_repeat_writes_all_have_sessions() -> None:
    assert not any(plan_of(seed, SeedOptions(workload="sessions")).test.plain_clients for seed in range(50))


def test_a_third_of_the_seeds_remember_few_clients() -> None:
    bounds = [one.settings["max_clients"] for one in PLANS if "max_clients" in one.settings]
    assert 60 <= len(bounds) <= 140
    assert min(bounds) == 2
    assert max(bounds) <= 80


def test_time_outs_are_as_drawn_on_fast_links_and_longer_than_round_trips_on_slow_ones() -> None:
    assert fitting.election_ms(120, NEAR) == 120
    assert fitting.request_timeout_ms(150, NEAR) == 150
    assert fitting.election_ms(120, FAR) > 2 * 2 * 80
    assert fitting.request_timeout_ms(150, FAR) > 2 * 2 * 80
    assert fitting.election_ms(2000, FAR) == 2000


def test_messages_hold_at_least_what_the_load_needs() -> None:
    assert fitting.max_batch_entries(1, 1, 100, NEAR) == 1
    # 100 operations a second, and each message of writes takes some 0.2 s to be answered
    assert fitting.max_batch_entries(1, 1, 100, FAR) > 10
    assert fitting.max_batch_entries(64, 4, 20, FAR) == 64


def test_no_seed_has_only_a_change_of_members_that_can_never_be_made() -> None:
    assert not any("membership:add" in one.test.nemesis for one in PLANS)


def test_in_a_short_run_only_as_many_faults_are_drawn_as_have_time_for_their_turns() -> None:
    short = [plan_of(seed, SeedOptions(time_limit_s=4)) for seed in range(300)]
    several = [one for one in short if len(one.test.nemesis) > 1]
    for one in several:
        round_ms = one.pace.calm_ms[1] + one.pace.fault_ms[1]
        assert (len(one.test.nemesis) + 1) * round_ms <= 4_000
    assert len(several) >= 15
    assert sum(len(one.test.nemesis) == 1 for one in short) >= 100
    drawn = {fault.partition(":")[0] for one in short for fault in one.test.nemesis}
    assert drawn >= {"kill", "power", "partition", "pause", "terminate", "drift"}


def test_faults_that_the_user_named_are_left_out_in_no_run() -> None:
    named = ("kill", "power", "drift", "ambush", "membership")
    for seed in range(50):
        assert plan_of(seed, SeedOptions(time_limit_s=4, nemesis=named)).test.nemesis == named


def test_a_long_run_has_the_faults_that_it_would_have_without_a_limit() -> None:
    for seed in range(100):
        long = plan_of(seed, SeedOptions(time_limit_s=600))
        assert (long.test.nemesis, long.pace) == (PLANS[seed].test.nemesis, PLANS[seed].pace)


def forgetful_nodes(**settings: int) -> Plan:
    test = Test(
        nodes=("n1", "n2", "n3"),
        nemesis=(),
        concurrency=10,
        rate=200,
        time_limit_s=4,
        seed=11,
        minimum_acknowledged=50,
    )
    return Plan(test=test, settings=settings)


def test_clients_whose_sessions_expired_begin_others_and_the_run_is_valid(tmp_path: Path) -> None:
    ran = run(forgetful_nodes(max_clients=2))
    expired = [op for op in ran.operations if (op.error or "").startswith("session-expired")]
    assert len(expired) > 5
    assert {op.type for op in expired} == {"info"}
    last = max(op.time for op in expired)
    later = [op for op in ran.operations if op.type == "ok" and op.f == "register" and op.time > last]
    assert later
    assert results_of(ran, tmp_path).validity is Validity.VALID
    skipped = [event for lives in ran.traces.values() for life in lives for event in life if event.skipped]
    assert skipped


def test_without_a_bound_no_session_expires() -> None:
    ran = run(forgetful_nodes())
    assert not [op for op in ran.operations if (op.error or "").startswith("session-expired")]


def unproved(seeds: range, logs: Path) -> list[str]:
    """What each seed proved, if not that it is valid."""
    found = []
    for seed in seeds:
        judged = judge(plan_of(seed), logs)
        assert judged.invalid == (), f"seed {seed}: {judged.summary}"
        if judged.validity is not Validity.VALID:
            found.append(f"seed {seed}: {judged.summary}")
    return found


def test_few_seeds_prove_nothing(tmp_path: Path) -> None:
    assert len(unproved(range(300, 308), tmp_path)) <= 1


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_at_most_five_in_a_hundred_seeds_prove_nothing(tmp_path: Path) -> None:
    found = unproved(range(2_000, 2_200), tmp_path)
    assert len(found) <= 10, found


def test_a_client_may_be_slow() -> None:
    rates = msgspec.structs.replace(NEAR, client_delay_per_mille=500)
    ran = run(msgspec.structs.replace(forgetful_nodes(), fault_rates=rates))
    history = ran.recording().history
    waits = [
        op.time - history.invocation(op).time
        for op in history
        if op.f.startswith("stale-") and op.type == "ok"
    ]
    assert max(waits) > 100_000_000 > min(waits)


def test_some_runs_heal_only_a_quorum_and_break_a_minority_in_every_way() -> None:
    ends = [(one, one.quorum_end) for one in map(plan_of, range(1500)) if one.quorum_end is not None]
    assert 65 <= len(ends) <= 210
    assert {trouble for _, end in ends for trouble in end.broken.values()} == set(DRAWN)
    for plan, end in ends:
        assert 2 * len(end.broken) < len(plan.test.nodes)
        assert "membership" not in {fault.partition(":")[0] for fault in plan.test.nemesis}
        assert end.lasts_ms > BOUND_ELECTIONS * plan.test.election_ms


def test_a_quorum_that_alone_is_healed_works_and_all_nodes_are_healed_in_the_end() -> None:
    plan = plan_of(23)
    assert plan.quorum_end is not None
    found = {verdict.checker: verdict.validity for verdict in results_of(run(plan)).verdicts}
    assert found["liveness"] is Validity.VALID
    assert found["convergence"] is Validity.VALID
