"""A model's verdict is `unknown` wherever the search, or what explains its answer, did not come to an end."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.limits import MOST_EVIDENCE
from checkers.linearizability import by_model, engine, impossible
from checkers.linearizability.answer import Answer, Budget, Result
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import HistoryBuilder, recording


def check(built: HistoryBuilder, model: str = "register", budget: Budget | None = None) -> Verdict:
    checker = LinearizabilityOf(MODELS[model], budget or Budget())
    return checker.check(recording(built))


def overlapping_writes(built: HistoryBuilder, key: str | None, count: int) -> None:
    for number in range(count):
        built.invoke(100 + number, "write", key, number)
    for number in range(count):
        built.ok(100 + number, number)
    built.do("read", key, None, count - 1)


def impossible_set() -> HistoryBuilder:
    """An element that nobody added is read: found without a search."""
    built = HistoryBuilder()
    built.do("add", None, 1)
    built.do("read", None, None, [1, 2])
    return built


def test_no_operation_is_unknown() -> None:
    verdict = check(HistoryBuilder())
    assert verdict.validity is Validity.UNKNOWN
    assert "no operation" in verdict.summary


def test_a_key_over_its_budget_is_unknown_and_named_and_the_others_are_judged() -> None:
    tight = Budget(configurations=3)
    built = HistoryBuilder()
    built.do("write", "easy", 1)
    overlapping_writes(built, "hard", 6)
    assert check(built).validity is Validity.VALID
    verdict = check(built, budget=tight)
    assert verdict.validity is Validity.UNKNOWN
    assert "key 'hard': no answer within 3 configurations" in verdict.summary
    built.do("read", "easy", None, 2)
    verdict = check(built, budget=tight)
    assert verdict.validity is Validity.INVALID
    assert [evidence.title for evidence in verdict.evidence][-1] == "linearizability was not judged"


def test_texts_that_are_put_but_never_appended_to_are_explained_as_all_others() -> None:
    built = HistoryBuilder()
    built.do("put", None, "a")
    built.do("put", None, "b")
    built.do("get", None, None, "a")
    verdict = check(built, "kv-append")
    assert verdict.validity is Validity.INVALID
    assert 'answered get -> "a"' in verdict.evidence[0].title


def test_what_only_the_fast_search_found_impossible_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    built = HistoryBuilder()
    built.do("write", None, 1)
    built.do("write", None, 2)
    built.do("read", None, None, 1)
    assert check(built).validity is Validity.INVALID
    monkeypatch.setattr(impossible, "explain", lambda *_: None)
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    assert "the exact search ran out of its budget" in verdict.summary


@pytest.mark.parametrize(
    ("answer", "validity"),
    [
        (Answer.LINEARIZABLE, Validity.UNKNOWN),
        (Answer.GAVE_UP, Validity.INVALID),
        (Answer.NOT_LINEARIZABLE, Validity.INVALID),
    ],
)
def test_what_was_decided_without_a_search_counts_unless_the_search_finds_an_order(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, validity: Validity
) -> None:
    assert check(impossible_set(), "set").validity is Validity.INVALID
    searched: list[Any] = []

    def decide(_: engine.Engine, part: Any, __: Budget) -> Result:
        searched.append(part)
        return Result(answer, 1, ())

    monkeypatch.setattr(impossible, "explain", lambda *_: None)
    monkeypatch.setattr(engine.Engine, "decide", decide)
    verdict = check(impossible_set(), "set")
    assert verdict.validity is validity
    assert searched
    if validity is Validity.UNKNOWN:
        assert "the search found an order" in verdict.summary


def test_what_is_not_decided_in_the_time_that_was_given_is_unknown_and_the_smallest_key_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(by_model, "QUICK_CONFIGURATIONS", 3)
    built = HistoryBuilder()
    overlapping_writes(built, "large", 8)
    overlapping_writes(built, "small", 6)
    asked = []

    def time_is_up() -> bool:
        asked.append(True)
        return True

    verdict = check(built, budget=Budget(time_is_up=time_is_up))
    assert asked
    assert verdict.validity is Validity.UNKNOWN
    assert "key 'small': no answer within the time that was given" in verdict.summary
    assert "of 7 operations" in verdict.summary


@pytest.mark.parametrize(("first", "then", "named"), [(7, 0, 7), (0, 8, 8)])
def test_the_longest_order_that_any_search_came_to_is_named(
    first: int, then: int, named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(searching: engine.Engine, _: Any, __: Budget) -> Result:
        length = first if searching.options_first else then
        return Result(Answer.GAVE_UP, 1, range(length), "the time that was given")

    monkeypatch.setattr(by_model, "QUICK_CONFIGURATIONS", 5)
    monkeypatch.setattr(engine.Engine, "decide", decide)
    built = HistoryBuilder()
    built.invoke(99, "write", None, 99)  # its outcome stays unknown
    overlapping_writes(built, None, 8)
    verdict = check(built)
    assert verdict.validity is Validity.UNKNOWN
    longest = "within the time that was given; the longest order found has"
    assert f"{longest} {named} of 10 operations" in verdict.summary


def test_of_many_keys_without_an_order_the_first_are_explained_and_others_named() -> None:
    built = HistoryBuilder()
    for key in range(30):
        for number in range(40):
            built.do("write", f"k{key}", number)
        built.do("read", f"k{key}", None, 38)
    verdict = check(built)
    assert verdict.validity is Validity.INVALID
    assert verdict.measures["keys_not_linearizable"] == 30
    assert len(verdict.evidence) == MOST_EVIDENCE
    assert all("answered read -> 38" in evidence.title for evidence in verdict.evidence)
    first, last = verdict.evidence[0].text, verdict.evidence[-1].text
    assert "These operations contradict each other" in first
    assert "and 1 more" not in first
    assert all("Some order of the operations" in evidence.text for evidence in verdict.evidence)
    assert "was not looked for" in last


def test_the_reply_that_is_named_is_the_first_that_no_order_explains() -> None:
    built = HistoryBuilder()
    for number in range(20):
        built.do("write", None, number)
    built.do("read", None, None, 18)
    for number in range(20, 40):
        built.do("write", None, number)
    built.do("read", None, None, 5)
    verdict = check(built)
    assert "answered read -> 18" in verdict.evidence[0].title
    assert (
        "Some order of the operations of the history explains every earlier reply" in verdict.evidence[0].text
    )


def test_what_needs_more_memory_than_all_may_take_is_unknown() -> None:
    built = HistoryBuilder()
    for bit in range(14):
        built.invoke(100 + bit, "add", None, 1 << bit)
    built.do("read", None, None, 0b0101)
    built.do("read", None, None, 0b1010)  # what was there is no longer
    for bit in range(14):
        built.ok(100 + bit)
    asked: list[int] = []

    def memory_is_up(more_bytes: int) -> bool:
        asked.append(more_bytes)
        return True

    verdict = check(built, "counter", Budget(memory_bytes=7 << 20, memory_is_up=memory_is_up))
    assert asked
    assert min(asked) > 0
    assert verdict.validity is Validity.UNKNOWN
    assert "no answer within 7 MiB of memory in all" in verdict.summary


@pytest.mark.parametrize("model", ["register", "set", "queue", "kv-append", "counter"])
def test_the_answer_alone_is_the_validity_of_the_verdict(model: str) -> None:
    write, read, wrong = {
        "register": ("write", "read", 9),
        "set": ("add", "read", [1, 9]),
        "queue": ("enqueue", "dequeue", 9),
        "kv-append": ("append", "get", "9"),
        "counter": ("add", "read", 9),
    }[model]
    value = "1" if model == "kv-append" else 1
    right = [1] if model == "set" else value
    for is_right in (True, False):
        built = HistoryBuilder()
        for key in ("a", "b"):
            built.do(write, key, value)
            built.do(read, key, None, right if is_right or key == "a" else wrong)
        checker = LinearizabilityOf(MODELS[model])
        assert checker.answer(recording(built)) is (Validity.VALID if is_right else Validity.INVALID)
        assert checker.answer(recording(built)) is check(built, model).validity


def test_the_answer_alone_is_unknown_where_another_initial_value_may_be_true() -> None:
    built = HistoryBuilder()
    built.do("read", None, None, 7)
    checker = LinearizabilityOf(MODELS["register"], initial_is_stated=False)
    assert checker.answer(recording(built)) is checker.check(recording(built)).validity is Validity.UNKNOWN


def test_the_answer_alone_is_unknown_where_the_budget_does_not_suffice() -> None:
    built = HistoryBuilder()
    overlapping_writes(built, "hard", 6)
    checker = LinearizabilityOf(MODELS["register"], Budget(configurations=3))
    assert checker.answer(recording(built)) is Validity.UNKNOWN


def test_a_long_history_may_take_more_configurations_unless_a_number_is_stated() -> None:
    built = HistoryBuilder()
    for value in range(300):
        built.do("write", None, value, value)
    for budget, validity in (
        (Budget(100, grows=True), Validity.VALID),
        (Budget(100), Validity.UNKNOWN),
    ):
        judge = LinearizabilityOf(MODELS["register"], budget)
        assert judge.judge(recording(built)).validity is validity, budget
        assert judge.answer(recording(built)) is validity, budget


def test_a_budget_that_grows_keeps_to_the_memory_that_was_given() -> None:
    count = 10_000_000
    assert Budget(grows=True).for_operations(count) == Budget(4 * count, 256 * count)
    bounded = Budget(memory_is_up=lambda more: False, grows=True).for_operations(count)
    assert bounded.memory_bytes == Budget().memory_bytes
    assert Budget(grows=True).for_operations(10) == Budget(grows=True)
