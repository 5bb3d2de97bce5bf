"""`import ackproof`: what is public, that it works as its documentation says, and that it is quick."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import ackproof
import ackproof.systems
import ackproof.workloads
from harness.errors import CouldNotRun
from harness.run import runner
from harness.run import test as run_test
from harness.run.test import Test
from harness.workload import WORKLOADS, catalogue
from tests import REPOSITORY

RECORDED = Path(__file__).with_name("public_names.txt")
ROOTS = ("ackproof", "harness", "reports", "checkers", "history")
ETCD = REPOSITORY / "tests" / "corpora" / "porcupine" / "jepsen"


def public_names() -> Iterator[str]:
    """Each public name, with the parameters of a function, and the public members of a class of ours."""
    for module in (ackproof, ackproof.systems, ackproof.workloads):
        for name in sorted(module.__all__):
            value = getattr(module, name)
            yield f"{module.__name__}.{name}{_parameters(value) if inspect.isfunction(value) else ''}"
            if inspect.isclass(value) and module is ackproof:
                yield from (f"    {name}.{member}" for member in sorted(_members(value)))


def _parameters(function: Callable[..., Any]) -> str:
    parameters = inspect.signature(function).parameters.values()
    texts = [
        ("*" if one.kind is one.VAR_POSITIONAL else "")
        + one.name
        + ("" if one.default is one.empty else f"={one.default!r}")
        for one in parameters
    ]
    first = next((place for place, one in enumerate(parameters) if one.kind is one.KEYWORD_ONLY), None)
    if first is not None:
        texts.insert(first, "*")
    return f"({', '.join(texts)})"


def _members(class_: type) -> set[str]:
    """What a class of ours has in addition to what the classes of others have that it is made of."""
    own = [base for base in class_.__mro__ if base.__module__.split(".")[0] in ROOTS]
    found = {name for base in own for name in (*vars(base), *getattr(base, "__annotations__", ()))}
    return {name for name in found if not name.startswith("_")}


def test_the_public_names_are_these_and_each_can_be_used() -> None:
    """Who changes a name, or what it takes, changes the recorded list, too (docs/versions.md)."""
    recorded, names = RECORDED.read_text(encoding="utf-8").splitlines(), list(public_names())
    assert [line for line in names if not line.startswith(" ")] == [
        line for line in recorded if not line.startswith(" ")
    ], f"{RECORDED} is to be:\n" + "\n".join(names)
    assert set(recorded) - set(names) == set(), "these were removed; a member that is added breaks no user"
    assert ackproof.__all__ == sorted(ackproof.__all__)
    assert set(dir(ackproof)) >= set(ackproof.__all__)
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
    assert "no order also explains this one: operation 83 (read -> 4)" in verdict.evidence[0].text


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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mutant": "forgetfull"}, r"unknown mutant 'forgetfull': did you mean 'forgetful'\?$"),
        ({"workload": "registr"}, "unknown workload 'registr': did you mean 'registry'"),
        ({"nemesis": ("kil",)}, "unknown nemesis 'kil': did you mean 'kill'"),
        ({"nodes": 0}, "nodes is 0; it may be 1 or more"),
        ({"time_limit_s": -1}, "time_limit_s is -1; it may be 1 or more"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ackproof.simulate(1, **given)


def test_a_mutant_is_caught_from_python() -> None:
    run = ackproof.simulate(0, mutant="deregister-forgotten")
    assert run.validity == "invalid"


def test_a_fault_that_does_not_exist_is_refused_before_a_real_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'kill'"):
        ackproof.run(ackproof.Test(nodes=("n1",), nemesis=("kil",)), store=tmp_path)


def test_a_workload_of_ones_own_does_not_replace_one_of_ackproofs() -> None:
    make = ackproof.workloads.add_workload
    with pytest.raises(ValueError, match="Ackproof has a workload 'cas'"):
        make(lambda nodes, concurrency: replace(WORKLOADS["cas"](nodes, concurrency)))
    with pytest.raises(ValueError, match=r"cannot be named '\.\./x'"):
        make(lambda nodes, concurrency: replace(WORKLOADS["cas"](nodes, concurrency), name="../x"))


def test_a_workload_may_be_named_as_a_folder_may() -> None:
    assert catalogue._NAME == run_test._NAME


def test_a_workload_whose_generator_fails_is_never_valid() -> None:
    def broken(nodes: Sequence[str], concurrency: int) -> ackproof.Workload:
        def stop(context: ackproof.workloads.Context) -> dict[str, Any]:
            raise RuntimeError("the list is empty")

        work = WORKLOADS["register"](nodes, concurrency)
        return replace(
            work, name="broken", generator=ackproof.generator.mix(stop), checkers=ackproof.workloads.Suite(())
        )

    ackproof.workloads.add_workload(broken)
    try:
        run = ackproof.simulate(1, workload="broken", nodes=3, nemesis=(), time_limit_s=2)
    finally:
        del WORKLOADS["broken"]
    assert run.problem is not None
    assert "the list is empty" in run.problem
    assert run.validity == "unknown"


class Says:
    """A checker that gives one mark."""

    name = "says"

    def __init__(self, mark: ackproof.Validity | ackproof.Unjudged) -> None:
        self.mark = mark

    def check(self, recording: ackproof.Recording) -> ackproof.Verdict:
        return ackproof.Verdict.marked(self.name, self.mark, "so it is")


@pytest.mark.parametrize(
    ("mark", "validity"),
    [
        (ackproof.Validity.VALID, "valid"),
        (ackproof.Validity.INVALID, "invalid"),
        (ackproof.Unjudged.NOT_EXERCISED, "unknown"),
    ],
)
def test_a_checker_of_ones_own_is_required(
    mark: ackproof.Validity | ackproof.Unjudged, validity: str, tmp_path: Path
) -> None:
    run = ackproof.simulate(3, nodes=3, time_limit_s=5, nemesis=(), checkers=[Says(mark)], store=tmp_path)
    assert run.validity == validity
    assert ackproof.load(tmp_path / "latest").validity == validity
    assert ackproof.check([], Says(mark)).mark == mark


def test_a_stored_run_is_loaded(tmp_path: Path) -> None:
    run = ackproof.simulate(4, mutant="forgetful", nemesis=("kill",), time_limit_s=5, store=tmp_path)
    stored = ackproof.load(tmp_path / "latest")
    assert (stored.folder, stored.validity, stored.seed) == (run.folder, run.validity, 4)
    assert stored.verdicts == run.verdicts
    assert stored.report is not None
    assert stored.report.name == "report.html"
    assert list(stored.recording.history) == list(run.recording.history)
    nemesis = stored.history[stored.history["who"] == "nemesis"]
    assert set(nemesis["fault"].dropna()) == {"kill"} == set(stored.faults["fault"])
    assert all(isinstance(result, dict) for result in nemesis["result"])
    assert ackproof.frame(run.recording).equals(stored.history)


def test_a_recording_is_loaded_before_and_after_it_is_judged(tmp_path: Path) -> None:
    line = json.dumps({"invoke": {"process": 0, "f": "write", "key": "x", "value": 1}})
    command = [sys.executable, "-m", "ackproof", "record", "--stdin", "--model", "register"]
    subprocess.run(command, input=line, text=True, capture_output=True, timeout=60, cwd=tmp_path, check=False)
    stored = ackproof.load(tmp_path / "store" / "latest")
    assert (stored.validity, stored.seed, stored.options["model"]) == ("unknown", None, "register")
    assert stored.history["value"].tolist() == [1]
    (stored.folder / "results.json").unlink()
    again = ackproof.load(stored.folder)
    assert (again.validity, again.verdicts) == (None, ())


def test_a_folder_that_is_no_run_or_is_damaged_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        ackproof.load(tmp_path / "nowhere")
    with pytest.raises(ackproof.CouldNotRun, match="neither a run nor a recording"):
        ackproof.load(tmp_path)
    run = ackproof.simulate(0, nodes=1, nemesis=(), time_limit_s=1, store=tmp_path)
    assert run.folder is not None
    (run.folder / "results.json").write_text('{"validity": "fine"}')
    with pytest.raises(ackproof.CouldNotRun, match=r"results\.json"):
        _ = ackproof.load(run.folder).validity


def test_a_campaign_is_run_and_its_findings_are_listed(tmp_path: Path) -> None:
    cell = {"mutant": "deregister-forgotten", "nodes": 3, "first_seed": 0}
    done = ackproof.campaign({"cells": [cell], "seeds": 1, "stability": 0}, store=tmp_path)
    assert done.outcome == done.summary.outcome == "invalid"
    assert done.findings
    assert ackproof.findings(tmp_path) == list(done.findings)
    with pytest.raises(ValueError, match="did you mean 'workload'"):
        ackproof.campaign({"cells": [{"workloat": "cas"}]}, store=tmp_path)
    with pytest.raises(ackproof.CouldNotRun, match="there is no store"):
        ackproof.findings(tmp_path / "nowhere")


@pytest.mark.parametrize(("asked", "bound"), [(None, 20.0), (12.0, 12.0)])
def test_a_run_from_python_goes_by_its_systems_bound_on_recovery_unless_the_test_states_one(
    asked: float | None, bound: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Test] = []

    def begin(test: Test, *_: object, **__: object) -> None:
        begun.append(test)
        raise CouldNotRun("no cluster is started here")

    monkeypatch.setattr(runner, "run", begin)
    test = Test(nodes=("n1", "n2", "n3"), system="zookeeper", workload="register", nemesis=())
    if asked is not None:
        test = structs.replace(test, recovery_bound_s=asked)
    with pytest.raises(CouldNotRun):
        ackproof.run(test)
    assert [one.recovery_bound_s for one in begun] == [bound]
