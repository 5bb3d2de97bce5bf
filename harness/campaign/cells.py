"""What a campaign is made of: cells, each one test under many seeds, and the order of their runs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, NoReturn, get_args

import msgspec

from harness.errors import CouldNotRun
from harness.mutants.catalogue import MUTANTS
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import in_place_of, is_other_version
from harness.sim.plan.plan import SeedOptions
from harness.sim.seeds.hunting import options_for
from harness.systems import REFERENCE_NODE

CellWorld = Literal["sim", "local", "netns", "ssh"]
WORLDS: tuple[CellWorld, ...] = get_args(CellWorld)
USUAL_SEEDS = 20
USUAL_CANARY_SEEDS = 20
DRAWN = "drawn"
"""Stands for what a seed chooses itself, in the simulated world."""


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One test, which runs under many seeds. What is None is left to the seed, or to `ackproof run`."""

    system: str = REFERENCE_NODE
    core: ForeignCore | None = None
    """In the simulated world: the core that nodes are made of, in place of the reference node."""
    workload: str = "registry"
    nemesis: tuple[str, ...] | None = None
    nodes: int | None = None
    world: CellWorld = "sim"
    mutant: str | None = None
    lease: bool = False
    concurrency: int | None = None
    rate: int | None = None
    """Client operations a second, of all clients together."""
    time_limit_s: int | None = None
    fault_seconds: str | None = None
    """Of real runs: how long each fault lasts, as the option of `ackproof run` takes it: 4 or 4-8."""
    minimum_acknowledged: int | None = None
    """Of real runs: with fewer acknowledged writes, a run proves nothing."""
    system_options: tuple[tuple[str, str], ...] = ()
    seeds: int = USUAL_SEEDS
    first_seed: int = 0
    nodes_file: str | None = None
    """In the world ssh: the file that lists the remote hosts, as an absolute path."""
    is_canary: bool = False
    """Whether its seeded bug must be found, or else the harness is broken."""
    script: str | None = None
    """Of real runs: the script of scripts/catalogue.py that does the steps, in place of a workload and
    faults."""

    @property
    def name(self) -> str:
        """The cell in a few words."""
        system = self.system if self.core is None else f"core {shlex.join(self.core.command)}"
        parts = [self.world, system]
        parts += [self.workload, self.faults_in_words] if self.script is None else [f"script {self.script}"]
        parts += [f"{self.nodes} nodes"] if self.nodes is not None else []
        parts += [f"mutant {self.mutant}"] if self.mutant is not None else []
        parts += [f"hosts of {self.nodes_file}"] if self.nodes_file is not None else []
        parts += ["lease"] if self.lease else []
        parts += ["canary"] if self.is_canary else []
        for field in ("concurrency", "rate", "time_limit_s", "fault_seconds", "minimum_acknowledged"):
            value = getattr(self, field)
            parts += [f"{field.removesuffix('_s').replace('_', ' ')} {value}"] if value is not None else []
        parts += [f"{name}={value}" for name, value in self.system_options]
        return ", ".join(parts)

    @property
    def faults_in_words(self) -> str:
        """The faults, as an option would name them."""
        if self.nemesis is None:
            return "faults drawn" if self.world == "sim" else "usual faults"
        return ",".join(self.nemesis) or "none"

    def seed_options(self) -> SeedOptions:
        """What is fixed for all seeds in the simulated world."""
        return SeedOptions(
            nodes=self.nodes,
            concurrency=self.concurrency,
            rate=self.rate,
            time_limit_s=self.time_limit_s,
            nemesis=self.nemesis,
            workload=self.workload,
            mutant=self.mutant,
            lease=self.lease,
            core=self.core,
        )

    @property
    def core_option(self) -> tuple[str, ...]:
        """The option that names its core, which every command needs that runs it; empty without one."""
        return () if self.core is None else ("--core", shlex.join(self.core.command))

    def arguments(self, seed: int) -> list[str]:
        """The arguments of `ackproof` that repeat one run."""
        if self.script is not None:
            return self._arguments_of_script(self.script, seed)
        words = ["sim"] if self.world == "sim" else ["run", "--world", self.world, "--system", self.system]
        words += [*self.core_option, "--seed", str(seed), "--workload", self.workload]
        if self.nemesis is not None:
            words += ["--nemesis", ",".join(self.nemesis) or "none"]
        given = {
            "--nodes-file": self.nodes_file,
            "--nodes": self.nodes,
            "--mutant": self.mutant,
            "--concurrency": self.concurrency,
            "--rate": self.rate,
            "--time-limit": self.time_limit_s,
            "--fault-seconds": self.fault_seconds,
            "--minimum-acknowledged": self.minimum_acknowledged,
        }
        for option, value in given.items():
            words += [option, str(value)] if value is not None else []
        words += ["--lease"] if self.lease else []
        for name, value in self.system_options:
            words += ["--system-option", f"{name}={value}"]
        return words

    def _arguments_of_script(self, script: str, seed: int) -> list[str]:
        """A campaign of one run, since no other command does scripts."""
        words = ["campaign", "run", "--script", script, "--world", self.world, "--system", self.system]
        words += [] if self.nodes is None else ["--nodes", str(self.nodes)]
        for name, value in self.system_options:
            words += ["--system-option", f"{name}={value}"]
        return [*words, "--seeds", "1", "--first-seed", str(seed)]


