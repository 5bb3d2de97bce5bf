"""Which cells and which known bugs a change can reach, by the imports of the source.

- A *cell* is touched if one of its runs could load a changed module: what drives and judges runs, the cell's
  own system, workload and faults, and all that these import. Where a table only chooses among systems,
  workloads, faults or seeded bugs, the one that is chosen counts, not the others.
- A *bug* is touched if the module whose rule it breaks, or the checker that finds it, can load a changed one.
- A change to what all runs of a cell go through, and to no bug of the cell in particular (the simulator, a
  client), touches all of the cell's bugs.
- A change to the gate itself, or to what runs campaigns, touches everything.
- So does a changed file that is no module of ours, unless it is documentation or a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

from harness.campaign.cells import Cell
from harness.gate.changes.imports import ROOT, Edge, module_of, modules, reached
from harness.gate.changes.revision import changed_files, repository_of
from harness.gate.known_bugs.seeded import SeededBug
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import NEMESES
from harness.systems import REFERENCE_NODE, SYSTEMS
from harness.workload import WORKLOADS, workload

HARMLESS_FOLDERS = ("docs", "tests", "benchmarks", "scripts", ".ci", ".github")
"""Folders of this repository whose files no run loads."""
HARMLESS_SUFFIXES = (".md", ".rst")
_TABLES = {
    "ackproof": "ackproof.",
    "harness.systems.catalogue": "harness.systems.",
    "harness.workload.catalogue": "harness.workload.",
    "harness.mutants.catalogue": "harness.mutants.",
    "harness.nemesis.catalogue": "harness.nemesis.faults.",
}
"""Modules that only choose among others, and where these are."""
_SHARED = ("harness.systems.base", "harness.workload.base", "harness.mutants.mutant")
_MACHINERY = ("harness.gate", "harness.campaign", "harness.executors")
"""What runs the campaign and weighs it: a change to it touches everything."""
_SIMULATED_RUN = ("harness.sim.run", "harness.sim.judging", "harness.sim.plan.swarm")
_REAL_RUN = ("ackproof.cli.commands.testing.run", "harness.run.runner")
_NODE_PROGRAM = "node_impl.io.server"


class LeftOut(msgspec.Struct, frozen=True):
    """What a gate does not run: a change does not reach it, or the budget has no room for it."""

    what: str
    why: str


class Change(msgspec.Struct, frozen=True):
    """What differs."""

    revision: str
    modules: frozenset[str]
    """Changed modules of ours."""
    everything: str = ""
    """The changed file that may touch anything; empty if there is none."""

    def touches_cell(self, cell: Cell) -> bool:
        """Whether a run of the cell could load something that changed."""
        return bool(self.everything) or not self.modules.isdisjoint(modules_of_cell(cell))

    def touches_bug(self, bug: SeededBug) -> bool:
        """Whether what the bug breaks, or what finds it, could load something that changed."""
        return bool(self.everything) or not self.modules.isdisjoint(modules_of_bug(bug.mutant))


def change_since(revision: str, folder: Path) -> Change:
    """What differs from a revision of the repository around a folder.

    Raises:
        ValueError: there is no repository, or no such revision.
    """
    return change_of(revision, changed_files(revision, folder), repository_of(folder))


def change_of(revision: str, files: Iterable[Path], repository: Path) -> Change:
    """What these changed files of a repository are."""
    changed: set[str] = set()
    everything = ""
    for file in files:
        own = set(_modules(file))
        changed |= own
        place = file.relative_to(repository)
        is_known = bool(own) or _is_harmless(place, is_ours=repository == ROOT)
        if not is_known or any(_is_machinery(module) for module in own):
            everything = everything or place.as_posix()
    return Change(revision, frozenset(changed), everything)


def touched_cells(change: Change, cells: Sequence[Cell]) -> tuple[tuple[Cell, ...], tuple[LeftOut, ...]]:
    """The cells that a change reaches, and the others."""
    kept = tuple(
        cell
        for cell in cells
        if _is_path(cell.system)
        or cell.core is not None
        or cell.script is not None
        or change.touches_cell(cell)
    )
    why = f"no module that it loads differs from {change.revision}"
    return kept, tuple(LeftOut(cell.name, why) for cell in cells if cell not in kept)


def touched_bugs(
    change: Change, bugs: Sequence[SeededBug]
) -> tuple[tuple[SeededBug, ...], tuple[LeftOut, ...]]:
    """The known bugs that a change reaches, and the others."""
    all_of = frozenset(cell for cell in {bug.cell for bug in bugs} if _is_general(change, cell, bugs))
    kept = tuple(bug for bug in bugs if bug.cell in all_of or change.touches_bug(bug))
    why = f"neither its rule's modules nor its checker's differ from {change.revision}"
    return kept, tuple(LeftOut(f"mutant {bug.mutant}", why) for bug in bugs if bug not in kept)


def _is_general(change: Change, cell: Cell, bugs: Sequence[SeededBug]) -> bool:
    """Whether a change reaches the cell otherwise than through a bug's own modules."""
    if change.everything:
        return True
    special = frozenset().union(*(modules_of_bug(bug.mutant) for bug in bugs if bug.cell == cell))
    return not (change.modules - special).isdisjoint(modules_of_cell(cell))


