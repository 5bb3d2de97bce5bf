"""Simulated runs that go on while they prove too little."""

from __future__ import annotations

import msgspec

from checkers.verdict import Validity
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

FEW_WRITES = 1_988_829_897
"""A seed of workload `register` with three acknowledged writes at its time limit."""


def vacuity_of(plan: Plan) -> Validity:
    verdicts = results_of(run(plan)).verdicts
    return next(verdict.validity for verdict in verdicts if verdict.checker == "vacuity")


def test_work_and_faults_go_on_until_enough_writes_are_acknowledged() -> None:
    plan = plan_of(FEW_WRITES, SeedOptions(workload="register"))
    assert vacuity_of(plan) is Validity.VALID
    assert vacuity_of(msgspec.structs.replace(plan, overtime_s=0)) is Validity.UNKNOWN


def test_a_stated_time_limit_is_kept() -> None:
    assert plan_of(FEW_WRITES, SeedOptions(workload="register", time_limit_s=8)).overtime_s == 0
