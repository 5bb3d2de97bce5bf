"""A campaign does registered scripts, and counts as shown only what a script says and ends with."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checkers.verdict import Validity
from harness.campaign.budget.sharing import limits_of
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.findings.fingerprint import fingerprint, subject_of
from harness.campaign.journal import Journal
from harness.campaign.reading import plan_of_table
from harness.campaign.refusals import checked
from harness.campaign.scripts import carrying
from harness.campaign.scripts.calling import Carried, outcome_in
from harness.campaign.scripts.carrying import carried_out
from harness.campaign.scripts.catalogue import ADDRESS, FOLDER, HOSTS, PROGRAM, SCRIPTS, SEED, Script
from harness.errors import CouldNotRun
from harness.systems.installing import Located
from tests.ackproof.cli.test_campaign import ackproof
from tests.harness.campaign.fakes import plan

CELL = Cell(
    world="local", system="zookeeper@3.9.5", script="kazoo-counted-twice", nemesis=(), nodes=1, seeds=1
)
HELPERS = ("etcd_members.py", "nacos_configurations.py", "saying.py", "zookeeper_proxy.py")


def judged(status: int, *lines: str, complained: str = "") -> object:
    carried = Carried(status, lines, complained, "/there", "3.9.5")
    return outcome_in(msgspec.json.encode(carried))


def test_a_case_that_a_script_shows_is_a_violation_of_its_own() -> None:
    outcome = outcome_in(
        msgspec.json.encode(
            Carried(1, ("kazoo 2: one: SHOWN: a", "kazoo 2: two: not shown: b"), "", "/there")
        )
    )
    assert outcome.validity is Validity.INVALID
    assert [(one.checker, one.kind, one.title) for one in outcome.violations] == [
        ("script", "one", "kazoo 2: one: SHOWN: a")
    ]
    assert outcome.folder == "/there"


def test_a_script_that_looked_and_saw_nothing_is_valid() -> None:
    outcome = outcome_in(msgspec.json.encode(Carried(0, ("kazoo 2: one: not shown: b",), "", "/there")))
    assert (outcome.validity, outcome.violations) == (Validity.VALID, ())


@pytest.mark.parametrize(
    ("status", "lines", "complained"),
    [
        (1, (), "AssertionError: the server is not there"),
        (1, ("kazoo 2: one: not shown: b",), "Traceback"),
        (0, ("kazoo 2: one: SHOWN: a",), ""),
        (0, (), ""),
        (2, ("kazoo 2: one: SHOWN: a",), "KeyError"),
        (-15, ("kazoo 2: one: SHOWN: a",), ""),
    ],
)
def test_a_script_that_fails_or_contradicts_itself_shows_nothing(
    status: int, lines: tuple[str, ...], complained: str
) -> None:
    with pytest.raises(CouldNotRun, match=f"ended with {status}"):
        judged(status, *lines, complained=complained)


def test_each_script_of_the_folder_has_a_name_and_its_cases_are_the_scripts_own() -> None:
    files = {path.name for path in FOLDER.glob("*.py")} - set(HELPERS)
    assert {script.file for script in SCRIPTS.values()} == files
    cases = (FOLDER / "kazoo_recipes.py").read_text().partition("CASES = (")[2].partition(")")[0]
    named = {script.arguments[1] for script in SCRIPTS.values() if script.file == "kazoo_recipes.py"}
    assert named == {case.replace("_", "-") for case in re.findall(r"\w+", cases)}


def test_a_cell_names_scripts_and_neither_workload_nor_faults() -> None:
    table = {"world": "local", "system": "zookeeper@3.9.5", "nodes": 1}
    scripts = ["kazoo-counted-twice", "kazoo-leave-returns-early"]
    found = plan_of_table({"seeds": 1, "cells": [{**table, "script": scripts}]}).cells
    assert [(cell.script, cell.nemesis) for cell in found] == [(name, ()) for name in scripts]
    assert found[0] == CELL
    assert CELL.name == "local, zookeeper@3.9.5, script kazoo-counted-twice, 1 nodes"
    for more in ({"workload": "set"}, {"nemesis": "kill"}):
        with pytest.raises(ValueError, match="leave workload and nemesis out"):
            plan_of_table({"cells": [{**table, "script": scripts[0], **more}]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"script": "kazoo-counted-twise"}, "did you mean 'kazoo-counted-twice'"),
        ({"world": "sim"}, "local or netns, not in sim"),
        ({"system": "etcd"}, "tests zookeeper, not etcd"),
        ({"rate": 4, "mutant": "forgetful"}, "leave mutant, rate out"),
        ({"lease": True}, "leave lease out"),
        ({"system": "nacos@3.1.0", "script": "nacos-refused-swap"}, "is for nacos 2, not 3.1.0"),
        ({"system": "etcd", "script": "etcd-flipped-length"}, "leave nodes out"),
        ({"nodes": 1_000_000}, "nodes is 1000000"),
    ],
)
def test_what_no_script_can_do_is_refused_before_anything_starts(
    changes: dict[str, object], said: str
) -> None:
    cell = msgspec.structs.replace(CELL, **changes)
    with pytest.raises(ValueError, match=said):
        checked(plan(cell))


def test_the_line_that_repeats_a_run_describes_the_same_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Cell] = []

    def begin(_store: Path, plan: CampaignPlan) -> Journal:
        begun.extend(plan.cells)
        raise CouldNotRun("not now")

    monkeypatch.setattr("harness.campaign.refusals.checked", lambda plan: plan)
    monkeypatch.setattr(Journal, "create", begin)
    own = msgspec.structs.replace(CELL, first_seed=31)
    ackproof(*own.arguments(31), "--store", tmp_path)
    assert begun == [own], shlex.join(own.arguments(31))


def test_one_defect_is_one_finding_whatever_the_seed_and_has_a_length_of_its_own() -> None:
    outcomes = [
        outcome_in(msgspec.json.encode(Carried(1, (f"kazoo 2: one: SHOWN: {seen}",), "", "/there", "3.9.5")))
        for seen in ("the counter is 2", "the counter is 9")
    ]
    marks = {fingerprint(subject_of(CELL, outcome), outcome.violations[0]) for outcome in outcomes}
    assert len(marks) == 1
    assert limits_of(CELL).most == SCRIPTS["kazoo-counted-twice"].takes_s


# ---- carried out -----------------------------------------------------------------------------------------

ASKS = """
import socket, sys
address, *hosts = sys.argv[1:]
host, _, port = address.rpartition(":")
socket.create_connection((host, int(port)), timeout=10).close()
print(f"node: asks: SHOWN: {len(hosts)} hosts", flush=True)
sys.exit(1)
"""
SAYS = """
import sys
print(f"node: says: not shown: {sys.argv[1:]}")
"""
ENDLESS = """
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)  # until the test ends it
"""


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scripts in place of the real one."""
    folder = tmp_path / "found"
    folder.mkdir()
    made = {
        "asks": Script("asks.py", "reference-node", (ADDRESS, HOSTS), 5),
        "says": Script("says.py", "etcd", (PROGRAM, "--seed", SEED), 5),
        "endless": Script("endless.py", "etcd", (str(tmp_path / "pid"),), 5),
    }
    for name, text in (("asks", ASKS), ("says", SAYS), ("endless", ENDLESS)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr("harness.campaign.scripts.catalogue.FOLDER", folder)
    monkeypatch.setattr(carrying, "SCRIPTS", made)
    monkeypatch.setattr(carrying, "located", lambda *_, **__: Located(Path("/bin/etcd"), "3.6.16", "machine"))
    return folder


def test_a_script_is_given_the_nodes_that_it_needs_and_they_end_with_it(
    scripts: Path, tmp_path: Path
) -> None:
    cell = Cell(world="local", script="asks", nemesis=(), nodes=3)
    done = asyncio.run(carried_out(cell, 7, tmp_path))
    assert (done.status, done.printed) == (1, ("node: asks: SHOWN: 3 hosts",)), done
    for name in ("n1", "n2", "n3"):
        assert "stopped" in (tmp_path / carrying.NODES / name / "log.txt").read_text()


def test_a_script_that_starts_its_nodes_is_given_the_program_and_the_seed(
    scripts: Path, tmp_path: Path
) -> None:
    done = asyncio.run(carried_out(Cell(world="local", system="etcd", script="says"), 7, tmp_path))
    assert done.printed == ("node: says: not shown: ['/bin/etcd', '--seed', '7']",)
    assert (done.status, done.version) == (0, "3.6.16")


@pytest.mark.parametrize("takes_s", [0.0, 0.3], ids=["in its work", "while it starts"])
def test_a_script_ends_when_its_run_is_ended(
    takes_s: float, scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def slow(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = start(*arguments, **options)
        time.sleep(takes_s)  # the script has begun by then, and the one who started it does not know it yet
        return process

    monkeypatch.setattr("harness.campaign.scripts.carrying.subprocess.Popen", slow)

    async def ended() -> int:
        run = asyncio.ensure_future(
            carried_out(Cell(world="local", system="etcd", script="endless"), 7, tmp_path)
        )
        # Another process, which tells no one that it has begun, so it is looked for.
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        begun = time.monotonic()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert time.monotonic() - begun < carrying.ENDING_S
        return int((tmp_path / "pid").read_text())

    pid = asyncio.run(ended())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
