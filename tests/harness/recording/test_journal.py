"""The journal: its lines are there before it answers, and the rules of histories hold whatever clients do."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random

import pytest

from harness.recording.journal import NEVER_COMPLETED, Journal
from harness.recording.protocol import Complete, Invoke, Refusal, Stored
from harness.recording.refusals import MOST_KEPT, REFUSED, read_refusals
from history import read_history
from history.limits import MOST_CLIENTS
from tests.harness.recording.clients import completion, invocation


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, 0)


def send(journal: Journal, request: Invoke | Complete) -> Stored:
    return journal.invoke(request) if isinstance(request, Invoke) else journal.complete(request)


def refusal_of(journal: Journal, request: Invoke | Complete) -> Refusal:
    with pytest.raises(Refusal) as found:
        send(journal, request)
    return found.value


def test_a_line_is_in_the_file_before_the_answer(journal: Journal, tmp_path: Path) -> None:
    answer = journal.invoke(invocation(3, value=["a", 1]))
    [op] = read_history(tmp_path)
    assert (op.index, op.process, op.type, op.f, op.key, op.value) == (0, 3, "invoke", "write", "x", ["a", 1])
    assert (answer.operation, answer.process) == (0, 3)
    journal.complete(completion(operation=0))
    assert [op.type for op in read_history(tmp_path)] == ["invoke", "ok"]


def test_a_process_does_one_operation_after_the_other(journal: Journal) -> None:
    journal.invoke(invocation(0))
    found = refusal_of(journal, invocation(0))
    assert (found.status, found.code, found.field, found.operation) == (409, "pending", "process", 0)


def test_the_second_completion_of_an_operation_is_refused(journal: Journal, tmp_path: Path) -> None:
    journal.invoke(invocation(0))
    journal.complete(completion(operation=0))
    found = refusal_of(journal, completion("fail", operation=0))
    assert (found.status, found.code, found.operation) == (409, "completed-before", 0)
    assert refusal_of(journal, completion(process=0)).code == "not-pending"
    assert len(read_history(tmp_path)) == 2


def test_a_completion_of_an_unknown_operation_is_refused(journal: Journal) -> None:
    assert refusal_of(journal, completion(operation=7)).code == "unknown-operation"
    assert refusal_of(journal, completion(process=7)).code == "not-pending"
    journal.invoke(invocation(0))
    journal.complete(completion(process=0))
    assert "the number of a completion" in str(refusal_of(journal, completion(operation=1)))


def test_after_info_a_thread_goes_on_as_a_new_process(journal: Journal, tmp_path: Path) -> None:
    journal.invoke(invocation(0))
    journal.invoke(invocation(1))
    journal.complete(completion("info", process=0, error="timed\nout"))
    assert journal.invoke(invocation(0)).process == 2
    assert journal.invoke(invocation(2)).process == 3  # its number is taken by what thread 0 does now
    journal.complete(completion(process=0))
    assert journal.invoke(invocation(0)).process == 2
    journal.end()
    read_history(tmp_path)  # which refuses a process that goes on


def test_what_never_completed_is_info_at_the_end(journal: Journal, tmp_path: Path) -> None:
    for process in range(3):
        journal.invoke(invocation(process))
    journal.complete(completion(process=1))
    ended = journal.end()
    assert (ended.events, ended.not_completed) == (6, 2)
    history = read_history(tmp_path)
    assert [(op.type, op.error) for op in history][4:] == [("info", NEVER_COMPLETED)] * 2
    assert journal.end() == ended
    assert refusal_of(journal, invocation(9)).status == 410


def test_refusals_are_kept_as_they_happen_and_say_whether_a_reply_is_missing(
    journal: Journal, tmp_path: Path
) -> None:
    assert not (tmp_path / REFUSED).exists()
    journal.invoke(invocation(0))
    journal.complete(completion(operation=0))
    journal.keep_refusal(refusal_of(journal, completion(operation=0)), was_invocation=False)
    journal.keep_refusal(Refusal(400, "field", "why", "f"), was_invocation=True)
    journal.keep_refusal(Refusal(400, "malformed", "why"), was_invocation=False)
    kept = read_refusals(tmp_path)
    assert [(one.code, one.hides_a_reply) for one in kept] == [
        ("completed-before", False),
        ("field", False),
        ("malformed", True),
    ]


def test_refusals_are_bounded_and_a_damaged_line_may_have_been_any(journal: Journal, tmp_path: Path) -> None:
    for _ in range(MOST_KEPT + 5):
        journal.keep_refusal(Refusal(400, "field", "why"), was_invocation=True)
    journal.end()
    path = tmp_path / REFUSED
    path.write_bytes(path.read_bytes()[:-20])
    kept = read_refusals(tmp_path)
    assert len(kept) == MOST_KEPT
    assert [one.hides_a_reply for one in kept[-2:]] == [False, True]


def test_a_refusal_that_a_full_disk_could_not_take_is_kept_at_the_end(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        journal.keep_refusal(Refusal(507, "disk", "why"), was_invocation=False)
    journal.end()
    assert [one.code for one in read_refusals(tmp_path)] == ["disk"]


def test_an_operation_that_the_data_type_lacks_is_refused_and_not_kept(tmp_path: Path) -> None:
    def inspect(f: str, argument: str, result: str | None) -> tuple[str, str] | None:
        del argument
        return ("f", "no such f") if f == "jump" else ("value", "no list") if result == "3" else None

    journal = Journal(tmp_path, 0, inspect)
    assert refusal_of(journal, invocation(0, f="jump")).field == "f"
    journal.invoke(invocation(0))
    assert refusal_of(journal, completion(value=3, process=0)).field == "value"
    journal.complete(completion(value=4, process=0))
    assert len(read_history(tmp_path)) == 2


def test_pending_operations_are_bounded(journal: Journal) -> None:
    for process in range(MOST_CLIENTS):
        journal.invoke(invocation(process))
    assert refusal_of(journal, invocation(MOST_CLIENTS)).status == 429


def test_a_full_disk_is_a_refusal_that_changes_nothing(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.invoke(invocation(0))

    def full(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert refusal_of(journal, completion(process=0)).status == 507
        assert refusal_of(journal, invocation(1)).status == 507
    assert journal.complete(completion(process=0)).operation == 0
    assert journal.invoke(invocation(1)).operation == 2
    journal.end()
    assert [op.type for op in read_history(tmp_path)] == ["invoke", "ok", "invoke", "info"]


def test_whatever_many_threads_send_the_history_keeps_its_rules(journal: Journal, tmp_path: Path) -> None:
    def client(seed: int) -> None:
        draw = Random(seed)
        for _ in range(300):
            try:
                if draw.random() < 0.5:
                    journal.invoke(invocation(draw.randrange(6)))
                elif draw.random() < 0.5:
                    journal.complete(
                        completion(draw.choice(["ok", "fail", "info"]), process=draw.randrange(6))
                    )
                else:
                    journal.complete(completion("ok", operation=draw.randrange(400)))
            except Refusal:
                pass

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.end()
    history = read_history(tmp_path)
    assert len(history) > 100
    assert all(history.completion(op) is not None for op in history if op.type == "invoke")
