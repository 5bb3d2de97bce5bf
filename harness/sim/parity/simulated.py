"""Plays a scenario on simulated nodes, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from harness.run.test import Test
from harness.sim.parity.scenario import (
    MOST_OPERATIONS,
    NODES,
    KernelWorld,
    ParityError,
    Scenario,
    Seen,
    Stage,
)
from harness.sim.plan.fault_rates import NO_FAULTS
from harness.sim.plan.plan import Plan
from harness.sim.run import FIRST_LEADER_BOUND_NS, world_of
from harness.sim.world.traces import node_trace
from harness.sim.world.waiting import proceed
from harness.sim.world.world import SimulatedWorld
from harness.workload import workload
from history import NodeLife, NodeTrace, Operation
from history.units import MILLISECOND_NS, SECOND_NS

LONGEST_NS = 600 * SECOND_NS
STEP_NS = 10 * MILLISECOND_NS


def the_test(scenario: Scenario, world: KernelWorld, seed: int) -> Test:
    """The test that a scenario's nodes are started with, in every world: with time-outs that no busy machine
    reaches by itself."""
    return Test(
        nodes=NODES,
        world=world,
        workload="register",
        nemesis=scenario.faults,
        concurrency=MOST_OPERATIONS,
        mutant=scenario.mutant,
        seed=seed,
        election_ms=1000,
        request_timeout_ms=4000,
    )


class SimulatedArena:
    """Implements `Arena` by a simulated world."""

    name: KernelWorld | None = None

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.completions: dict[int, Operation] = {}

    def begin(self, invocation: Operation) -> None:
        """Let a client begin an operation."""
        self.world.begin(self.world.now, invocation)

    def completion(self, process: int) -> Operation | None:
        """How the operation of that process ended."""
        return self.completions.get(process)

    def lives(self, node: str) -> Sequence[NodeLife]:
        """The lives of a node that have ended."""
        return self.world.processes[node].lives

    def trace(self, node: str) -> NodeTrace:
        """What the node has traced so far."""
        return node_trace(node, self.world.processes[node].traces)

    def log(self, node: str) -> Sequence[str]:
        """The lines that the node has logged so far."""
        return self.world.processes[node].log


def play_simulated(scenario: Scenario, seed: int = 1) -> Seen:
    """Play a scenario; what was seen.

    Raises:
        ParityError: something that must happen did not.
    """
    test = the_test(scenario, "local", seed)
    plan = Plan(test=test, fault_rates=NO_FAULTS)

    async def perform(operation: Operation, world: object) -> Operation:  # noqa: ARG001 - no nemesis acts here
        raise ParityError(f"no nemesis acts in a scenario: {operation.f}")

    world = world_of(plan, workload(test.workload, test.nodes, test.concurrency), perform)
    arena = SimulatedArena(world)
    world.start_all()
    world.run_until(lambda: world.view().agreed_leader() is not None, FIRST_LEADER_BOUND_NS)
    ended: list[Seen] = []

    async def played() -> Seen:
        return await scenario.play(Stage(arena))

    proceed(world, played(), ended.append)
    while not ended:
        if world.now > LONGEST_NS:
            raise ParityError(f"{scenario.name} does not end")
        _, completions = world.advance(world.now + STEP_NS)
        arena.completions.update({operation.process: operation for operation in completions})
    world.stop_all()
    return ended[0]
