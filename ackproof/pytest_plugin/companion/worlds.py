"""A cluster that a test drives step by step: real processes, or the simulated world."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace as with_fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from harness.client.carrying import Carrier
from harness.client.data_types import DATA_TYPES, REGISTRY
from harness.cluster.kinds import kind_of
from harness.errors import CouldNotRun, unknown_name
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import NEMESES, Nemesis, nemesis_of
from harness.nemesis.action import Action
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from harness.run.test import Test
from harness.run.worlds import world_of as hosted_world_of
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.fault_rates import NO_FAULTS
from harness.sim.plan.plan import Plan
from harness.sim.run import FIRST_LEADER_BOUND_NS
from harness.sim.run import world_of as simulated_world_of
from harness.sim.world.waiting import proceed
from harness.sim.world.world import SimulatedWorld
from harness.systems import REFERENCE_NODE, system_of
from harness.systems.base import System, bounds
from harness.workload import workload
from history import NodeLife, Operation
from history.units import MILLISECOND_NS, SECOND_NS

T = TypeVar("T")

USUAL_NODES = 3
USUAL_FAULTS = ("kill", "pause", "partition")
STEP_NS = 10 * MILLISECOND_NS


class DrivenCluster(Protocol):
    """What both worlds can do for a test."""

    @property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """By name of each node and of each port, the `host:port`; no ports where there are none."""
        ...

    def now_ns(self) -> int:
        """The time since the cluster began."""
        ...

    async def observe(self) -> ClusterView:
        """What each node says of itself."""
        ...

    async def perform(self, invocation: Operation) -> Operation:
        """Carry out a client's operation; its completion."""
        ...

    async def perform_fault(self, invocation: Operation) -> Operation:
        """Carry out an operation of the nemesis; its completion."""
        ...

    async def act(self, action: Action) -> Outcome:
        """Do one thing to nodes."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...

    async def wait_for_leader(self) -> str:
        """Wait until a majority names the same leader; its name."""
        ...

    def lives(self) -> tuple[NodeLife, ...]:
        """Every process of every node so far."""
        ...

    async def close(self) -> None:
        """End all nodes."""
        ...


async def started(options: Mapping[str, Any], folder: Path, base_port: int | None) -> DrivenCluster:
    """Start the cluster that a test asks for, and wait for its first leader.

    Args:
        options: of the mark `ackproof_cluster`.
        folder: for the files of the nodes.
        base_port: the first of the ports; None for any free ones.

    Raises:
        ValueError: an option is wrong.
        CouldNotRun: it cannot be started.
    """
    names = tuple(f"n{number}" for number in range(1, options.get("nodes", USUAL_NODES) + 1))
    asked = {
        name: options[name]
        for name in ("system", "system_options", "mutant", "lease", "seed")
        if name in options
    }
    faults = faults_of(options)
    if options.get("mutant") is not None and options["mutant"] not in MUTANTS:
        raise ValueError(unknown_name("mutant", options["mutant"], MUTANTS))
    test = Test(nodes=names, nemesis=faults, base_port=base_port, **asked)
    system = system_of(test.system, test.options())
    data_type = _data_type(system, options.get("data_type"))
    world = options.get("world") or ("local" if system.links == "proxies" else "netns")
    if world == SIM.name:
        return SimulatedCluster(test, data_type)
    if world not in ("local", "netns"):
        raise ValueError(unknown_name("world of a cluster", world, ("local", "netns", SIM.name)))
    cluster = HostedCluster(replace(test, world=world), system, data_type, folder)
    await cluster.start()
    return cluster


def faults_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The faults that a cluster is prepared for: those of its mark, or those of the usual ones that its nodes
    are enough for."""
    if "faults" in options:
        return tuple(options["faults"])
    nodes = options.get("nodes", USUAL_NODES)
    return tuple(name for name in USUAL_FAULTS if NEMESES[name].fewest_nodes <= nodes)


def _data_type(system: System, asked: str | None) -> str:
    if asked is None:
        return REGISTRY if REGISTRY in system.clients else next(iter(system.clients))
    if asked not in system.clients:
        known = [name for name in DATA_TYPES if name in system.clients]
        raise ValueError(unknown_name(f"data type of system {system.name}", asked, known))
    return asked


