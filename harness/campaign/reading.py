"""Reads a campaign from a TOML file, and says in one line what is wrong with it.

docs/campaigns.md has the keys.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from harness.campaign.cells import (
    DRAWN,
    USUAL_CANARY_SEEDS,
    USUAL_SEEDS,
    CampaignPlan,
    Cell,
    CellWorld,
    canary,
    distinct,
)
from harness.campaign.journal import is_campaign_name
from harness.errors import unknown_name
from harness.mutants.catalogue import MUTANTS
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.for_core import LOCKSTEP
from harness.systems import REFERENCE_NODE
from harness.systems.catalogue import workloads_of
from harness.systems.secrets import hidden
from history.files import RefusedFile, read_regular

T = TypeVar("T")
OneOrMore: TypeAlias = T | tuple[T, ...]
Drawn = Literal["drawn"]
MOST_CELLS = 10_000
_WRONG = re.compile(
    r"(?P<what>.*) - at `\$(?P<at>(?:\.cells\[(?P<table>\d+)\])?[^`]*?(?P<key>[a-z_]+)(?:\[[^`]*)?)`"
)
"""What msgspec says of a value: what is wrong with it, and which key of which table holds it."""
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<at>[^`]*)`)?")


class CellKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table `[[cells]]`: every combination of its values is a cell."""

    system: OneOrMore[str] = REFERENCE_NODE
    core: OneOrMore[str] = "none"
    """Commands of cores that nodes are made of in the simulated world; `none` for the reference node."""
    workload: OneOrMore[str] | None = None
    """None for the usual one: `registry`, or of a core the first that fits its data types."""
    nemesis: OneOrMore[str] = DRAWN
    """Each a set of faults, `kill,partition`; `none` for no fault."""
    nodes: OneOrMore[int | Drawn] = "drawn"
    world: OneOrMore[CellWorld] = "sim"
    mutant: OneOrMore[str] = "none"
    lease: OneOrMore[bool] = False
    concurrency: OneOrMore[int | Drawn] = "drawn"
    rate: OneOrMore[int | Drawn] = "drawn"
    time_limit_s: OneOrMore[int | Drawn] = "drawn"
    fault_seconds: str | None = None
    minimum_acknowledged: int | None = None
    system_options: Mapping[str, str] = {}
    nodes_file: str | None = None
    """For the world ssh: the file that lists the remote hosts, from the current folder."""
    script: OneOrMore[str] = "none"
    """Scripts that do the steps of a run, in place of a workload and faults; `none` for none."""
    seeds: int | None = None
    """How many; None for the campaign's."""
    first_seed: int | None = None


class CanaryKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table `[canary]`."""

    mutant: str
    seeds: int = USUAL_CANARY_SEEDS


class CampaignKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    cells: tuple[CellKeys, ...]
    name: str = "campaign"
    seeds: int = USUAL_SEEDS
    first_seed: int = 0
    seconds: float | None = None
    simulated_seconds: float | None = None
    """Seconds after which no simulated run begins, so that real ones have the rest."""
    runs: int | None = None
    stop_at_first: bool = False
    retries: int = 2
    stability: int = 1
    canary: CanaryKeys | None = None


_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_TABLES: Mapping[str, type[msgspec.Struct]] = {"": CampaignKeys, ".cells": CellKeys, ".canary": CanaryKeys}


def plan_in(path: Path) -> CampaignPlan:
    """The campaign that a file describes; its cells are not checked yet.

    Raises:
        ValueError: the file cannot be read, or something in it is wrong: the file, the line, the nearest key.
    """
    try:
        text = read_regular(path).decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except (RefusedFile, ValueError) as error:
        raise ValueError(_with_path(path, error)) from error
    try:
        keys = msgspec.convert(table, CampaignKeys)
    except msgspec.ValidationError as error:
        several = list(_unknown_keys(table, text))
        if len(several) > 1:
            raise ValueError(f"{path} has unknown keys:\n  " + "\n  ".join(several)) from error
        raise ValueError(f"{path}{_in_words(str(error), text)}") from error
    try:
        return plan_of_keys(keys)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def plan_of_table(table: Mapping[str, Any]) -> CampaignPlan:
    """The campaign that a mapping describes, with the keys of the file; its cells are not checked yet.

    Raises:
        ValueError: something in it is wrong: the nearest key.
    """
    try:
        keys = msgspec.convert(table, CampaignKeys)
    except msgspec.ValidationError as error:
        raise ValueError(f"the campaign{_in_words(str(error), '')}") from error
    return plan_of_keys(keys)


def plan_of_keys(keys: CampaignKeys) -> CampaignPlan:
    """The plan of a file's keys.

    Raises:
        ValueError: a value is out of its bounds, or there is no such seeded bug; in words.
    """
    bounds = (("seconds", 0), ("simulated_seconds", 0), ("runs", 1), ("retries", 0), ("stability", 0))
    for name, least in bounds:
        value = getattr(keys, name)
        if value is not None and value < least:
            raise ValueError(f"{name} is {value}; it may be {least} or more")
    if not is_campaign_name(keys.name):
        raise ValueError(f"a campaign cannot be named {keys.name[:80]!r}, as folders are named by it")
    cells: list[Cell] = []
    if keys.canary is not None:
        if keys.canary.mutant not in MUTANTS:
            raise ValueError(unknown_name("mutant", keys.canary.mutant, MUTANTS))
        cells.append(canary(keys.canary.mutant, keys.canary.seeds))
    for table in keys.cells:
        cells += itertools.islice(expanded(table, keys.seeds, keys.first_seed), MOST_CELLS + 1)
        if len(cells) > MOST_CELLS:
            raise ValueError(f"it has more than {MOST_CELLS:,} cells")
    return CampaignPlan(
        cells=distinct(cells),
        name=keys.name,
        most_s=keys.seconds,
        most_simulated_s=keys.simulated_seconds,
        most_runs=keys.runs,
        stop_at_first=keys.stop_at_first,
        retries=keys.retries,
        stability=keys.stability,
    )


_AXES = (
    "system",
    "core",
    "workload",
    "nemesis",
    "nodes",
    "world",
    "mutant",
    "lease",
    "concurrency",
    "rate",
    "time_limit_s",
    "script",
)


def expanded(keys: CellKeys, seeds: int, first_seed: int) -> Iterator[Cell]:
    """Every combination of a table's values, in the order of its keys. Cores are started, and asked what they
    are.

    Raises:
        CouldNotRun: a core cannot be started, or does not speak the protocol.
        ValueError: values that exclude each other.
    """
    if keys.nodes_file is not None and "ssh" not in _values(keys.world):
        raise ValueError("nodes_file lists remote hosts, and the world is not ssh; leave it out")
    hosts = None if keys.nodes_file is None else str(Path(keys.nodes_file).absolute())
    axes = [_values(getattr(keys, name)) for name in _AXES]
    cores = {command: _core(command) for command in _values(keys.core) if command != "none"}
    for values in itertools.product(*axes):
        named = dict(zip(_AXES, values, strict=True))
        given: dict[str, Any] = {name: _plain(value) for name, value in named.items()}
        given["nemesis"] = faults_of(str(named["nemesis"]))
        given["mutant"] = None if given["mutant"] == "none" else given["mutant"]
        given["script"] = None if given["script"] == "none" else given["script"]
        if given["script"] is not None:
            if given["workload"] is not None or given["nemesis"]:
                raise ValueError(
                    f"script {given['script']} does its own work: leave workload and nemesis out"
                )
            given["nemesis"] = ()
        given["core"] = core = cores.get(named["core"])
        if core is not None and given["system"] not in (REFERENCE_NODE, LOCKSTEP):
            raise ValueError(f"nodes are made of a core or of {given['system']}: leave core or system out")
        given["system"] = given["system"] if core is None else LOCKSTEP
        given["workload"] = given["workload"] or _usual_workload(core)
        yield Cell(
            **given,
            fault_seconds=keys.fault_seconds,
            minimum_acknowledged=keys.minimum_acknowledged,
            system_options=tuple(sorted(hidden(keys.system_options).items())),
            nodes_file=hosts if given["world"] == "ssh" else None,
            seeds=seeds if keys.seeds is None else keys.seeds,
            first_seed=first_seed if keys.first_seed is None else keys.first_seed,
        )


def _core(command: str) -> ForeignCore:
    try:
        return core_of(command)
    except ValueError as error:
        raise ValueError(f"core {command!r} is no command: {error}") from error


def _usual_workload(core: ForeignCore | None) -> str:
    """What clients do if no workload is named."""
    if core is None:
        return "registry"
    fitting = workloads_of(core.data_types)
    return fitting[0] if fitting else "registry"


def faults_of(text: str) -> tuple[str, ...] | None:
    """The faults of one set, `kill,partition`; none of `none`, and None if they are left to the seed."""
    if text == DRAWN:
        return None
    faults = tuple(dict.fromkeys(fault.strip() for fault in text.split(",") if fault.strip()))
    return () if faults == ("none",) else faults


def _values(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple) else (value,)


def _plain(value: Any) -> Any:
    return None if value == DRAWN else value


def _with_path(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text.startswith(str(path)) else f"{path}: {text}"


def _in_words(error: str, text: str) -> str:
    """What msgspec found, with the line and the nearest key that exists."""
    unknown = _UNKNOWN.match(error)
    if unknown is None:
        wrong = _WRONG.match(error)
        if wrong is None:
            return f": {error}"
        where = _line_of(wrong["key"], text, int(wrong["table"] or -1))
        what = re.sub(r"Expected `(.*?)`, got `(.*?)`", _types_in_words, wrong["what"])
        return f"{where}: {what} for the key {wrong['key']!r}"
    table = re.sub(r"\[.*", "", unknown["at"] or "")
    known = _TABLES.get(table, CampaignKeys).__struct_fields__
    return f"{_line_of(unknown['key'], text)}: {unknown_name('key', unknown['key'], known)}"


def _unknown_keys(table: Mapping[str, Any], text: str) -> Iterator[str]:
    """Each unknown key of a file in one line, with its own and the nearest key that exists."""
    cells = table.get("cells")
    tables = [(-1, table, CampaignKeys), (-1, table.get("canary"), CanaryKeys)]
    tables += [
        (number, cell, CellKeys) for number, cell in enumerate(cells if isinstance(cells, list) else ())
    ]
    for number, keys, known in tables:
        for key in keys if isinstance(keys, dict) else ():
            if key not in known.__struct_fields__:
                where = _line_of(key, text, number).removeprefix(", ")
                yield f"{where}: {unknown_name('key', key, known.__struct_fields__)}"


def _types_in_words(wrong: re.Match[str]) -> str:
    """`int | null` and `str` as a person says it."""
    wanted, given = (
        " or ".join(_TYPES.get(name, name) for name in types.split(" | ") if name != "null")
        for types in wrong.groups()
    )
    return f"expected {wanted}, got {given}"


def _line_of(key: str, text: str, table: int = -1) -> str:
    """Where a key is used, as `, line 7`: in this table of cells, counted from 0, or anywhere; empty if it
    is not found."""
    used = re.compile(rf"^\s*\[*\"?{re.escape(key)}\"?\s*[\]=]")
    tables = -1
    for number, line in enumerate(text.splitlines(), 1):
        tables += line.strip().startswith("[[cells]]")
        if used.search(line) and (table < 0 or tables == table):
            return f", line {number}"
    return ""
