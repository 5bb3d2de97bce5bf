"""A core that carries messages in others says itself which one leaves, and which one it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.sim.judging import results_of
from harness.sim.lockstep.protocol import LockstepError
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from tests.harness.sim.lockstep.cores import EXAMPLE, command

SENDS = '        self.effects.append({**sent, "means": self.means(message)})\n'
NAMES = """        self.named = getattr(self, "named", 0) + 1
        message["id"] = f"{self.name}/{self.life}/{self.named}"
        self.effects.append({"effect": "sent", "id": message["id"], "to": to, "means": self.means(message)})
        self.effects.append(sent)
"""
RECEIVES = '            self.receive(event["from"], event["message"])\n'
TOOK = '{"effect": "took", "id": event["message"]["id"], "from": event["from"]}'
TAKES = f"            self.effects.append({TOOK})\n"
SAYS, SAYS_OWN = '"traces": "messages"', '"traces": "own-messages"'


def ran(folder: Path, *changes: tuple[str, str]) -> SimulatedRun:
    """A seed of the example, which names its messages itself, with changes."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for before, after in ((SENDS, NAMES), (RECEIVES, TAKES + RECEIVES), (SAYS, SAYS_OWN), *changes):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    program = folder / "own.py"
    program.write_text(text, encoding="utf-8")
    options = SeedOptions(
        nodes=3, nemesis=("duplicate",), time_limit_s=3, rate=40, workload="register",
        core=core_of(command(program)),
    )  # fmt: skip
    return run(plan_of(3, options))


def test_each_step_is_compared_with_the_message_that_the_core_took(tmp_path: Path) -> None:
    found = results_of(ran(tmp_path), tmp_path).verdicts
    verdict = next(one for one in found if one.checker == "conformance")
    assert verdict.validity is Validity.VALID, verdict
    assert {"BecomeLeader", "AdvanceCommitIndex", "AppendEntries"} <= set(verdict.measures["actions"])


def test_a_core_that_takes_no_message_takes_steps_that_nothing_explains(tmp_path: Path) -> None:
    found = results_of(ran(tmp_path, (TAKES, "")), tmp_path).verdicts
    verdict = next(one for one in found if one.checker == "conformance")
    assert verdict.validity is Validity.INVALID


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (SAYS_OWN, SAYS, 'does not say that it traces own messages, and gave the effect "sent"'),
        ("/{self.named}", "", "gives a second message the id 'n./1'"),
        ('"id": event["message"]["id"]', '"id": "x"', "takes a message that was not sent: 'x'"),
        ('"to": to, "means"', '"to": self.name, "means"', "sends a message of its own to 'n.'"),
        ('"from": event["from"]}', '"from": "n9"}', "takes a message of its own from 'n9'"),
    ],
)  # fmt: skip
def test_a_broken_rule_of_own_messages_is_named(before: str, after: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(LockstepError, match=what) as caught:
        ran(tmp_path, (before, after))
    assert "the event was {" in str(caught.value)