class HostedCluster:
    """Real processes on this machine."""

    def __init__(self, test: Test, system: System, data_type: str, folder: Path) -> None:
        self._test = test
        self._system = system
        self._start_ns = time.monotonic_ns()
        self._nemesis = nemesis_of(test.nemesis, kind_of(test.world, system.links), test.nodes)
        self._client = system.clients[data_type]
        self._world = hosted_world_of(test, system, folder, self.now_ns)
        self._stack = AsyncExitStack()
        self._carrier: Carrier

    async def start(self) -> None:
        """Start the nodes, and wait for a leader.

        Raises:
            CouldNotRun: they cannot be started.
        """
        await self._stack.enter_async_context(self._world)
        try:
            await self._world.wait_for_leader(bounds(self._system).leader_s)
            timeout_s = bounds(self._system).request_s
            carrier = Carrier(self._client, None, self._world, timeout_s, self._test.seed)
            self._carrier = await self._stack.enter_async_context(carrier)
        except BaseException:
            await self.close()
            raise

    @property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """By name of each node and of each port, the `host:port`."""
        return self._world.members

    def now_ns(self) -> int:
        """The time since the cluster began."""
        return time.monotonic_ns() - self._start_ns

    async def observe(self) -> ClusterView:
        """What each node says of itself."""
        return await self._world.observe()

    async def perform(self, invocation: Operation) -> Operation:
        """Carry out a client's operation, by the system's own client."""
        return await self._carrier.perform(invocation)

    async def perform_fault(self, invocation: Operation) -> Operation:
        """Carry out an operation of the nemesis."""
        return await self._nemesis.perform(invocation, self._world, self._test.seed)

    async def act(self, action: Action) -> Outcome:
        """Do one thing to nodes."""
        return await self._world.carry_out(action)

    async def sleep(self, seconds: float) -> None:
        """Let real time pass."""
        await asyncio.sleep(seconds)

    async def wait_for_leader(self) -> str:
        """Wait until a majority names the same leader."""
        return await self._world.wait_for_leader(bounds(self._system).leader_s)

    def lives(self) -> tuple[NodeLife, ...]:
        """Every process of every node so far."""
        return self._world.lives()

    async def close(self) -> None:
        """End all nodes, and what was made for them."""
        await self._stack.aclose()


class SimulatedCluster:
    """Nodes in virtual time, on a good network and good disks: only what the test does happens to them."""

    def __init__(self, test: Test, data_type: str) -> None:
        if test.system != REFERENCE_NODE:
            raise ValueError("simulated nodes are those of the system reference-node")
        self._nemesis: Nemesis = nemesis_of(test.nemesis, SIM, test.nodes)
        self._seed = test.seed
        work = with_fields(workload(test.workload, test.nodes, 1), data_type=data_type)
        plan = Plan(test=test, fault_rates=NO_FAULTS)
        self._world: SimulatedWorld = simulated_world_of(plan, work, self._no_nemesis)
        self._world.start_all()
        self._world.run_until(lambda: self._world.view().agreed_leader() is not None, FIRST_LEADER_BOUND_NS)

    async def _no_nemesis(self, operation: Operation, _world: object) -> Operation:
        raise AssertionError(f"{operation.f} is performed by perform_fault")

    @property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """The names of the nodes: simulated nodes listen on no port."""
        return {name: {} for name in self._world.names}

    def now_ns(self) -> int:
        """The virtual time."""
        return self._world.now

    async def observe(self) -> ClusterView:
        """What each node says of itself."""
        return self._world.view()

    async def perform(self, invocation: Operation) -> Operation:
        """Carry out a client's operation; no other goes on meanwhile."""
        world = self._world
        world.begin(world.now, invocation)
        while True:
            _, completions = world.advance(None)
            for completion in completions:
                if completion.index == invocation.index:
                    return completion
            if not completions:
                raise CouldNotRun(
                    f"{invocation.f} never ends: nothing happens any more in the simulated world"
                )

    async def perform_fault(self, invocation: Operation) -> Operation:
        """Carry out an operation of the nemesis."""
        return self._done(self._nemesis.perform(invocation, self._world, self._seed))

    async def act(self, action: Action) -> Outcome:
        """Do one thing to nodes."""
        return self._done(self._world.carry_out(action))

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._world.advance(self._world.now + round(seconds * SECOND_NS))

    async def wait_for_leader(self) -> str:
        """Let time pass until a majority names the same leader."""
        world = self._world
        until = world.now + FIRST_LEADER_BOUND_NS
        if not world.run_until(lambda: world.view().agreed_leader() is not None, until):
            raise CouldNotRun(f"no leader within {FIRST_LEADER_BOUND_NS // SECOND_NS} simulated seconds")
        leader = world.view().agreed_leader()
        assert leader is not None
        return leader

    def lives(self) -> tuple[NodeLife, ...]:
        """Every process of every node that has ended."""
        return tuple(life for process in self._world.processes.values() for life in process.lives)

    async def close(self) -> None:
        """End all nodes."""
        self._world.stop_all()

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        """Let virtual time pass until a coroutine has ended."""
        found: list[T] = []
        proceed(self._world, work, found.append)
        while not found:
            self._world.advance(self._world.now + STEP_NS)
        return found[0]
