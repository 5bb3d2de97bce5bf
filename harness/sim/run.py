"""One simulated run, from its plan to its recording; and the same folder that a real run leaves."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from checkers.lacking import LACKS, LackedEvidence
from checkers.run.liveness.quiet import quiet_until
from harness import generator as gen
from harness.client.codecs.base import Codec
from harness.client.codecs.sessions import InSessions
from harness.drivers.virtual import drive
from harness.generator import GeneratorLike
from harness.interpreter.interpreter import Interpreter
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import nemesis_of
from harness.nemesis.catalogue import kinds_of
from harness.run.course import work_and_faults
from harness.run.folder import RunFolder
from harness.sim.lockstep.clients import ForeignCodec, ForeignDoor
from harness.sim.lockstep.exchanges import Exchanges
from harness.sim.lockstep.node import ForeignKind
from harness.sim.lockstep.protocol import Traces
from harness.sim.mechanisms.catalogue import MECHANISMS, SIM
from harness.sim.plan.decisions import Decisions, DrawnDecisions
from harness.sim.plan.plan import Plan
from harness.sim.world.clock import NodeClock
from harness.sim.world.kind import NodeKind, ReferenceKind
from harness.sim.world.process import Process
from harness.sim.world.traces import node_trace, written
from harness.sim.world.world import Perform, SimulatedWorld
from harness.systems import client_for
from harness.systems.reference_node import ReferenceNode
from harness.workload import Workload, workload
from history import HeldSize, History, HistoryWriter, NodeLife, Operation, Recording
from history.nemesis import FINAL_HEAL, HEAL_QUORUM
from history.recording import ENDED_EARLY, PRE_VOTE, VIRTUAL_TIME
from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Trace

FIRST_LEADER_BOUND_NS = 10_000_000_000
LACKED_BY_CORES: Mapping[Traces, tuple[LackedEvidence, ...]] = {
    "none": ("contents", "traces"),
    "state": ("contents",),
    "messages": (),
    "own-messages": (),
}
"""What checkers cannot know of a core of others, by what it traces."""


class SimulatedRun(msgspec.Struct, frozen=True):
    """What a simulated run left behind."""

    plan: Plan
    operations: tuple[Operation, ...]
    traces: dict[str, list[list[Trace]]]
    """By node, then by life."""
    lives: tuple[NodeLife, ...]
    logs: dict[str, list[str]]
    disks: dict[str, dict[str, bytes]]
    sizes: tuple[HeldSize, ...]
    """How much nodes held at the most, by life."""
    happened: int
    """How many things happened in the world."""
    worked_until: int
    """The virtual nanosecond at which clients and nemesis had done their last operation."""
    ended_at: int
    """Virtual nanoseconds; later than that where the healed cluster was watched for a while."""
    problem: str | None = None
    """Why the generator stopped early; None if it did not."""

    def recording(self, logs: Path | None = None) -> Recording:
        """Give what checkers judge. logs: a folder to write the nodes' logs to."""
        log_files: dict[str, Path] = {}
        if logs is not None:
            for name, lines in self.logs.items():
                log_files[name] = logs / f"{name}.txt"
                log_files[name].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return Recording(
            nodes=self.plan.test.nodes,
            history=History(list(self.operations)),
            traces={name: node_trace(name, lives) for name, lives in self.traces.items()},
            lives=self.lives,
            sizes=self.sizes,
            logs=log_files,
            options={
                **self.plan.test.options(),
                "monotonic_start_ns": 0,
                **self._promises(),
                **({} if self.problem is None else {ENDED_EARLY: self.problem}),
            },
            fault_kinds=kinds_of(self.plan.test.nemesis),
        )

    def _promises(self) -> dict[str, Any]:
        """What checkers and reports must know: that time was simulated, and what a core of others lacks."""
        core = self.plan.core
        if core is None:
            settings = dict(self.plan.settings)
            return {VIRTUAL_TIME: True, PRE_VOTE: bool(settings.get(PRE_VOTE, NodeConfig().pre_vote))}
        return {
            VIRTUAL_TIME: True,
            LACKS: ["indices", "habits", *LACKED_BY_CORES[core.traces]],
        }

    def write(self, store: Path, command: Sequence[str]) -> RunFolder:
        """Write a run's folder (harness/run/folder.py), not yet judged; `plan.json` has the plan.

        Raises:
            CouldNotRun: the store cannot be written.
        """
        folder = RunFolder.create(store, self.plan.test)
        folder.write_test(self.plan.test, 0, command, self._promises())
        if self.problem is not None:
            folder.write_ended_early(self.problem)
        (folder.path / "plan.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.plan), indent=1))
        with HistoryWriter(folder.history_lines) as writer:
            for operation in self.operations:
                writer.append(operation)
        for name in self.plan.test.nodes:
            folder.trace(name).mkdir(parents=True)
            folder.data(name).mkdir()
            folder.log(name).write_text("".join(f"{line}\n" for line in self.logs[name]), encoding="utf-8")
            for life, lines in enumerate(self.traces[name], start=1):
                (folder.trace(name) / f"{life:04}.jsonl").write_bytes(b"".join(written(lines)))
            for file, content in self.disks[name].items():
                (folder.data(name) / file).write_bytes(content)
        folder.write_lives(self.lives)
        folder.write_lag(())
        folder.write_sizes(self.sizes)
        folder.seal()
        return folder


def run(
    plan: Plan,
    *,
    parts: Parts | None = None,
    decisions: Decisions | None = None,
    script: GeneratorLike | None = None,
    perform: Perform | None = None,
    most_happenings: int | None = None,
    prepare: Callable[[SimulatedWorld], None] | None = None,
    exchanges: Exchanges | None = None,
) -> SimulatedRun:
    """Run a plan in virtual time.

    Args:
        parts: what nodes are made of; by default those of the plan's mutant, or the correct ones.
        decisions: what happens to each message, write and request; by default drawn from the plan's seed.
        script: what clients and nemesis do, instead of the plan's workload and nemesis.
        perform: how nemesis operations are done; by default, as the nemesis plans them.
        most_happenings: the run is ended if more than this happens in its world.
        prepare: is given the world before anything happens in it, to watch it.
        exchanges: takes what the plan's core is given and answers.

    Raises:
        TooMuchHappensError: more happened than that.
        LockstepError: the plan's core breaks its protocol.
    """
    test = plan.test
    work = workload(test.workload, test.nodes, test.concurrency)
    nemesis = msgspec.structs.replace(
        nemesis_of(test.nemesis, SIM, test.nodes), pace=plan.pace, quorum_end=plan.quorum_end
    )
    kind = kind_of(plan, parts, exchanges)
    world = world_of(
        plan,
        work,
        perform or (lambda operation, w: nemesis.perform(operation, w, test.seed)),
        kind,
        decisions,
    )
    if most_happenings is not None:
        world.most_happenings = most_happenings
    if prepare is not None:
        prepare(world)
    operations: list[Operation] = []
    generator = script if script is not None else _course(plan, work, nemesis.generator, nemesis.final)
    interpreter = Interpreter(generator, threads=test.concurrency, nodes=test.nodes, seed=test.seed)
    problem: str | None = None
    with collected_later(), closing(kind):
        world.start_all()
        if plan.core is None or plan.core.traces != "none":
            world.run_until(lambda: world.view().agreed_leader() is not None, FIRST_LEADER_BOUND_NS)
        try:
            drive(interpreter, world, record=operations.append, start=world.now)
        except gen.GeneratorError as error:
            problem = str(error)
        worked_until = world.now
        _watch_the_quiet(world, operations, test.election_ms * MILLISECOND_NS)
        world.stop_all()
    processes = world.processes
    return SimulatedRun(
        plan=plan,
        operations=tuple(operations),
        traces={name: process.traces for name, process in processes.items()},
        lives=tuple(life for process in processes.values() for life in process.lives),
        sizes=tuple(size for process in processes.values() for size in process.sizes),
        logs={name: process.log for name, process in processes.items()},
        disks={name: process.disk.files() for name, process in processes.items()},
        happened=world.happened,
        worked_until=worked_until,
        ended_at=world.now,
        problem=problem,
    )


def _watch_the_quiet(world: SimulatedWorld, operations: Sequence[Operation], election_ns: int) -> None:
    """Let a healed cluster be for a while, with no client: the checker `liveness` looks what it does then."""
    heals = [one.time for one in operations if one.f == FINAL_HEAL and one.type != "invoke"]
    if heals:
        world.advance(quiet_until(heals[-1], world.now, election_ns))


@contextmanager
def collected_later() -> Iterator[None]:
    """Switch garbage collection off for a run, or while it is judged: almost all objects are kept, or freed
    by their reference counts, and looking for cycles again and again took an eighth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _course(plan: Plan, work: Workload, faults: GeneratorLike, final_heal: GeneratorLike) -> GeneratorLike:
    """Work and faults for as long as the test says, then healing, then reading back, as in a real run.

    Where a quorum alone is healed first, work goes on meanwhile.
    """
    main, end = work_and_faults(plan.test, work, faults, plan.overtime_s), plan.quorum_end
    if end is not None:
        limit_ns = round(plan.test.time_limit_s * SECOND_NS)
        faults = gen.phases(gen.time_limit(limit_ns, faults), {"f": HEAL_QUORUM})
        longer = msgspec.structs.replace(
            plan.test, time_limit_s=plan.test.time_limit_s + end.lasts_ms * MILLISECOND_NS / SECOND_NS
        )
        main = work_and_faults(longer, work, faults, plan.overtime_s)
    return gen.phases(main, gen.nemesis(final_heal), work.final)


def world_of(
    plan: Plan,
    work: Workload,
    perform: Perform,
    kind: NodeKind | None = None,
    decisions: Decisions | None = None,
) -> SimulatedWorld:
    """The world of a plan, in which nothing has begun yet; its clients have the workload's data type.

    Args:
        perform: how nemesis operations are done.
        kind: makes the nodes; by default, as the plan says.
        decisions: see `run`.
    """
    test = plan.test
    decided = decisions or DrawnDecisions(test.seed, plan.fault_rates)
    made_of = kind or kind_of(plan)

    def process(name: str, world: SimulatedWorld) -> Process:
        return Process(
            name,
            tuple(sorted(test.nodes)),
            world,
            kind=made_of,
            decisions=decided,
            clock=NodeClock(plan.drift_ppm.get(name, 0)),
            scheduled_faults=plan.scheduled_faults,
        )

    system = ReferenceNode.of(test.options())
    return SimulatedWorld(
        test.nodes,
        process=process,
        mechanisms=MECHANISMS,
        codec=_codec(plan, work, system),
        retries=work.retries,
        decisions=decided,
        perform=perform,
        in_order=plan.in_order,
        client_patience_ns=round(system.bounds.request_s * SECOND_NS),
        door=None if plan.core is None else ForeignDoor(),
    )


def _codec(plan: Plan, work: Workload, system: ReferenceNode) -> Codec:
    """What makes requests of operations, for the kind of nodes that the plan has."""
    if plan.core is not None:
        return ForeignCodec()
    codec = client_for(system, work)
    assert isinstance(codec, Codec), "the reference node speaks HTTP"
    return InSessions(codec, plan.test.concurrency, plan.test.plain_clients)


def kind_of(plan: Plan, parts: Parts | None = None, exchanges: Exchanges | None = None) -> NodeKind:
    """What a plan's nodes are made of: a core of others, or the reference node's parts; see `run`."""
    test = plan.test
    if plan.core is not None:
        settings = {
            "heartbeat_ns": test.heartbeat_ms * MILLISECOND_NS,
            "election_timeout_ns": test.election_ms * MILLISECOND_NS,
        }
        return ForeignKind(plan.core, settings, exchanges)
    if parts is None:
        parts = MUTANTS[test.mutant].parts if test.mutant is not None else DEFAULT_PARTS
    config = replace(
        NodeConfig(
            heartbeat_ns=test.heartbeat_ms * MILLISECOND_NS,
            election_timeout_ns=test.election_ms * MILLISECOND_NS,
            request_timeout_ns=test.request_timeout_ms * MILLISECOND_NS,
            lease=test.lease,
            clock_drift_bound_percent=test.clock_drift_bound_percent,
        ),
        **dict(plan.settings),  # type: ignore[arg-type]  # whole numbers and truth values, by their names
    )
    return ReferenceKind(parts, config)
