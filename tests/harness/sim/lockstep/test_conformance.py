"""A core that says what its messages mean is compared with Raft's specification, step by step."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from harness.sim.judging import judge, results_of
from harness.sim.lockstep.protocol import ForeignCore, LockstepError
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from tests.harness.sim.lockstep.cores import EXAMPLE, changed_example, command

LOG_IS_LOOKED_AT = "self.vote in (None, sender) and is_newest"
COUNT = '"count": len(message["entries"])}'
SAYS = '"traces": "messages"'
SHORT = SeedOptions(nodes=3, nemesis=("kill",), time_limit_s=3, rate=40, workload="register")
DRAWN = SeedOptions(nodes=3, time_limit_s=8, workload="register")


def core(program: Path) -> ForeignCore:
    return core_of(command(program))


def conformance(seed: int, options: SeedOptions, program: Path, logs: Path) -> Verdict:
    ran = run(plan_of(seed, msgspec.structs.replace(options, core=core(program))))
    return next(one for one in results_of(ran, logs).verdicts if one.checker == "conformance")


def test_each_step_of_the_example_is_one_of_the_specification(tmp_path: Path) -> None:
    verdict = conformance(3, SHORT, EXAMPLE, tmp_path)
    assert verdict.validity is Validity.VALID
    actions = verdict.measures["actions"]
    assert {"BecomeLeader", "AdvanceCommitIndex", "AppendEntries", "RequestVote", "Timeout"} <= set(actions)


def test_a_vote_without_a_look_at_the_log_is_a_step_that_no_other_checker_sees(tmp_path: Path) -> None:
    wrong = changed_example(tmp_path, LOG_IS_LOOKED_AT, "self.vote in (None, sender)")
    judged = judge(plan_of(77001, msgspec.structs.replace(DRAWN, core=core(wrong))), tmp_path)
    assert judged.invalid == ("conformance",)
    assert "HandleRequestVoteRequest does not allow" in judged.summary
    assert "logOk" in judged.summary


def test_a_map_that_says_another_thing_than_the_node_did_is_found(tmp_path: Path) -> None:
    wrong = changed_example(tmp_path, COUNT, '"count": len(message["entries"]) + 1}')
    verdict = conformance(3, SHORT, wrong, tmp_path)
    assert verdict.validity is Validity.INVALID
    assert "AppendEntries does not allow: mentries = SubSeq(log[i], nextIndex, _)" in verdict.summary


def test_a_core_that_traces_its_state_alone_is_not_compared(tmp_path: Path) -> None:
    verdict = conformance(3, SHORT, changed_example(tmp_path, SAYS, '"traces": "state"'), tmp_path)
    assert verdict.mark is Unjudged.NOT_APPLICABLE


def test_a_message_without_a_meaning_is_refused(tmp_path: Path) -> None:
    silent = changed_example(tmp_path, '{**sent, "means": self.means(message)}', "sent")
    with pytest.raises(LockstepError, match='gave the effect "send" without `means`'):
        conformance(3, SHORT, silent, tmp_path)
