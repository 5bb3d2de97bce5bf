"""Refuses what cannot be run before anything starts: all of it at once, in one list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.scripts.calling import problems
from harness.errors import CouldNotRun, unknown_name
from harness.hosts import agent
from harness.hosts.abilities import refusal
from harness.hosts.host import HostError
from harness.hosts.inventory import HostSpec, read_inventory
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import ALL, all_survivable, nemesis_of
from harness.run.parts import parts_of
from harness.run.test import Test, with_chosen_faults
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.for_core import LOCKSTEP, impossible_for_core
from harness.systems import REFERENCE_NODE, client_for, system_of
from harness.systems.base import HasVersion
from harness.systems.catalogue import why_unfit
from harness.systems.reference_node import ReferenceNode
from harness.workload import workload
from history.limits import LARGEST_NUMBER, MOST_CLIENTS, MOST_NODES

LEAST_NODES = 3
"""The smallest cluster that a seed draws (harness/sim/plan/swarm.py)."""
MOST_RUNS = 10_000_000
_BOUNDS = {
    "nodes": (1, MOST_NODES),
    "concurrency": (1, MOST_CLIENTS),
    "rate": (1, 1_000_000),
    "time_limit_s": (1, 10_000_000),
    "minimum_acknowledged": (1, 1_000_000_000),
    "seeds": (1, MOST_RUNS),
    "first_seed": (0, LARGEST_NUMBER - MOST_RUNS),
}


_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?(-\d{1,6}(\.\d{1,6})?)?", re.ASCII)


def checked(plan: CampaignPlan) -> CampaignPlan:
    """The plan, with `all` replaced by the faults that it stands for.

    Raises:
        ValueError: some cells cannot be run; a line for each, or for each part of it that is wrong.
    """
    wrong: dict[str, None] = {}
    cells = []
    for cell in plan.cells:
        problems = list(_problems(cell))
        wrong.update(dict.fromkeys(f"{cell.name}: {problem}" for problem in problems))
        cells.append(cell if problems else _without_all(cell))
    if not [cell for cell in cells if not cell.is_canary]:
        wrong["it has no cell to run: give [[cells]] in the file, or options such as --workload"] = None
    if sum(cell.seeds for cell in cells) > MOST_RUNS:
        wrong[f"it has more than {MOST_RUNS:,} runs"] = None
    if wrong:
        # Numbered, since the command line prints them in one line.
        lines = (f"({number}) {line}" for number, line in enumerate(wrong, start=1))
        one_by_one = "".join(f"\n  {line}" for line in lines) if len(wrong) > 1 else f" {next(iter(wrong))}"
        raise ValueError(f"this campaign cannot be run:{one_by_one}")
    return msgspec.structs.replace(plan, cells=tuple(dict.fromkeys(cells)))


def _problems(cell: Cell) -> Iterator[str]:
    """What is wrong with a cell, in words; nothing if it can be run."""
    outside = list(_out_of_bounds(cell))
    yield from outside
    if cell.script is not None:
        yield from outside or _of_script(cell, cell.script)
        return
    if cell.mutant is not None and cell.mutant not in MUTANTS:
        yield unknown_name("mutant", cell.mutant, MUTANTS)
    elif not outside:
        yield from _simulated(cell) if cell.world == "sim" else _real(cell)


def _out_of_bounds(cell: Cell) -> Iterator[str]:
    for field, (least, most) in _BOUNDS.items():
        value = getattr(cell, field)
        if value is not None and not least <= value <= most:
            yield f"{field} is {value}; it may be {least} to {most}"


def _simulated(cell: Cell) -> Iterator[str]:
    if cell.core is None and cell.system == LOCKSTEP:
        yield "a core is named by its command: core = './my-core'"
        return
    if cell.core is None and cell.system != REFERENCE_NODE:
        yield f"only {REFERENCE_NODE} runs in the world sim; for {cell.system} give the world local or netns"
        return
    for field in ("fault_seconds", "minimum_acknowledged"):
        if getattr(cell, field) is not None:
            yield f"{field} is for runs of real processes"
    if cell.system_options:
        yield f"{cell.system} has no options of its own (system_options)"
    names = _names(cell.nodes or LEAST_NODES)
    if cell.core is None:
        yield from _said_by(lambda: client_for(ReferenceNode(), workload(cell.workload, names, 1)))
    else:
        yield from _of_core(cell, cell.core)
    if cell.nemesis:
        yield from _said_by(lambda: nemesis_of(_spelled_out(cell.nemesis or ()), SIM, names))


def _of_core(cell: Cell, core: ForeignCore) -> Iterator[str]:
    if cell.mutant is not None or cell.lease:
        yield f"mutant and lease are for {REFERENCE_NODE}, and core names another"
    unknown = list(_said_by(lambda: workload(cell.workload, _names(1), 1)))
    if unknown:
        yield from unknown
    else:
        unfit = why_unfit(cell.workload, core.data_types)
        yield from [unfit] if unfit else []
    yield from impossible_for_core([fault for fault in cell.nemesis or () if fault != ALL], core)


def _real(cell: Cell) -> Iterator[str]:
    if cell.core is not None:
        yield "a core runs in the world sim alone"
        return
    if cell.fault_seconds is not None and not _SECONDS.fullmatch(cell.fault_seconds):
        yield f"fault_seconds is {cell.fault_seconds!r}; it may be a number of seconds, or two: 4-8"
    hosts = list(_said_by(lambda: hosts_of(cell)))
    if hosts:
        yield from hosts
        return
    test = test_of(cell)
    problems = list(_said_by(lambda: parts_of(test)))
    if not problems:
        system = parts_of(test).system
        if isinstance(system, HasVersion):
            problems += _said_by(system.version)
        problems += _said_by(lambda: with_chosen_faults(test))
    if not problems and test.world == "local":
        faults = [name.partition(":")[0] for name in with_chosen_faults(test).nemesis]
        lacking = refusal(faults, agent.Agent("", "").facts(), with_proxies=True)
        problems += [lacking] if lacking else []
    yield from problems


def _of_script(cell: Cell, name: str) -> Iterator[str]:
    wrong = list(problems(cell, name))
    yield from wrong
    if not wrong:
        test = test_of(cell)
        made = list(_said_by(lambda: system_of(test.system, test.options())))
        system = None if made else system_of(test.system, test.options())
        yield from made or (_said_by(system.version) if isinstance(system, HasVersion) else ())


def test_of(cell: Cell) -> Test:
    """The test of a real cell, with the usual values for what the cell leaves open."""
    given: dict[str, Any] = {
        "world": cell.world,
        "system": cell.system,
        "system_options": dict(cell.system_options),
        "workload": cell.workload,
        "nemesis": cell.nemesis,
        "mutant": cell.mutant,
        "lease": cell.lease,
        "time_limit_s": cell.time_limit_s,
        "fault_s": None if cell.fault_seconds is None else _seconds(cell.fault_seconds),
    }
    inventory = hosts_of(cell)
    names = tuple(spec.name for spec in inventory) or _names(cell.nodes or 5)
    return Test(
        nodes=names,
        inventory=inventory,
        **{name: value for name, value in given.items() if value is not None},
    )


def _seconds(text: str) -> tuple[float, float]:
    """The least and the most of a length of time: 4 or 4-8."""
    low, _, high = text.partition("-")
    return float(low), float(high or low)


def hosts_of(cell: Cell) -> tuple[HostSpec, ...]:
    """The remote hosts of a cell; none in other worlds than ssh.

    Raises:
        ValueError: the cell names no file with hosts, or one that is wrong or lists too few.
    """
    if cell.world != "ssh":
        return ()
    if cell.nodes_file is None:
        raise ValueError("the world ssh needs nodes_file, a file with [user@]host[:port] a line")
    try:
        from harness.hosts.ssh.ssh import aliases  # here, since only this needs paramiko
    except ImportError as error:
        raise ValueError(f"remote hosts need paramiko ({error}): pip install 'ackproof[ssh]'") from error
    try:
        found = read_inventory(Path(cell.nodes_file), aliases)
    except HostError as error:
        raise ValueError(str(error)) from error
    if cell.nodes is not None and cell.nodes > len(found):
        raise ValueError(f"nodes is {cell.nodes}, and {cell.nodes_file} lists {len(found)} hosts")
    return found[: cell.nodes]


def _said_by(look: Any) -> Iterator[str]:
    try:
        look()
    except (ValueError, CouldNotRun) as error:  # the latter of a program that is not installed here
        yield str(error)


def _without_all(cell: Cell) -> Cell:
    if cell.world != "sim" or not cell.nemesis:
        return cell
    return msgspec.structs.replace(cell, nemesis=_spelled_out(cell.nemesis))


def _spelled_out(faults: Sequence[str]) -> tuple[str, ...]:
    """The faults in the simulated world, with those that `all` stands for by name."""
    if ALL not in faults:
        return tuple(faults)
    return tuple(dict.fromkeys((*all_survivable(SIM), *(fault for fault in faults if fault != ALL))))


def _names(nodes: int) -> tuple[str, ...]:
    return tuple(f"n{number}" for number in range(1, nodes + 1))