def canary(mutant: str, seeds: int = USUAL_CANARY_SEEDS) -> Cell:
    """The cell in which a seeded bug must be found: with the workload and faults in which it shows.

    Raises:
        KeyError: there is no such seeded bug.
    """
    options = options_for(MUTANTS[mutant].name)
    return Cell(
        mutant=mutant, workload=options.workload, nemesis=options.nemesis, seeds=seeds, is_canary=True
    )


class CampaignPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All that a campaign is to do. It is the first line of its journal."""

    cells: tuple[Cell, ...]
    name: str = "campaign"
    most_s: float | None = None
    """Seconds of work, those before an interruption included; no run begins later. None for no bound."""
    most_simulated_s: float | None = None
    """Seconds of work, those of real runs left out, after which no simulated run begins, so that real ones
    have their time; None: simulated runs may take all."""
    most_runs: int | None = None
    stop_at_first: bool = False
    retries: int = 2
    """How often a run that the harness itself could not do is tried again."""
    stability: int = 1
    """How many seeds of each simulated cell run twice, to be compared."""
    replaces_undecided: bool = False
    """Whether another seed is drawn in place of one that proved nothing (replacing.py)."""
    enough_found: int | None = None
    """In how many runs a seeded bug is to be found until its cell has enough runs; None for all of its seeds.
    A canary is enough when it was found once."""
    known: tuple[tuple[int, int], ...] = ()
    """(cell, seed) of runs that come first, as they showed findings before; also seeds that no cell has."""
    shard: tuple[int, int] | None = None
    """Which part of all runs is done here, from 1, and of how many parts; None for all of them."""
    in_proportion: bool = False
    """Whether cells take turns by how many seeds they have, so that each has done the same share of its own
    at any time; otherwise each has done the same number."""
    ends_in_time: bool = False
    """Whether the work ends when its seconds are over: no run begins that would take longer than is left, by
    how long runs of its cell took, and runs that go on then are given up (budget/in_time.py)."""
    further: tuple[tuple[int, int], ...] = ()
    """(cell, seeds): how many more seeds of a cell may run if time is left after all other simulated runs.
    They are not asked for: a campaign is complete without them."""

    @property
    def whole(self) -> CampaignPlan:
        """The plan of all shards together."""
        return msgspec.structs.replace(self, shard=None)


def with_cores(plan: CampaignPlan, given: Sequence[ForeignCore]) -> CampaignPlan:
    """A stored plan whose cells have the cores that the user names, never the commands that the file names.

    Raises:
        CouldNotRun: a core is needed and not given, or is another version; or one is given and not needed.
    """
    recorded = {cell.core for cell in plan.cells if cell.core is not None}
    for core in given:
        if not any(_is_it(one, core) for one in recorded):
            _refuse_core(core, recorded)
    cells = [
        msgspec.structs.replace(cell, core=in_place_of(cell.core, _given_for(cell.core, given), anyway=False))
        for cell in plan.cells
    ]
    return msgspec.structs.replace(plan, cells=tuple(cells))


def _given_for(recorded: ForeignCore | None, given: Sequence[ForeignCore]) -> ForeignCore | None:
    return None if recorded is None else next((core for core in given if _is_it(recorded, core)), None)


def _is_it(recorded: ForeignCore, given: ForeignCore) -> bool:
    """Whether it is the same program with the same arguments, wherever it lies now."""
    return recorded.arguments == given.arguments and not is_other_version(recorded, given)


def _refuse_core(core: ForeignCore, recorded: Collection[ForeignCore]) -> NoReturn:
    if any(one.in_words == core.in_words for one in recorded):
        raise CouldNotRun(
            f"the core `{core.in_words}` has changed since the campaign began, and results of two versions "
            "are not mixed; begin a new campaign"
        )
    raise CouldNotRun(f"the campaign has no cell of the core `{core.in_words}`: leave this --core out")


class Unit(NamedTuple):
    """One run to do."""

    cell: int
    """The place of its cell in the plan."""
    seed: int
    again: bool = False
    """Whether the seed ran before, and this run is compared with that one."""


def units(plan: CampaignPlan) -> Iterator[Unit]:
    """All runs of this plan's shard in order: the canaries', the known ones, then one seed of each cell after
    the other.

    So a budget that ends early has spent as much on each cell. A canary belongs to every shard, as each
    machine's harness is to be shown to find bugs.
    """
    for number, cell in enumerate(plan.cells):
        if cell.is_canary:
            yield from (Unit(number, cell.first_seed + place) for place in range(cell.seeds))
    known = dict.fromkeys(Unit(cell, seed) for cell, seed in plan.known)
    yield from known
    part, parts = plan.shard or (1, 1)
    for place, group in enumerate(_in_turn(plan)):
        if place % parts == part - 1:
            yield from (unit for unit in group if unit not in known)


def further_units(plan: CampaignPlan) -> Iterator[Unit]:
    """The runs for time that is left, in order; each cell has done the same share of its own at any time."""
    return (
        Unit(number, first_further_seed(plan.cells[number]) + place)
        for number, place in _by_share(plan.further)
    )


def first_further_seed(cell: Cell) -> int:
    """The first seed of a cell for time that is left. It follows those of the cell, and those that may be
    drawn in place of them (replacing.py), of which there is one more."""
    return cell.first_seed + 2 * cell.seeds + 1


def to_begin_with(plan: CampaignPlan) -> frozenset[Unit]:
    """The runs that come before all others: the canaries', the known ones, and the first of each cell.

    So each cell has a run before one has a second seed, although simulated runs come before real ones.
    """
    known = {Unit(cell, seed) for cell, seed in plan.known}
    first: dict[int, Unit] = {}
    begin = set(known)
    for unit in units(plan):
        if plan.cells[unit.cell].is_canary:
            begin.add(unit)
        elif unit not in known:
            first.setdefault(unit.cell, unit)
    return frozenset(begin | set(first.values()))


def _in_turn(plan: CampaignPlan) -> Iterator[tuple[Unit, ...]]:
    """Each run with its repetition, if it has one."""
    seeds = [(number, cell.seeds) for number, cell in enumerate(plan.cells) if not cell.is_canary]
    for number, place in _by_share(seeds) if plan.in_proportion else _evenly(seeds):
        cell = plan.cells[number]
        one = Unit(number, cell.first_seed + place)
        is_repeated = cell.world == "sim" and place < plan.stability
        yield (one, one._replace(again=True)) if is_repeated else (one,)


def _evenly(seeds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(cell, place): of each cell with its number of seeds, one after the other."""
    for place in range(max((own for _, own in seeds), default=0)):
        yield from ((number, place) for number, own in seeds if place < own)


def _by_share(seeds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(cell, place): next is the cell that has done the smallest share of its seeds with that run."""
    shares = ((Fraction(place + 1, own), number, place) for number, own in seeds for place in range(own))
    return ((number, place) for _, number, place in sorted(shares))


def distinct(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Each cell once, in order."""
    return tuple(dict.fromkeys(cells))
