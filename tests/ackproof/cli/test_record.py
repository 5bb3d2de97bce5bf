"""`ackproof record`: what it refuses before it starts, how it ends, and that its folder is judged again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from ackproof.cli.commands.judging.record import record
from ackproof.cli.commands.judging.verify import verify
from ackproof.cli.commands.testing.analyze import analyze
from ackproof.judging.recorded import inspector_of, judge_recorded, question_of
from checkers.check_all import Results
from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.recording import recorder as recording
from harness.recording.folder import RECORDING, Asked, RecordedFolder
from harness.recording.recorder import Address, Bounds
from harness.recording.recorder import record as record_until_its_end
from history import HistoryError
from tests.ackproof.cli.mutations import mutated

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
FREE = Address("127.0.0.1", 0)


def refused(*arguments: str) -> tuple[int, str]:
    """How a command that does not even start ends: its exit code, and its message."""
    result = CliRunner().invoke(record, arguments)
    if isinstance(result.exception, CouldNotRun):
        return 255, str(result.exception)
    return result.exit_code, result.stderr


def analyzed(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of `ackproof analyze`, and what it printed, on one line."""
    result = CliRunner().invoke(analyze, [str(folder), *arguments])
    if isinstance(result.exception, CouldNotRun):
        assert "\n" not in str(result.exception)
        return 255, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def by_lines(store: Path, model: str, *requests: object) -> tuple[list[Any], Results]:
    """The answers to a client that waits for each, and the verdict."""
    source, to = os.pipe()
    answers, out = os.pipe()
    answered = []

    def client() -> None:
        with os.fdopen(to, "wb", buffering=0) as requests_to, os.fdopen(answers, "rb") as answers_from:
            for request in requests:
                requests_to.write(json.dumps(request).encode() + b"\n")
                answered.append(json.loads(answers_from.readline()))

    thread = threading.Thread(target=client)
    thread.start()
    asked = Asked(model)
    done = record_until_its_end(
        store,
        asked,
        channel=(source, out),
        bounds=Bounds(time_limit_s=60),
        command=["ackproof"],
        say=lambda _text: None,
        inspect=inspector_of(question_of(asked)),
    )
    thread.join()
    for descriptor in (source, out):
        os.close(descriptor)
    return answered, judge_recorded(done.folder)


def operation(f: str, asked: object, answered: object) -> tuple[object, object]:
    """An operation of process 0 that is ok."""
    return (
        {"invoke": {"process": 0, "f": f, "key": "x", "value": asked}},
        {"complete": {"process": 0, "type": "ok", "value": answered}},
    )


# ---- before it starts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "example.org"])
def test_other_machines_are_kept_out_unless_a_person_allows_them(host: str) -> None:
    code, error = refused("--model", "register", "--listen", f"{host}:0")
    assert code == 2  # click's own; `ackproof` turns it into 254
    assert "--reachable-by-anyone" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "registre", "--stdin"), "did you mean 'registry'?"),
        (("--model", "register", "--option", "total=3"), "register has no option 'total'"),
        (("--model", "register", "--consistency", "serializable"), "consistency is for"),
        (("--model", "register", "--stdin", "--listen", "127.0.0.1:0"), "leave --listen out"),
        (("--model", "register", "--listen", "8642"), "is not HOST:PORT"),
        (("--model", "register", "--listen", "127.0.0.1:99999"), "is not HOST:PORT"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(arguments: tuple[str, ...], words: str) -> None:
    code, error = refused(*arguments)
    assert code == 2
    assert words in error


def test_a_port_in_use_is_one_line_and_leaves_no_folder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, error = refused("--model", "register", "--listen", address, "--store", str(tmp_path / "s"))
    assert (code, error.count("\n")) == (255, 0)
    assert f"cannot listen on {address}: Address already in use; choose another" in error
    assert not (tmp_path / "s").exists()


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = str(tmp_path / "file" / "store")
    code, error = refused("--model", "register", "--listen", "127.0.0.1:0", "--store", store)
    assert code == 255
    assert "choose another with --store" in error


@pytest.mark.parametrize(
    ("model", "f", "argument", "result", "field"),
    [
        ("register", "jump", "1", None, "f"),
        ("cas-register", "cas", "1", None, "value"),
        ("cas-register", "cas", "[1,2]", "false", None),
        ("set", "read", "null", "3", "value"),
        ("set", "read", "null", "[3]", None),
        ("queue", "dequeue", "null", "null", None),
        ("list-append", "anything", "1", None, None),
        ("registry", "list", "null", None, None),
    ],
)
def test_an_operation_that_could_not_be_judged_is_refused_as_it_is_reported(
    model: str, f: str, argument: str, result: str | None, field: str | None
) -> None:
    found = inspector_of(question_of(Asked(model)))(f, argument, result)
    assert (None if found is None else found[0]) == field


# ---- how it ends ----------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_and_what_was_recorded_is_judged(tmp_path: Path) -> None:
    argv = [ACKPROOF, "record", "--model", "register", "--listen", "127.0.0.1:0", "--json", "--store"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*argv, str(tmp_path)], stdout=pipe, stderr=pipe, text=True) as recorder:
        assert recorder.stderr is not None
        found = re.search(r"http://[\d.]+:\d+", recorder.stderr.readline())
        assert found is not None
        for path, body in (
            ("invoke", {"process": 0, "f": "write", "value": 1}),
            ("complete", {"process": 0, "type": "ok", "value": None}),
            ("invoke", {"process": 0, "f": "write", "value": 2}),
        ):
            url = f"{found[0]}/v1/{path}"
            urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60).close()
        recorder.send_signal(signal.SIGINT)
        out, err = recorder.communicate(timeout=100)
    assert recorder.returncode == 0, err
    assert "Ctrl-C ended it; 4 events, 1 operation not completed" in err
    assert json.loads(out)["validity"] == "valid"
    code, shown = analyzed(tmp_path / "latest")
    assert code == 0
    assert "sealed, and unchanged since" in shown


