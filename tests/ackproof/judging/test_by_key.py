"""A history whose keys are judged elsewhere gets the verdict that it gets here."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.commands.judging.check import check
from ackproof.judging import by_key
from ackproof.judging.by_key import Work, executor_of, proved_by, proved_of
from ackproof.judging.limits import Deadline
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.tally import Proved
from checkers.models import MODELS
from checkers.verdict import Validity, Verdict
from harness.executors.dask_cluster import DaskCluster
from harness.executors.executor import Ended, Executor
from harness.executors.in_process import InProcess
from harness.sim.schedule.version import identity
from history import History, HistoryWriter, Operation, Recording
from tests.checkers.builders import HistoryBuilder
from tests.checkers.linearizability.test_in_turn import a_history
from tests.checkers.stores.data_types import TYPES
from tests.harness.executors.dask_processes import dask_processes, needs_dask

BY_KEY = sorted(set(TYPES) & set(MODELS) - {"registry"})


def alone(history: History, model: str, proved: Proved | None = None) -> Verdict:
    judge = LinearizabilityOf(MODELS[model])
    recording = Recording(nodes=(), history=history)
    return judge.judge(recording) if proved is None else judge.judge(recording, proved)


def compared(verdict: Verdict) -> object:
    """All but how many steps the hardest search took, which depends on what is searched with it."""
    measures = {name: value for name, value in verdict.measures.items() if "configurations" not in name}
    return msgspec.structs.replace(verdict, measures=measures)


def elsewhere(
    history: History, model: str, executor: Executor[int, [Work], Proved], budget: Budget | None = None
) -> Proved:
    return proved_by(executor, history, MODELS[model], budget or Budget(), workers=2, say=print)


def many_keys(keys: int, rounds: int, bad: int | None = None) -> HistoryBuilder:
    """Writes and reads of registers, one after the other; one key has a read of what was never written."""
    built = HistoryBuilder()
    for number in range(rounds):
        for key in range(keys):
            built.do("write", f"k{key}", number)
            built.do("read", f"k{key}", None, number)
    if bad is not None:
        built.do("read", f"k{bad}", None, -1)
    return built


@pytest.mark.parametrize("model", BY_KEY)
def test_the_verdict_and_its_evidence_are_those_of_one_process(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_key, "LEAST_AT_ONCE", 1)
    monkeypatch.setattr(by_key, "GROUPS_A_WORKER", 3)
    divided = 0
    for seed in range(6):
        history = a_history(model, Random(f"by key {model} {seed}"))
        proved = elsewhere(history, model, InProcess(proved_of))
        divided += bool(proved.keys)
        expected = alone(history, model)
        found = alone(history, model, proved)
        assert compared(found) == compared(expected), seed
    assert divided


def test_what_a_worker_cannot_say_is_found_and_shown_here() -> None:
    history = many_keys(keys=40, rounds=80, bad=17).history()
    proved = elsewhere(history, "register", InProcess(proved_of))
    assert 0 < len(proved.keys) < 40
    assert "k17" not in proved.keys
    verdict = alone(history, "register", proved)
    assert verdict.validity is Validity.INVALID
    assert verdict == alone(history, "register")


def test_a_time_that_is_over_leaves_the_rest_unknown() -> None:
    history = many_keys(keys=4, rounds=3).history()
    over = Deadline.after(-1)
    assert elsewhere(history, "register", InProcess(proved_of), Budget(time_is_up=over)).keys == frozenset()


def written(path: Path, history: History) -> Path:
    with HistoryWriter(path) as writer:
        for operation in history:
            writer.append(operation)
    return path


def command(path: Path, *options: str) -> tuple[int, Verdict]:
    result = CliRunner().invoke(check, [str(path), "--model", "register", "--json", *options])
    verdict = msgspec.json.decode(result.stdout)["result"][0]["verdict"]
    return result.exit_code, msgspec.convert(verdict, Verdict)


@pytest.mark.parametrize("bad", [None, 17])
def test_the_command_judges_in_several_processes(bad: int | None, tmp_path: Path) -> None:
    path = written(tmp_path / "history.jsonl", many_keys(keys=30, rounds=80, bad=bad).history())
    assert command(path, "--jobs", "2") == command(path)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("one", "two", "--model", "register", "--jobs", "2"), "divide one history by key"),
        (("one", "--model", "list-append", "--jobs", "2"), "judged over all keys together"),
        (("one", "--model", "registry", "--jobs", "2"), "judged over all keys together"),
        (("one", "--model", "set", "--dask", "tcp://10.0.0.1:1"), "TLS"),
    ],
)
def test_what_cannot_be_divided_is_refused_before_anything_is_read(
    arguments: tuple[str, ...], why: str
) -> None:
    result = CliRunner().invoke(check, list(arguments))
    assert result.exit_code != 0
    assert why in result.output


class Disturbed:
    """An executor that kills a worker after the first results."""

    def __init__(self, inner: Executor[int, [Work], Proved], kill: list[int]) -> None:
        self._inner, self._kill = inner, kill

    @property
    def has_room(self) -> bool:
        return self._inner.has_room

    @property
    def is_busy(self) -> bool:
        return self._inner.is_busy

    def begin(self, key: int, work: Work) -> None:
        self._inner.begin(key, work)

    def wait(self, timeout_s: float) -> list[Ended[int, Proved]]:
        ended = self._inner.wait(timeout_s)
        if ended and self._kill:
            import os

            os.kill(self._kill.pop(), signal.SIGKILL)
        return ended

    def interrupt(self) -> list[Ended[int, Proved]]:
        return self._inner.interrupt()

    def close(self) -> None:
        self._inner.close()


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_on_dask_the_verdict_is_the_same_with_a_worker_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_dask()
    monkeypatch.setattr(by_key, "LEAST_AT_ONCE", 500)
    history = many_keys(keys=400, rounds=25, bad=123).history()
    with dask_processes(tmp_path, 2) as processes:
        cluster = DaskCluster(processes.address, identity, jobs=1)
        said: list[str] = []
        executor = Disturbed(executor_of(cluster, 1, said.append), [processes.workers[0].pid])
        proved = elsewhere(history, "register", executor)
    assert len(proved.keys) == 400 - 24  # all but the group of the bad key
    assert alone(history, "register", proved) == alone(history, "register")


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_the_command_judges_on_dask(tmp_path: Path) -> None:
    needs_dask()
    path = written(tmp_path / "history.jsonl", many_keys(keys=30, rounds=80, bad=3).history())
    with dask_processes(tmp_path, 2) as processes:
        assert command(path, "--dask", processes.address) == command(path)


def test_operations_without_a_key_are_one_group() -> None:
    built = HistoryBuilder()
    for number in range(5):
        built.do("write", None, number)
    history = History([*built.history(), Operation(10, 10**12, 99, "invoke", "read", None, None)])
    proved = elsewhere(history, "register", InProcess(proved_of))
    assert proved.keys == frozenset({None})
    assert alone(history, "register", proved) == alone(history, "register")
