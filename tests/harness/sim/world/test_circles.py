"""A node whose timer is due at once again and again lets virtual time stand still: its process is ended."""

from __future__ import annotations

import pytest

from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.world import process
from node_impl.core.build import Parts
from node_impl.core.raft.elections import HEARTBEAT_TIMER, Elections


class HeartbeatsAtOnce(Elections):
    """The next heartbeat is due now."""

    def arm_heartbeat_timer(self) -> None:
        self._set_timer(HEARTBEAT_TIMER, self._state.now)


def test_a_node_that_turns_in_a_circle_is_ended_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_STEPS_A_MILLISECOND", 300)
    plan = plan_of(1, SeedOptions(time_limit_s=1, nemesis=(), nodes=3))
    ran = run(plan, parts=Parts(elections=HeartbeatsAtOnce))
    assert "it took 300 steps within one virtual millisecond, the last of them for heartbeat" in "\n".join(
        line for lines in ran.logs.values() for line in lines
    )
    health = next(one for one in results_of(ran).verdicts if one.checker == "node-health")
    assert health.validity == "invalid"
