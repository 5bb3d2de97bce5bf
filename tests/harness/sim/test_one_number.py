"""Texts name an operation by the index of its invocation alone, as the tables and links of reports do."""

from __future__ import annotations

import re

import pytest

from checkers.verdict import Validity
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run

NUMBER = re.compile(r"\b[Oo]perations? (\d+)")
BROKEN = [("acknowledge-early", 4), ("forgetful", 4)]
MORE = [("acknowledge-early", 7), ("vote-twice", 3), ("unconfirmed-reads", 1), ("deregister-forgotten", 1)]


@pytest.mark.parametrize(
    ("mutant", "seed"), [*BROKEN, *(pytest.param(*one, marks=pytest.mark.campaign) for one in MORE)]
)
def test_texts_name_operations_by_their_invocations(mutant: str, seed: int) -> None:
    ran = run(plan_of(seed, SeedOptions(mutant=mutant)))
    operations = ran.operations
    found = results_of(ran)
    texts = [
        (verdict.checker, f"{evidence.title}. {evidence.text}")
        for verdict in found.verdicts
        for evidence in verdict.evidence
    ]
    named = [(checker, int(number), text) for checker, text in texts for number in NUMBER.findall(text)]
    wrong = [one for one in named if one[1] < len(operations) and operations[one[1]].type != "invoke"]
    assert wrong == []
    if (mutant, seed) == BROKEN[0]:
        assert found.validity is Validity.INVALID
        assert len({checker for checker, _, _ in named}) >= 3
