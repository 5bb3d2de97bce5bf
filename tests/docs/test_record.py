"""docs/record.md: its clients judge its server, without its bug and with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.recording.http import MOST_CONNECTIONS
from harness.recording.journal import MOST_THREADS
from harness.recording.protocol import MOST_REQUEST_BYTES, PROTOCOL
from history.limits import MOST_CLIENTS
from tests import REPOSITORY

PAGE = (REPOSITORY / "docs" / "record.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CLIENTS = {"client.py": sys.executable, "client.sh": "bash", "client.mjs": "node"}
ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
NODE_SINCE = 18
"""The first major version of Node with `fetch`."""


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that is not left running."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_of(stream: object) -> str:
    """The address in the first line of a stream."""
    found = re.search(r"http://[\d.]+:\d+", stream.readline())  # type: ignore[attr-defined]
    assert found is not None
    return found[0]


def skip_if_missing(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"this machine has no {program}")
    if program == "bash" and shutil.which("curl") is None:
        pytest.skip("this machine has no curl")
    if program == "node":
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout
        if int(shown.strip().removeprefix("v").split(".")[0]) < NODE_SINCE:
            pytest.skip(f"node {shown.strip()} has no fetch")


ALWAYS = (("client.sh", "--stale"),)
CASES = [(client, bug) for client in CLIENTS for bug in ("", "--stale")]


@pytest.mark.parametrize(
    ("client", "bug"),
    [pytest.param(*case, marks=() if case in ALWAYS else pytest.mark.campaign) for case in CASES],
)
def test_a_client_of_the_page_judges_the_server_of_the_page(client: str, bug: str, tmp_path: Path) -> None:
    skip_if_missing(CLIENTS[client])
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    recorder_argv = [ACKPROOF, "record", "--model=register", "--listen=127.0.0.1:0", "--time-limit=90"]
    server_argv = [sys.executable, "register_server.py", "0", *filter(None, [bug])]
    pipe = subprocess.PIPE
    with (
        ended(subprocess.Popen(server_argv, cwd=tmp_path, stdout=pipe, text=True)) as server,
        ended(subprocess.Popen(recorder_argv, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)) as recorder,
    ):
        addresses = [line_of(server.stdout), line_of(recorder.stderr)]
        done = subprocess.run(
            [CLIENTS[client], client, *addresses], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        shown, _ = recorder.communicate(timeout=60)
    assert recorder.returncode == (1 if bug else 0), shown
    assert ("key 'x' is not linearizable" in shown) == bool(bug)


def test_the_page_states_the_bounds_that_hold() -> None:
    assert f"This is version {PROTOCOL}." in PAGE
    assert MOST_REQUEST_BYTES == 1 << 20
    assert "more than 1 MiB" in PAGE
    for bound, what in (
        (MOST_CLIENTS, "operations are pending"),
        (MOST_THREADS, "processes were used"),
        (MOST_CONNECTIONS, "connections are open"),
    ):
        assert f"{bound:,} {what}" in PAGE
