"""A node that says that it has too much to do, although hardly anyone waits, breaks what is documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.client.codecs.node_replies import MOST_WAITING
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import run
from node_impl.core.config import NodeConfig

TEST = Test(nodes=("n1", "n2", "n3"), nemesis=(), concurrency=6, rate=100, time_limit_s=5, seed=1)


@pytest.mark.parametrize(
    ("settings", "validity"), [({}, Validity.VALID), ({"max_pending": 1}, Validity.INVALID)]
)
def test_overloaded_is_believed_only_where_much_waits(
    settings: dict[str, int | bool], validity: Validity, tmp_path: Path
) -> None:
    ran = run(Plan(test=TEST, settings=settings))
    found = {verdict.checker: verdict for verdict in results_of(ran, tmp_path).verdicts}
    assert found["unhandled-errors"].validity is validity
    if validity is Validity.INVALID:
        assert "overloaded, although only # writes wait at the leader" in found["unhandled-errors"].summary


def test_the_documented_bounds_are_those_of_the_node() -> None:
    assert NodeConfig().max_pending == NodeConfig().max_watches == MOST_WAITING
