"""What a fault declares of itself is what its planner and its actions do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from harness.cluster.kinds import HOSTED_WORLDS
from harness.nemesis import NEMESES
from harness.nemesis.action import Action, inject
from harness.nemesis.catalogue import ACTIONS, AnyAction, action_of
from harness.nemesis.fault import Fault
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.world import Mechanism, MechanismError, NodeResult
from harness.nemesis.nemesis import recorded
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from history.nemesis import NemesisAction
from tests.harness.nemesis.views import invocation, view

M = TypeVar("M")
LEADER = view(5, leader="n2")
every_fault = pytest.mark.parametrize("fault", NEMESES.values(), ids=lambda fault: fault.name)


class BareWorld:
    """A world without any mechanism; it remembers those that actions ask for."""

    def __init__(self) -> None:
        self.asked: set[Mechanism[Any]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(LEADER.nodes)

    async def observe(self) -> ClusterView:
        return LEADER

    async def on_each(self, nodes: Sequence[str], act: Callable[[str], Awaitable[NodeResult]]) -> Outcome:
        results = [await act(node) for node in nodes]
        return Outcome(any(results))

    def now_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("an action waits before it has done anything")

    def has(self, mechanism: Mechanism[Any]) -> bool:
        return False

    def mechanism(self, mechanism: Mechanism[M]) -> M:
        self.asked.add(mechanism)
        raise MechanismError(f"this run was not prepared for {mechanism.name}")


def planned(fault: Fault) -> list[Action]:
    """Actions of every target, and those that heal."""
    operations = [*(invocation(fault.begin, target) for target in fault.targets), invocation(fault.end)]
    shown = msgspec.structs.replace(
        LEADER,
        nodes={
            name: msgspec.structs.replace(node, members=tuple(LEADER.nodes), commit=9, last=9)
            for name, node in LEADER.nodes.items()
        },
    )
    return [
        action
        for operation in operations
        for draw in (1, 2, 3)
        for action in fault.planner.plan(operation, shown, draw)
    ]


@every_fault
def test_a_fault_plans_the_actions_that_it_declares(fault: Fault) -> None:
    found = {type(action) for action in planned(fault)}
    assert found
    assert found <= set(fault.actions)
    assert set(fault.begun_by) | set(fault.ended_by) <= set(fault.actions)
    assert fault.evidence
    assert all(action.verb for action in fault.actions)


@every_fault
def test_an_action_asks_for_mechanisms_that_its_fault_declares_and_else_fails_in_words(fault: Fault) -> None:
    from_elsewhere = {Kill, Start}  # the final heal has these in every world
    for action in planned(fault):
        world = BareWorld()
        outcome = asyncio.run(inject(action, world))
        assert not outcome.took_effect
        if world.asked:
            assert outcome.error is not None
            assert outcome.error.startswith("this run was not prepared for ")
        if type(action) not in from_elsewhere:
            assert world.asked <= set(fault.mechanisms)


@every_fault
def test_each_fault_is_possible_in_a_world_of_real_processes(fault: Fault) -> None:
    assert any(fault.lacks(world) is None for world in HOSTED_WORLDS.values())


@every_fault
def test_actions_are_read_from_files_and_from_completions_as_they_were(fault: Fault) -> None:
    for action in planned(fault):
        assert msgspec.json.decode(msgspec.json.encode(action), type=AnyAction) == action
        assert action_of(recorded(action, Outcome(took_effect=True))) == action
        assert action.words().startswith(action.verb) or action.words().split()[0] in {
            "ask",
            "make",
            "kill",
            "pause",
        }


def test_a_completion_of_an_unknown_action_is_refused_in_words() -> None:
    assert "Kill" in ACTIONS
    with pytest.raises(ValueError, match="no fault has an action 'Explode'"):
        action_of(NemesisAction("Explode"))
