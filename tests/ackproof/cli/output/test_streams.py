"""The exit code is the verdict's, however the output is read: a closed pipe, a full disk, a poor encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports.about import SYMBOLS

ACKPROOF = Path(sys.executable).with_name("ackproof")
STALE = """\
{"process": 0, "type": "invoke", "f": "write", "value": 1}
{"process": 0, "type": "ok", "f": "write", "value": 1}
{"process": 1, "type": "invoke", "f": "read", "value": null}
{"process": 1, "type": "ok", "f": "read", "value": null}
"""
"""A register that lost its write."""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    history = tmp_path / "stale é→.jsonl"
    history.write_text(STALE, encoding="utf-8")
    return [str(ACKPROOF), "check", str(history), "--model", "register"]


def status(command: list[str], redirection: str, **more: str) -> tuple[int, bytes]:
    """The command's exit code under a shell's redirection, and what came to standard output and error."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}; exit $?', "sh", *command],
        env={**os.environ, **more},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("redirection", "unbuffered"),
    [(">/dev/full 2>&1", ""), (">/dev/full 2>&1", "1"), ("2>/dev/full", ""), (">&- 2>&-", ""), (">&-", "1")],
)
def test_the_exit_code_is_the_verdicts(command: list[str], redirection: str, unbuffered: str) -> None:
    assert status(command, redirection, PYTHONUNBUFFERED=unbuffered)[0] == 1


def test_a_reader_that_goes_away_changes_nothing_and_is_not_spoken_of(command: list[str]) -> None:
    for kept_open in (subprocess.PIPE, subprocess.DEVNULL):
        read, write = os.pipe()
        os.close(read)
        started = subprocess.Popen(command, stdout=write, stderr=kept_open)
        os.close(write)
        _, said = started.communicate(timeout=60)
        assert (started.returncode, said or b"") == (1, b"")


def test_a_full_disk_is_named(command: list[str]) -> None:
    code, said = status([*command, "--json"], ">/dev/full")
    assert (code, said) == (1, b"ackproof: standard output could not be written: No space left on device\n")


def test_signs_that_an_encoding_lacks_are_written_as_escapes(command: list[str]) -> None:
    code, said = status(command, "", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert code == 1
    assert "stale é\\u2192.jsonl" in said.decode("latin-1").replace("\n", "")


def test_a_poor_terminal_changes_nothing(command: list[str]) -> None:
    assert status(command, "", TERM="dumb")[0] == 1


def test_each_mark_of_a_verdict_has_a_sign_of_its_own_in_ascii() -> None:
    marks = "".join(SYMBOLS.values())
    program = f"from ackproof.cli.output.streams import make_steady; make_steady(); print({marks!r})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    written = done.stdout.decode("ascii").strip()
    assert len(written) == len(set(written)) == len(set(marks))
