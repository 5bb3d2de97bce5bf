"""Has a script done in a process of its own (carrying.py), and reads what it showed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from checkers.verdict import Validity
from harness.campaign.cells import Cell
from harness.campaign.outcomes import LONGEST_TEXT, Outcome, Violation
from harness.campaign.scripts.catalogue import CHECKER, NOT_SHOWN, SCRIPTS, SHOWN, Script
from harness.errors import CouldNotRun, unknown_name
from harness.systems import REFERENCE_NODE
from harness.systems.installing.recipe import is_version
from history.files import brief

_OPEN = ("nemesis", "mutant", "concurrency", "rate", "time_limit_s", "fault_seconds", "minimum_acknowledged")
"""What a cell of a script leaves out, since the script does its own work and its own faults."""


class Carried(msgspec.Struct, frozen=True):
    """What carrying.py prints: how a script ended, and where its output is."""

    status: int
    printed: tuple[str, ...]
    """The lines of its standard output."""
    complained: str
    """The last line of its standard error; empty if there is none."""
    folder: str
    version: str = ""
    """Of the program under test; empty if it is not known."""


PROGRAM_OPTIONS = frozenset({"binary", "jars", "modules"})
"""The options of systems that give the path of the user's own program."""
MODULE = "harness.campaign.scripts.carrying"
"""What is run to carry out a cell's script."""


def arguments(cell: Cell, seed: int, store: Path) -> list[str]:
    """The arguments of `MODULE`, which makes a folder of its own under `store`."""
    return [msgspec.json.encode(cell).decode(), str(seed), str(store)]


def outcome_in(printed: bytes) -> Outcome:
    """How the script of a run was judged, by what carrying.py printed.

    Raises:
        CouldNotRun: its steps could not be carried out, or it did not say what they showed.
    """
    try:
        carried = msgspec.json.decode(printed, type=Carried)
    except msgspec.DecodeError as error:
        raise CouldNotRun(f"what the script showed cannot be read: {brief(error)}") from error
    shown = [line for line in carried.printed if SHOWN in line]
    others = [line for line in carried.printed if NOT_SHOWN in line]
    if carried.status not in (0, 1) or bool(shown) != (carried.status == 1) or not (shown or others):
        last = carried.complained or next(reversed(carried.printed), "it printed nothing")
        raise CouldNotRun(f"the script ended with {carried.status} and says not what it saw: {brief(last)}")
    return Outcome(
        Validity.INVALID if shown else Validity.VALID,
        tuple(Violation(CHECKER, _case(line), line[:LONGEST_TEXT]) for line in shown),
        summary=(shown or others)[0][:LONGEST_TEXT],
        version=carried.version,
        folder=carried.folder,
    )


def _case(line: str) -> str:
    """The case that a line is about: the word before what it says."""
    return line.partition(SHOWN)[0].rpartition(": ")[2]


def problems(cell: Cell, name: str) -> Iterator[str]:
    """What is wrong with a cell that names a script, in words; nothing if it can be run.

    Whether its system is installed, and whether its nodes can be started, is not looked at here.
    """
    if name not in SCRIPTS:
        yield unknown_name("script", name, SCRIPTS)
        return
    script = SCRIPTS[name]
    if not script.path.is_file():
        yield f"the script {script.file} lies in scripts/found of a clone of Ackproof, and is not here"
    if cell.world not in ("local", "netns"):
        yield f"a script runs in the world local or netns, not in {cell.world}"
    yield from _of_system(cell, script)
    given = [field for field in _OPEN if getattr(cell, field) not in (None, ())]
    given += ["lease"] if cell.lease else []
    if given:
        yield f"a script does its own work and faults: leave {', '.join(given)} out"
    if not script.needs_nodes and cell.nodes is not None:
        yield "the script starts its nodes itself: leave nodes out"
    if not script.needs_nodes and not PROGRAM_OPTIONS.issuperset(dict(cell.system_options)):
        fit = ", ".join(sorted(PROGRAM_OPTIONS))
        yield f"the script takes the program alone: of system_options give only {fit}"


def _of_system(cell: Cell, script: Script) -> Iterator[str]:
    system, _, version = cell.system.partition("@")
    if system != script.system:
        other = "" if cell.system == REFERENCE_NODE else f", not {cell.system}"
        yield f"the script tests {script.system}{other}: give system = '{script.system}'"
    elif script.version and version and not is_version(version, script.version):
        yield f"the script is for {script.system} {script.version}, not {version}"


def words(script: Script, given: dict[str, Sequence[str]]) -> list[str]:
    """The arguments of a script, with what stands for each placeholder put in."""
    return [word for argument in script.arguments for word in given.get(argument, (argument,))]
