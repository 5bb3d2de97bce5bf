"""The workload `subscriptions` in virtual time: what is right is valid, and a node that forgets is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkers.verdict import Validity
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from node_impl.core.registry import registry
from node_impl.core.registry.snapshot import read_snapshot
from node_impl.core.serving.long_polls import Answer, LongPolls

OPTIONS = SeedOptions(workload="subscriptions")


def validities(seed: int, logs: Path) -> dict[str, Validity]:
    ran = run(plan_of(seed, OPTIONS))
    assert ran.problem is None
    return {verdict.checker: verdict.validity for verdict in results_of(ran, logs).verdicts}


@pytest.mark.parametrize("seed", range(3))
def test_subscribers_of_the_right_node_are_answered(seed: int, tmp_path: Path) -> None:
    found = validities(seed, tmp_path)
    assert found["subscriptions"] is Validity.VALID
    assert Validity.INVALID not in found.values()


def _restore(self: registry.Registry, snapshot: bytes) -> None:
    """A snapshot replaces the state, and nothing counts as changed."""
    self.services, self.configs = read_snapshot(snapshot)


_wake = LongPolls.wake


def _wake_one(self: LongPolls, changes: Any) -> list[Answer]:
    """Of several subscribers of a service, the first one is answered, and the others are forgotten."""
    return _wake(self, changes)[:1]


def _arm_nothing(self: LongPolls, effects: list[Any]) -> None:
    """No timer ends the wait."""


@pytest.mark.parametrize(
    ("owner", "name", "broken", "seed"),
    [
        (registry.Registry, "restore", _restore, 12),
        (LongPolls, "wake", _wake_one, 0),
        (LongPolls, "_arm", _arm_nothing, 0),
    ],
    ids=["a snapshot wakes no subscriber", "one of several is woken", "the time never ends"],
)
def test_a_node_that_forgets_its_subscribers_is_found(
    owner: type,
    name: str,
    broken: Callable[..., Any],
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, name, broken)
    found = validities(seed, tmp_path)
    assert [name for name, validity in found.items() if validity is Validity.INVALID] == ["subscriptions"]
