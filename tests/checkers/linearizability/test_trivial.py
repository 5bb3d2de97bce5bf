"""Trivial contradictions of every model are found where no search could find them.

Before each of them come many operations at once, whose orders a search would try one after the other. At most
the first pass over all keys, which tries next to nothing, comes before the look for what was never there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from checkers.linearizability.answer import Answer, Budget
from checkers.linearizability.by_model import AT_FIRST, AT_FIRST_AN_OPERATION, LinearizabilityOf
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import parts
from checkers.models import MODELS
from checkers.verdict import Validity
from tests.checkers.builders import HistoryBuilder, recording

Operation = tuple[str, Any, Any]

MANY = 34
"""How many operations are open at once: they have far more orders than any budget has configurations."""


def writes() -> list[Operation]:
    return [("write", number, None) for number in range(100, 100 + MANY)]


def transactions() -> list[Operation]:
    steps = [[["w", f"r{number}", number]] for number in range(MANY)]
    return [("txn", step, step) for step in steps]


def puts() -> list[Operation]:
    return [("put", f"text {number}", None) for number in range(MANY)]


def additions() -> list[Operation]:
    return [("add", 1 << number, None) for number in range(MANY)]


def members() -> list[Operation]:
    return [("add", number, None) for number in range(100, 100 + MANY)]


def enqueues() -> list[Operation]:
    return [("enqueue", number % 5, None) for number in range(MANY)]


def registrations() -> list[Operation]:
    return [("register", f"r{number}", None) for number in range(100, 100 + MANY)]


def acquired() -> list[Operation]:
    return [("acquire" if number % 2 else "release", None, None) for number in range(MANY)]


def tokens() -> list[Operation]:
    return [("acquire", None, number + 10) for number in range(MANY)] + [("expire", None, None)] * MANY


def reads(*values: Any) -> list[Operation]:
    return [
        (
            "txn",
            [["r", name, None] for name in "xy"],
            [["r", *pair] for pair in zip("xy", values, strict=True)],
        )
    ]


WRITE_X: list[Operation] = [("txn", [["w", "x", 7]], [["w", "x", 7]])]

CASES: Sequence[tuple[str, str, Callable[[], list[Operation]], list[Operation]]] = [
    ("register", "a value that was never written", writes, [("read", None, 7)]),
    ("register", "a value that was written later", writes, [("read", None, 7), ("write", 7, None)]),
    ("cas-register", "a value that was never written", writes, [("read", None, 7)]),
    ("cas-register", "a value that was put later", writes, [("read", None, 7), ("cas", [100, 7], None)]),
    ("cas-register", "replaced what was never written", writes, [("cas", [7, 8], None)]),
    ("cas-register", "replaced one write twice", writes, [("cas", [100, 1], None), ("cas", [100, 2], None)]),
    ("multi-register", "a value that was never written", transactions, reads(7, None)),
    ("multi-register", "a value that was written later", transactions, [*reads(7, None), *WRITE_X]),
    ("multi-register", "another register's value", transactions, [*WRITE_X, *reads(None, 7)]),
    ("kv-append", "a text that was never put", puts, [("get", None, "never")]),
    ("kv-append", "a text that was appended later", puts, [("get", None, "text 1."), ("append", ".", None)]),
    (
        "mutex",
        "released more often than acquired",
        acquired,
        [("release", None, None), ("release", None, None)],
    ),
    ("mutex", "acquired twice", acquired, [("acquire", None, None), ("acquire", None, None)]),
    ("fenced-lock", "released a token that was never given", tokens, [("release", 5, None)]),
    ("fenced-lock", "gave a token twice", tokens, [("acquire", None, 900), ("acquire", None, 900)]),
    ("set", "contains what was never added", members, [("contains", 7, True)]),
    ("set", "shows what was never added", members, [("read", None, [7])]),
    ("set", "shows what was added later", members, [("read", None, [7]), ("add", 7, None)]),
    ("set", "removed what was never added", members, [("remove", 7, True)]),
    ("set", "was there when it was added, but never was", members, [("add", 7, False)]),
    ("set", "removed one addition twice", members, [("remove", 100, True), ("remove", 100, True)]),
    ("queue", "gave what was never enqueued", enqueues, [("dequeue", None, 7)]),
    ("queue", "gave what was enqueued later", enqueues, [("dequeue", None, 7), ("enqueue", 7, None)]),
    ("queue", "gave one value twice", enqueues, [("enqueue", 7, None), *[("dequeue", None, 7)] * 2]),
    ("counter", "more than was added", additions, [("read", None, 1 << (MANY + 1))]),
    ("counter", "less than was added", additions, [("read", None, 3)]),
    ("registry", "an id that was never registered", registrations, [("lookup", None, "r7")]),
    ("registry", "registered later", registrations, [("lookup", None, "r7"), ("register", "r7", None)]),
    ("registry", "deregistered what never was", registrations, [("deregister", None, "r7")]),
    ("registry", "deregistered twice", registrations, [("deregister", None, "r100")] * 2),
]


def a_history(many: list[Operation], then: list[Operation]) -> HistoryBuilder:
    """Many operations at once, and then others, one after the other."""
    built = HistoryBuilder()
    for process, (f, argument, _) in enumerate(many):
        built.invoke(process, f, "k", argument)
    for process, (_, _, result) in enumerate(many):
        built.ok(process, result)
    for f, argument, result in then:
        built.do(f, "k", argument, result)
    return built


def first_pass(built: HistoryBuilder) -> int:
    """How many configurations the first pass over this history may visit."""
    return AT_FIRST + AT_FIRST_AN_OPERATION * len(built.operations) // 2


@pytest.mark.parametrize(
    ("model", "what", "many", "then"), CASES, ids=[f"{model}-{what}" for model, what, *_ in CASES]
)
def test_a_trivial_contradiction_needs_no_search(
    model: str, what: str, many: Callable[[], list[Operation]], then: list[Operation]
) -> None:
    built = a_history(many(), then)
    judge = LinearizabilityOf(MODELS[model])
    verdict = judge.check(recording(built))
    assert verdict.validity is Validity.INVALID, verdict.summary
    assert verdict.measures["most_configurations_for_a_key"] <= first_pass(built)
    few = LinearizabilityOf(MODELS[model], Budget(first_pass(built)))
    assert few.answer(recording(built)) is Validity.INVALID


EXAMPLES = [("register", writes), ("kv-append", puts), ("counter", additions), ("registry", registrations)]
READS = {
    "register": ("read", 7),
    "kv-append": ("get", "?"),
    "counter": ("read", 3),
    "registry": ("lookup", "?"),
}


@pytest.mark.parametrize(("model", "many"), EXAMPLES)
def test_a_search_alone_would_have_found_nothing(model: str, many: Callable[[], list[Operation]]) -> None:
    f, shown = READS[model]
    found = parts(a_history(many(), [(f, None, shown)]).history())
    assert Engine(MODELS[model]).decide(found[0], Budget(50_000)).answer is Answer.GAVE_UP


def test_every_model_has_its_trivial_contradictions() -> None:
    assert {model for model, *_ in CASES} == set(MODELS)
