"""Namespaces: nodes reach each other, nothing of the machine's network changes, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.hosts import netns
from harness.hosts.host import HostError, StartError, eventually
from harness.hosts.ledger import TOKEN_VARIABLE, clean
from harness.hosts.local import tail
from harness.hosts.processes import carrying
from tests import REPOSITORY
from tests.harness.hosts.namespaces import namespaces_of, needs_namespaces, network_of

LISTEN = (
    "import socket,sys; s=socket.create_server((sys.argv[1], 8849)); print('ready', flush=True); s.accept()"
)


def machine_network() -> str:
    """Interfaces, addresses and routes of this machine's own namespace, without counters and life times."""
    shown = [subprocess.run(["ip", *what], capture_output=True, text=True) for what in (["addr"], ["route"])]
    return re.sub(r"(valid_lft|preferred_lft) \S+", "", "".join(done.stdout for done in shown))


@needs_namespaces
def test_nodes_and_the_harness_reach_each_other_and_the_machines_network_is_as_before(tmp_path: Path) -> None:
    before = machine_network()

    async def run() -> str:
        async with network_of(tmp_path, ["n1", "n2"]) as bench:
            assert machine_network() == before
            at = bench.network.addresses
            log = tmp_path / "log"
            argv = [sys.executable, "-c", LISTEN, at["n1"]]
            for reach_from in ("n2", "the harness"):
                log.unlink(missing_ok=True)
                await bench.hosts["n1"].start("listener", argv, log=log, folder=tmp_path)
                assert await eventually(lambda: tail(log, 1) == ["ready"], 10)
                if reach_from == "n2":
                    dial = f"import socket; socket.create_connection(('{at['n1']}', 8849), 2)"
                    done = await bench.hosts["n2"].run([sys.executable, "-c", dial])
                    assert done.status == 0, done.errors
                else:
                    address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (at["n1"], 8849))
                    with bench.network.sockets()(address) as there:
                        there.settimeout(2)
                        there.connect((at["n1"], 8849))
                await asyncio.sleep(0.1)
            assert len(namespaces_of(bench.ledger.token)) == 3
            return bench.ledger.token

    token = asyncio.run(run())
    assert namespaces_of(token) == []
    assert machine_network() == before
    assert list((tmp_path / "ledgers").iterdir()) == []


@needs_namespaces
def test_kill_of_the_harness_at_any_instant_leaves_no_process_namespace_or_rule(tmp_path: Path) -> None:
    chance = random.Random(20260102)
    ledgers = tmp_path / "ledgers"
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True).stdout
    things = processes = 0
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with subprocess.Popen(
            [sys.executable, "-m", "tests.harness.hosts.doomed_network", ledgers, folder],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        ) as harness:
            assert harness.stdout is not None
            token = harness.stdout.readline().decode().strip()
            assert len(token) == 32
            for _ in range(chance.randrange(8)):
                harness.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            harness.kill()
        removed = clean(ledgers)
        things += sum(len(run.things) for run in removed)
        processes += sum(len(run.processes) for run in removed)
        assert [problem for run in removed for problem in run.problems] == []
        assert carrying(TOKEN_VARIABLE, token) == []
        assert namespaces_of(token) == []
        assert list(ledgers.iterdir()) == []
    assert things > 20, "the kills came while there were namespaces"
    assert processes > 20, "and processes in them"
    assert subprocess.run(["nft", "list", "ruleset"], capture_output=True).stdout == rules


def test_without_root_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "network namespaces need root" in netns.reasons_against()


def test_missing_tools_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "nft" else f"/bin/{tool}")
    assert netns.reasons_against() == ["packages are missing: nftables"]


@needs_namespaces
def test_a_command_that_takes_too_long_is_ended_and_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with network_of(tmp_path, ["n1"]) as bench:
            host = bench.hosts["n1"]
            done = await host.run(["cat"], given="through standard input")
            assert (done.status, done.output) == (0, "through standard input")
            with pytest.raises(HostError, match=r"sleep 60 took longer than 0.1 s"):
                await host.run(["sleep", "60"], bound_s=0.1)
            with pytest.raises(StartError, match=r"cannot start it"):
                await host.start("it", ["sleep", "60"], log=tmp_path / "log", folder=tmp_path / "absent")

    asyncio.run(run())
