"""`--seconds` and `--memory-mib` hold for every judge, also for those that look at no budget themselves."""

from __future__ import annotations

import importlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ackproof.judging.checking import Question, judge
from ackproof.judging.limited import Limited, limited
from ackproof.judging.limits import (
    LOADED_BYTES,
    MEMORY,
    Deadline,
    LimitReached,
    MemoryLimit,
    budget_of,
    resident_bytes,
    within,
)
from checkers.judges import names_of_all
from checkers.linearizability.answer import TIME, Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity, Verdict
from history import History, Operation, Recording
from history.formats import RecordedHistory

NAMED = sorted(set(names_of_all()) - set(MODELS))
OPTIONS = {
    "bank": {"total": "10"},
    "lease": {"lease-s": "1"},
    "availability": {"writes": "write", "bound-s": "1"},
}
NO_TIME, NO_MEMORY = Budget(time_is_up=Deadline.after(-1)), Budget(memory_is_up=MemoryLimit(1 << 20))


def recorded() -> RecordedHistory:
    history = History([Operation(0, 0, 0, "invoke", "read"), Operation(1, 1, 0, "ok", "read", value=[1])])
    return RecordedHistory(history, range(1, 3), "history")


@pytest.mark.parametrize("budget", [NO_TIME, NO_MEMORY], ids=["time", "memory"])
@pytest.mark.parametrize("model", NAMED)
def test_no_judge_decides_without_time_or_memory(
    model: str, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ackproof.judging.limits.LOADED_BYTES", -(1 << 40))
    verdict = judge(recorded(), Question(model, None, OPTIONS.get(model, {}), budget))
    assert verdict.validity is Validity.UNKNOWN
    used_up = TIME if budget is NO_TIME else MEMORY
    undecided = "still open: the whole history of 2 events"
    assert verdict.summary == f"not decided: {used_up} is used up; {undecided}"


def endless() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


class Endless:
    """A checker that never ends by itself."""

    name = "endless"

    def check(self, recording: Recording) -> Verdict:
        raise AssertionError(f"it ended at {sum(endless())}")


def test_what_would_never_end_is_ended_in_time_and_the_timer_with_it() -> None:
    handler = signal.getsignal(signal.SIGPROF)
    begun = time.process_time()
    checker = limited(Budget(time_is_up=lambda: time.process_time() > begun + 0.2))(Endless())
    verdict = checker.check(Recording((), recorded().history))
    assert (verdict.checker, verdict.validity) == ("endless", Validity.UNKNOWN)
    assert 0.2 <= time.process_time() - begun < 2
    assert signal.getsignal(signal.SIGPROF) == handler
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_what_fills_the_memory_is_ended() -> None:
    kept: list[bytes] = []
    limit = MemoryLimit((1 << 20) + resident_bytes())

    def fill() -> None:
        with within(Budget(memory_is_up=limit)):
            for _ in endless():
                kept.append(bytes(1 << 16))

    with pytest.raises(LimitReached, match="memory"):
        fill()
    assert LOADED_BYTES // 2 <= len(kept) << 16 < 1 << 30


def test_an_import_comes_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = (
        "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nwhole = True\n"
    )
    (tmp_path / "imported_slowly.py").write_text(slow)
    monkeypatch.syspath_prepend(tmp_path)
    begun = time.process_time()

    def load() -> None:
        with within(Budget(time_is_up=lambda: time.process_time() > begun + 0.1)):
            importlib.import_module("imported_slowly")
            sum(endless())

    with pytest.raises(LimitReached, match="time"):
        load()
    assert sys.modules["imported_slowly"].__dict__["whole"]


def test_a_run_keeps_its_checkers_names_and_gives_searches_the_budget() -> None:
    change = limited(budget_of(60, 100))
    search = change(LinearizabilityOf(MODELS["register"]))
    assert isinstance(search, LinearizabilityOf)
    assert search.budget.memory_bytes == 100 << 20
    assert search.budget.time_is_up is not None
    other = change(Isolation("list-append"))
    assert isinstance(other, Limited)
    assert other.name == Isolation("list-append").name


def test_reading_a_file_takes_no_longer_either(tmp_path: Path) -> None:
    from ackproof.cli.commands.judging.check import Wanted, check_file

    file = tmp_path / "h.json"
    file.write_text(json.dumps({"process": 0, "type": "invoke", "f": "read", "value": None}))
    found = check_file(str(file), None, Question("bank", budget=NO_TIME), Wanted(None, {}, False, None))
    assert found.verdict is not None
    assert found.verdict.validity is Validity.UNKNOWN
