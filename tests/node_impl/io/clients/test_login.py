"""Nacos's clients that log in: a token is their password, and without it nothing is served."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.node_impl.io.clients.bringing import (
    CLIENTS,
    brought_by_go,
    brought_by_maven,
    brought_by_npm,
    brought_by_pip,
)
from tests.node_impl.io.clients.programs import login
from tests.node_impl.node_processes import nodes, wait_for_leader

TOKEN: Final = "a-token-that-may-write"


def _python(folder: Path, version: str) -> list[str]:
    brought_by_pip(folder, version)
    return [sys.executable, "-c", login.GRPC if version >= "2" else login.HTTP]


def _java(folder: Path, version: str) -> list[str]:
    return brought_by_maven(folder, version, "Login.java")


def _go(folder: Path, version: str) -> list[str]:
    return brought_by_go(folder, version, "login.go")


def _node_js(folder: Path, package: str) -> list[str]:
    return brought_by_npm(folder, package, "login.js")


LOGIN: Final[dict[str, Callable[[Path, str], list[str]]]] = {
    "P1": _python,
    "P2": _python,
    "P3": _python,
    "J1": _java,
    "J2": _java,
    "J3": _java,
    "G1": _go,
    "G2": _go,
    "N": _node_js,
}
"""How each is brought. P0 sends its name and password only where it has a query, so it cannot write."""


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize("label", LOGIN)
def test_a_client_that_logs_in_may_write_and_another_may_not(tmp_path: Path, label: str) -> None:
    client, folder = CLIENTS[label], tmp_path / "client"
    folder.mkdir()
    program = LOGIN[label](folder, client.version)
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"write {TOKEN}\n")
    if client.speaks_grpc:
        pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")
    with nodes(tmp_path, 1) as members:
        members[0].arguments += ["--tokens", str(tokens), "--anonymous", "read"]
        members[0].arguments += ["--grpc"] if client.speaks_grpc else []
        members[0].start()
        wait_for_leader(members)
        environment = {**os.environ, "PYTHONPATH": str(folder), "HOME": str(folder)}
        for password, may_write in (("not-one-of-the-tokens", False), (TOKEN, True)):
            done = subprocess.run(
                [*program, f"127.0.0.1:{members[0].port}", password],
                capture_output=True,
                text=True,
                env=environment,
                cwd=folder,
                timeout=240,
            )
            assert (done.stdout.strip().splitlines()[-1:] == ["True"]) is may_write, done.stderr[-800:]
            assert (members[0].lookup("10.0.0.1").status == 200) is may_write
