"""A recorder that is killed at any moment leaves a history that holds what it had answered, and is judged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ackproof.judging.recorded import judge_recorded
from checkers.verdict import Validity
from harness.recording.folder import RecordedFolder
from history import History, read_history

RECORDER = """
import sys
from pathlib import Path
from harness.recording.folder import Asked
from harness.recording.recorder import Bounds, record
store, asked = Path(sys.argv[1]), Asked("register")
record(store, asked, channel=(0, 1), bounds=Bounds(), command=[], say=lambda _text: None)
"""
CASES = range(24)
ALWAYS = 1


def killed_while_a_client_reports(store: Path, draw: Random) -> tuple[History, list[dict[str, Any]]]:
    """What a client was answered until the recorder was killed, and the history that is left.

    The client works on a correct register. It ends the recording if it has not been killed by then, so some
    recorders are killed while they complete, close and seal.
    """
    answered: list[dict[str, Any]] = []
    ends = draw.random() < 0.3
    operations = draw.randrange(1, 60) if ends else 10**9
    until = draw.randrange(1, 400)
    argv = [sys.executable, "-c", RECORDER, str(store)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as recorder:
        assert recorder.stdin is not None
        assert recorder.stdout is not None
        enough = threading.Event()

        def client() -> None:
            with suppress(BrokenPipeError, ValueError):
                for number in range(operations):
                    is_write = number % 2 == 0
                    value = number - number % 2
                    ask(
                        "invoke",
                        process=0,
                        f="write" if is_write else "read",
                        value=value if is_write else None,
                    )
                    ask("complete", process=0, type="ok", value=None if is_write else value)
                enough.set()
                ask("end")

        def ask(kind: str, **fields: object) -> None:
            assert recorder.stdin is not None
            assert recorder.stdout is not None
            recorder.stdin.write(json.dumps({kind: fields}).encode() + b"\n")
            recorder.stdin.flush()
            answered.append(json.loads(recorder.stdout.readline()))
            if len(answered) >= until:
                enough.set()

        reporting = threading.Thread(target=client)
        reporting.start()
        assert enough.wait(60)
        threading.Event().wait(draw.random() * 0.003)
        recorder.send_signal(signal.SIGKILL)
        recorder.wait(60)
        reporting.join(60)
        with suppress(BrokenPipeError):  # a line that was not yet sent goes nowhere
            recorder.stdin.close()
    return read_history(store / "latest"), answered


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < ALWAYS else pytest.mark.campaign) for seed in CASES]
)
def test_a_killed_recorder_leaves_what_it_answered_and_the_rest_is_judged(seed: int, tmp_path: Path) -> None:
    history, answered = killed_while_a_client_reports(tmp_path, Random(seed))
    stored = [answer for answer in answered if "operation" in answer]
    assert all(answer["ok"] for answer in answered)
    assert len(history) >= len(stored) > 0
    for place, answer in enumerate(stored):
        op = history[place]
        own = op if op.type == "invoke" else history.invocation(op)
        assert own.index == answer["operation"]
    found = judge_recorded(RecordedFolder(tmp_path / "latest"))
    assert found.validity is (Validity.VALID if len(history) > 1 else Validity.UNKNOWN)
    assert (tmp_path / "latest" / "report.html").exists()