@pytest.mark.parametrize(
    ("bounds", "why"),
    [(Bounds(time_limit_s=0.01), "its 0.01 s are over"), (Bounds(idle_s=0.01), "no request for 0.01 s")],
)
def test_a_time_limit_and_silence_end_it_and_prove_nothing(bounds: Bounds, why: str, tmp_path: Path) -> None:
    told: list[str] = []
    asked = Asked("register")
    done = record_until_its_end(tmp_path, asked, channel=FREE, bounds=bounds, command=[], say=told.append)
    assert done.why == why
    assert re.search(r"at http://127\.0\.0\.1:\d+/v1/", told[0])
    assert judge_recorded(done.folder).validity is Validity.UNKNOWN


def test_a_client_that_died_is_missed_once_and_the_command_that_is_named_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SILENCE_S", 0.01)
    said: list[str] = []

    def person(text: str) -> None:
        said.append(text)
        greeted = re.search(r"at (http://\S+/v1)/", text)
        ends = re.search(r"with 1 operation not completed.*curl -X POST (http://\S+/v1/end);", text)
        if greeted:
            post(f"{greeted[1]}/invoke", b'{"process": 0, "f": "write", "value": 1}')
        elif ends:
            post(ends[1], b"")

    bounds = Bounds(time_limit_s=60)
    done = record_until_its_end(
        tmp_path, Asked("register"), channel=FREE, bounds=bounds, command=[], say=person
    )
    assert (done.why, done.events, done.not_completed) == ("a client ended it", 2, 1)
    silences = [text for text in said if "still waiting for a client" in text]
    assert len(silences) in (1, 2), said  # one after the invocation, and one before it on a slow machine


def post(url: str, body: bytes) -> None:
    """Send a request from another thread; the recorder answers it only when this one goes on."""
    threading.Thread(target=lambda: urllib.request.urlopen(url, body, timeout=60).close()).start()


def test_a_recording_without_operations_is_unknown_whatever_it_is_judged_for(tmp_path: Path) -> None:
    for model in ("set", "list-append", "bank", "set-full", "registry", "unique-ids"):
        _, found = by_lines(tmp_path / model, model, {"end": {}})
        assert found.validity is Validity.UNKNOWN


# ---- what is judged -------------------------------------------------------------------------------------


def test_a_violation_is_found_and_again_by_analyze_with_a_certificate(tmp_path: Path) -> None:
    requests = [*operation("write", 1, None), *operation("write", 2, None), *operation("read", None, 1)]
    answers, found = by_lines(tmp_path, "register", *requests, {"end": {}})
    assert all(answer["ok"] for answer in answers)
    assert found.validity is Validity.INVALID
    proof = str(tmp_path / "proof.json")
    code, _ = analyzed(tmp_path / "latest", "--certificate", proof, "--junit", str(tmp_path / "junit.xml"))
    assert code == 1
    assert b"<failure" in (tmp_path / "junit.xml").read_bytes()
    verified = CliRunner().invoke(verify, [str(tmp_path / "latest"), proof])
    assert "PROVED INVALID" in verified.output


def test_analyze_writes_what_led_to_a_violation_as_a_diagram_and_says_when_there_is_none(
    tmp_path: Path,
) -> None:
    write = operation("write", 1, None)
    by_lines(tmp_path / "wrong", "register", *write, *operation("read", None, 2), {"end": {}})
    by_lines(tmp_path / "right", "register", *write, *operation("read", None, 1), {"end": {}})
    file = tmp_path / "wrong.mmd"
    shown = CliRunner().invoke(analyze, [str(tmp_path / "wrong" / "latest"), "--mermaid", str(file)])
    assert shown.exit_code == 1
    assert f"Diagram   {file}" in shown.output
    assert "read" in file.read_text(encoding="utf-8")
    none = tmp_path / "right.mmd"
    shown = CliRunner().invoke(analyze, [str(tmp_path / "right" / "latest"), "--mermaid", str(none)])
    assert "Diagram   not written, as this run shows no violation that can be drawn" in shown.output
    assert not none.exists()


