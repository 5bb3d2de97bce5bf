"""The scripts that show defects of kazoo's recipes (docs/found.md), with one real ZooKeeper."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import CouldNotRun
from harness.systems.installing import located, located_java

SCRIPTS = Path(__file__).parents[2] / "scripts" / "found"


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def zookeeper(tmp_path: Path) -> Iterator[str]:
    """HOST:PORT of a ZooKeeper that runs alone."""
    pytest.importorskip("kazoo")
    try:
        program, java = located("zookeeper", "3.9.5", given=None), located_java(11)
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(str(java.path), "-Xmx128m", "-Dzookeeper.admin.enableServer=false"),
            *("-cp", ":".join(map(str, program.jars))),
            *("org.apache.zookeeper.server.ZooKeeperServerMain", str(port), str(tmp_path / "data")),
        ],
        env={**os.environ, **program.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert time.monotonic() < deadline, "ZooKeeper does not listen"
            time.sleep(0.1)  # another process, which tells no one that it listens
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def shown(script: str, *arguments: str) -> str:
    """What a script prints that shows its defects."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_each_case_of_the_recipes_is_shown(zookeeper: str) -> None:
    lines = shown("kazoo_recipes.py", zookeeper).splitlines()
    assert len(lines) == 7
    assert [line for line in lines if ": SHOWN: " not in line] == []


@pytest.mark.campaign
@pytest.mark.timeout(120)
def test_an_addition_is_counted_twice(zookeeper: str) -> None:
    assert "1 answer was lost; the counter is 2" in shown("kazoo_counted_twice.py", zookeeper)
