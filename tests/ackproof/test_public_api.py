"""`import ackproof`: what is public, that it works as its documentation says, and that it is quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ackproof
from tests import REPOSITORY

ETCD = REPOSITORY / "tests" / "corpora" / "porcupine" / "jepsen"
PUBLIC = {
    "Call",
    "Checker",
    "CouldNotRun",
    "Evidence",
    "Fault",
    "History",
    "HistoryError",
    "JudgedRun",
    "Model",
    "Operation",
    "Recording",
    "System",
    "Test",
    "Validity",
    "Verdict",
    "Workload",
    "check",
    "generator",
    "models",
    "read_history",
    "run",
    "simulate",
}


def test_the_public_names_are_these_and_each_can_be_used() -> None:
    assert set(ackproof.__all__) == PUBLIC
    assert ackproof.__all__ == sorted(ackproof.__all__)
    assert {name for name in ackproof.__all__ if getattr(ackproof, name, None) is None} == set()
    assert set(dir(ackproof)) >= PUBLIC
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        _ = ackproof.chekc


def test_importing_it_loads_nothing_and_is_quick() -> None:
    program = (
        "import sys, time; before = set(sys.modules); begin = time.process_time(); import ackproof; "
        "took = time.process_time() - begin; print(*sorted(set(sys.modules) - before)); "
        "assert took < 0.05, took"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots & {"numpy", "pandas", "numba", "networkx", "msgspec", "click"} == set()
    assert {name for name in done.stdout.split() if name.startswith(("ackproof", "harness"))} == {"ackproof"}


def test_a_history_file_is_checked() -> None:
    assert ackproof.check(ETCD / "etcd_002.log", "cas-register").validity is ackproof.Validity.VALID
    history = ackproof.read_history(ETCD / "etcd_040.log")
    verdict = ackproof.check(history, model="cas-register")
    assert verdict.validity is ackproof.Validity.INVALID
    assert (
        "no order also explains this one: operation 83 (read -> 4), answered at operation 84"
        in verdict.evidence[0].text
    )


def register_operations(read: int) -> list[ackproof.Operation]:
    """A write of 1, and then a read."""
    return [
        ackproof.Operation(0, 10, 0, "invoke", "write", "x", 1),
        ackproof.Operation(1, 20, 0, "ok", "write", "x", 1),
        ackproof.Operation(2, 30, 1, "invoke", "read", "x"),
        ackproof.Operation(3, 40, 1, "ok", "read", "x", read),
    ]


def test_a_list_of_operations_is_checked() -> None:
    assert ackproof.check(register_operations(read=1), "register").validity == "valid"
    assert ackproof.check(register_operations(read=2), "register").validity == "invalid"


def test_a_model_of_ones_own_is_checked() -> None:
    model = ackproof.models.MODELS["register"]
    assert ackproof.check(register_operations(read=2), model).validity == "invalid"


def test_wrong_names_and_histories_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="did you mean 'cas-register'"):
        ackproof.check([], "cas-registr")
    with pytest.raises(ValueError, match="did you mean 'serializable'"):
        ackproof.check([], "list-append", consistency="serialisable")
    with pytest.raises(ackproof.HistoryError, match="line 1: unknown f 'write'"):
        ackproof.check(register_operations(1), "queue")
    with pytest.raises(FileNotFoundError):
        ackproof.read_history("no-such-file.log")


def test_a_seed_is_simulated_in_memory_and_into_a_store(tmp_path: Path) -> None:
    kept_nothing = ackproof.simulate(3, nodes=3, time_limit_s=5, nemesis=())
    stored = ackproof.simulate(3, nodes=3, time_limit_s=5, nemesis=(), store=tmp_path)
    assert kept_nothing.validity == stored.validity == "valid"
    assert list(kept_nothing.recording.history) == list(stored.recording.history)
    assert kept_nothing.folder is None
    assert stored.folder is not None
    assert (stored.folder / "report.html").exists()


def test_a_mutant_is_caught_from_python() -> None:
    run = ackproof.simulate(0, mutant="deregister-forgotten")
    assert run.validity == "invalid"


def test_real_processes_are_tested_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    test = ackproof.Test(
        nodes=("n1", "n2", "n3"), nemesis=(), time_limit_s=3, concurrency=4, minimum_acknowledged=20
    )
    run = ackproof.run(test, store=tmp_path / "store")
    assert run.validity == "valid", [verdict for verdict in run.verdicts if verdict.validity != "valid"]
    assert any(operation.f == "register" for operation in run.recording.history)
    with pytest.raises(ValueError, match="did you mean 'kill'"):
        ackproof.run(ackproof.Test(nodes=("n1",), nemesis=("kil",)), store=tmp_path)