def test_a_refused_completion_that_never_came_again_makes_valid_unknown(tmp_path: Path) -> None:
    requests = [*operation("add", 1, None), *operation("read", None, "no list")]
    answers, found = by_lines(tmp_path, "set", *requests, {"end": {}})
    assert (answers[3]["ok"], answers[3]["field"]) == (False, "value")
    assert found.validity is Validity.UNKNOWN
    assert "completions were refused" in found.verdicts[0].summary
    (tmp_path / "latest" / "evidence.json").unlink()  # and so after a kill: the last line is torn off, too
    lines = (tmp_path / "latest" / "history.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "latest" / "history.jsonl").write_bytes(b"".join(lines[:-1]) + lines[-1][:9])
    (tmp_path / "latest" / "history.parquet").unlink()
    assert analyzed(tmp_path / "latest")[0] == 2


def test_a_refused_completion_that_came_again_casts_no_doubt(tmp_path: Path) -> None:
    _, complete = operation("read", None, [1])
    requests = [*operation("add", 1, None), *operation("read", None, "no list"), complete]
    answers, found = by_lines(tmp_path, "set", *requests, {"end": {}})
    assert [answer["ok"] for answer in answers] == [True, True, True, False, True, True]
    assert found.validity is Validity.VALID
    assert "1 request of clients was refused" in found.verdicts[0].caveats[-1]


def test_what_was_changed_after_the_recording_makes_the_verdict_unknown(tmp_path: Path) -> None:
    by_lines(tmp_path, "register", *operation("write", 1, None), {"end": {}})
    path = tmp_path / "latest" / RECORDING
    path.write_text(path.read_text().replace('"address": null', '"address": ""'))
    code, shown = analyzed(tmp_path / "latest")
    assert code == 2
    assert "changed since: recording.json" in shown


@pytest.mark.parametrize(
    "seeds", [range(10), pytest.param(range(10, 400), marks=pytest.mark.campaign)], ids=["some", "many"]
)
def test_a_hostile_folder_has_a_verdict_or_is_refused_in_one_line(seeds: range, tmp_path: Path) -> None:
    wrong = {"invoke": {"process": 0, "f": "jump"}}
    requests = [*operation("write", 1, None), wrong, *operation("read", None, 1)]
    by_lines(tmp_path / "honest", "register", *requests, {"end": {}})
    honest = (tmp_path / "honest" / "latest").resolve()
    for seed in seeds:
        draw, folder = Random(seed), tmp_path / str(seed)
        shutil.copytree(honest, folder)
        for gone in ("evidence.json", "history.parquet"):
            if draw.random() < 0.5:
                (folder / gone).unlink()
        path = draw.choice(sorted(path for path in folder.iterdir() if path.suffix in (".json", ".jsonl")))
        path.write_bytes(mutated(path.read_bytes(), draw))
        assert "\n" not in verdict_or_refusal(folder), f"seed {seed}"


def verdict_or_refusal(folder: Path) -> str:
    """How the judging of a folder ends; anything else that it raises fails the test."""
    try:
        return judge_recorded(RecordedFolder(folder)).validity.value
    except (CouldNotRun, HistoryError) as refusal:
        return str(refusal)


FACTS = '"started_at": "", "monotonic_start_ns": 0}'


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("{", "cannot be read"),
        ("[" * 5000, "nested deeper"),
        ('{"ackproof_recording": 2, "asked": {"model": "register"}, ' + FACTS, "has version 2"),
        ('{"ackproof_recording": 1, "asked": {"model": "no"}, ' + FACTS, "unknown model 'no'"),
        ('{"ackproof_recording": 1, "asked": {"model": "register"}, ' + FACTS, "holds no history"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(damage: str, words: str, tmp_path: Path) -> None:
    (tmp_path / RECORDING).write_text(damage)
    code, error = analyzed(tmp_path)
    assert code == 255
    assert words in error


def test_a_link_in_a_foreign_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret")
    (folder / RECORDING).symlink_to(tmp_path / "outside")
    assert not RecordedFolder.is_one(folder)
    (folder / RECORDING).unlink()
    (folder / RECORDING).write_text('{"ackproof_recording": 1, "asked": {"model": "register"}, ' + FACTS)
    (folder / "history.jsonl").symlink_to(tmp_path / "outside")
    assert analyzed(folder)[0] == 255