def modules_of_cell(cell: Cell) -> frozenset[str]:
    """The modules that a run of this cell could load."""
    faults = cell.nemesis
    return _modules_of_run(cell.system.partition("@")[0], cell.workload, faults, cell.world == "sim")


@cache
def _modules_of_run(
    system: str, work: str, faults: tuple[str, ...] | None, is_simulated: bool
) -> frozenset[str]:
    chosen = {
        *(_SIMULATED_RUN if is_simulated else _REAL_RUN),
        *((_NODE_PROGRAM,) if system == REFERENCE_NODE and not is_simulated else ()),
        *_system_modules(system),
        WORKLOADS[work].__module__,
        *_fault_modules(faults),
    }

    def is_followed(edge: Edge) -> bool:
        table, module = edge
        if system != REFERENCE_NODE and module.startswith("harness.mutants"):
            return False  # its programs know no seeded bug
        return not module.startswith(_TABLES.get(table, "?")) or module in _SHARED

    return reached(chosen, is_followed)


@cache
def modules_of_bug(mutant: str) -> frozenset[str]:
    """The modules of the rule that a seeded bug breaks, of its checker, and all that they import."""
    declared = MUTANTS[mutant]
    rules = {base.__module__ for base in declared.broken.__mro__ if base.__module__.startswith("node_impl.")}
    checkers = {
        type(checker).__module__
        for checker in workload(declared.workload, ("n1",), 1).checkers
        if checker.name == declared.caught_by
    }
    return reached(rules | checkers) | {declared.broken.__module__}


def _system_modules(system: str) -> Iterator[str]:
    """The module or package of a listed system; nothing of one that a file defines."""
    name = f"harness.systems.{system.replace('-', '_')}"
    if system in SYSTEMS:
        yield from (module for module in modules() if module == name or module.startswith(f"{name}."))


def _fault_modules(faults: tuple[str, ...] | None) -> Iterator[str]:
    """The modules of these faults; of all of them if a seed draws them."""
    own = {name: f"harness.nemesis.faults.{name.replace('-', '_')}" for name in NEMESES}
    names = set(NEMESES) if faults is None else {fault.partition(":")[0] for fault in faults}
    wanted = {own[name].rpartition(".")[2] for name in names & own.keys()}
    for module in modules():
        if module.startswith("harness.nemesis.faults.") and module.rpartition(".")[2] in wanted:
            yield module


def _is_path(system: str) -> bool:
    """Whether a system is defined by a file of the user's: what it loads is not followed."""
    return system.partition("@")[0] not in SYSTEMS


def _modules(file: Path) -> Iterator[str]:
    """The module of a changed file; of a file that is no source, all modules next to it."""
    module = module_of(file)
    if module is not None:
        yield module
    elif file.is_relative_to(ROOT) and len(file.relative_to(ROOT).parts) > 1:
        folder = ".".join(file.parent.relative_to(ROOT).parts)
        while folder and folder not in modules():
            folder = folder.rpartition(".")[0]
        yield from (
            module for module in modules() if folder and folder in (module, module.rpartition(".")[0])
        )


def _is_machinery(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in _MACHINERY)


def _is_harmless(path: Path, *, is_ours: bool) -> bool:
    is_documentation = path.suffix in HARMLESS_SUFFIXES or path.parts[0] == "docs"
    return is_documentation or (is_ours and path.parts[0] in HARMLESS_FOLDERS)
