"""Replies that name what was never there are found before any search, and nothing else is accused."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from checkers.linearizability import by_model, engine
from checkers.linearizability.answer import NEVER, Budget, Result
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.never_written import never_written
from checkers.linearizability.part import HistoryParts, Part
from checkers.models import MODELS
from checkers.models.model import MAYBE, Call, Model
from checkers.verdict import Validity, Verdict
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.models.small_histories import ALL_MODELS, linearizable, part_of, small_history

Row = tuple[int, int, Call]


def together(*found: Part) -> HistoryParts:
    """Parts as those of one history."""
    calls = tuple(dict.fromkeys(part.call(n) for part in found for n in range(len(part))))
    return HistoryParts(
        keys=[str(place) for place in range(len(found))],
        starts=np.cumsum([0, *map(len, found)]),
        invoked=np.concatenate([part.invoked for part in found]),
        completed=np.concatenate([part.completed for part in found]),
        kinds=np.array([calls.index(part.call(n)) for part in found for n in range(len(part))]),
        calls=calls,
        longest=max(map(len, found)),
    )


def one_after_the_other(*calls: tuple[str, Any, Any]) -> list[Row]:
    return [(2 * n, NEVER if call[2] is MAYBE else 2 * n + 1, Call(*call)) for n, call in enumerate(calls)]


IMPOSSIBLE = [
    ("register", [("write", 1, None), ("read", None, 2)], 1, "shows 2, which was not there"),
    ("register", [("read", None, 1), ("write", 1, None)], 0, "before operation 2 brought it"),
    ("cas-register", [("write", 1, None), ("cas", (2, 3), None)], 1, "shows 2, which was not there"),
    ("cas-register", [("write", 1, None), ("cas", (1, 2), None), ("cas", (1, 3), None)], 2, "only 1 time"),
    ("cas-register", [("write", 1, MAYBE), ("cas", (None, 2), False), ("read", None, 3)], 2, "shows 3"),
    ("cas-register", [("cas", (7, 8), MAYBE), ("read", None, 8)], 1, "shows 8"),
    ("cas-register", [("cas", (None, 2), False), ("write", 1, None)], 0, "before operation 2"),
    ("multi-register", [("txn", (("r", "x", 1), ("w", "x", 1)), (("r", "x", 1), ("w", "x", 1)))], 0, '"x" 1'),
    ("kv-append", [("append", "ab", None), ("append", "b", None), ("get", None, "aab")], 2, '"aab"'),
    ("kv-append", [("put", "a", None), ("get", None, "ab"), ("append", "b", None)], 1, '"ab"'),
    ("mutex", [("release", None, None)], 0, "shows true"),
    ("mutex", [("acquire", None, None), ("acquire", None, None)], 1, "it was there once at the beginning"),
    ("fenced-lock", [("acquire", None, 3), ("release", 4, None)], 1, "shows 4"),
    ("fenced-lock", [("acquire", None, 3), ("acquire", None, 4)], 1, "the lock, free"),
    ("set", [("add", "a", None), ("read", None, ("a", "b"))], 1, 'shows "b"'),
    ("set", [("contains", "a", True)], 0, 'shows "a"'),
    ("set", [("add", "a", False)], 0, 'shows "a"'),
    ("set", [("add", "a", None), ("remove", "a", True), ("remove", "a", True)], 2, "2nd answered one"),
    ("queue", [("enqueue", 1, None), ("enqueue", 1, None), ("dequeue", None, 7)], 2, "shows 7"),
    ("queue", [("enqueue", 1, None), ("dequeue", None, 1), ("dequeue", None, 1)], 2, "2nd answered one"),
    ("counter", [("add", 1, None), ("add", 2, MAYBE), ("read", None, 4)], 2, "at least 1 and at most 3"),
    ("counter", [("add", 3, None), ("add", -2, MAYBE), ("read", None, 0)], 2, "at least 1 and at most 3"),
    ("registry", [("register", "r1", None), ("lookup", None, "r2")], 1, 'shows "r2"'),
    ("registry", [("deregister", None, "r1")], 0, 'shows "r1"'),
    ("registry", [("update", "r1", None)], 0, "something other than nothing"),
]


@pytest.mark.parametrize(("name", "calls", "place", "words"), IMPOSSIBLE)
def test_what_was_never_there_is_found_and_named(
    name: str, calls: list[tuple[str, Any, Any]], place: int, words: str
) -> None:
    part = part_of(one_after_the_other(*calls))
    assert not linearizable(MODELS[name], part)
    found = never_written(together(part), MODELS[name])
    assert found[0].place == place
    assert words in found[0].because


@pytest.mark.parametrize(
    ("brought", "words"), [(1, "after operation 2,"), (3, "after operations 6, 8 and 10,")]
)
def test_those_who_took_it_before_are_named(brought: int, words: str) -> None:
    calls = [("enqueue", 1, None)] * brought + [("dequeue", None, 1)] * (brought + 1)
    part = part_of(one_after_the_other(*calls))
    found = never_written(together(part), MODELS["queue"])[0]
    assert found.place == 2 * brought
    assert found.others == tuple(2 * place for place in range(brought, 2 * brought))
    assert words in found.because


def test_every_model_has_an_example() -> None:
    assert {name for name, *_ in IMPOSSIBLE} == set(MODELS)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_only_what_has_no_order_is_accused_and_each_key_by_itself(model: Model) -> None:
    accused = 0
    for seed in range(600):
        random = Random(seed)
        parts = [
            small_history(model, random, kind=random.choice(["correct", "mutated", "arbitrary"]), most=6)
            for _ in range(3)
        ]
        parts = [part for part in parts if len(part)]
        if not parts:
            continue
        found = never_written(together(*parts), model)
        accused += len(found)
        for number, part in enumerate(parts):
            alone = never_written(together(part), model)
            assert (found.get(number) is None) == (alone.get(0) is None), seed
            if number in found:
                assert found[number].place == alone[0].place
                assert not linearizable(model, part), (seed, part)
    assert accused > 50


def check(built: HistoryBuilder, model: str) -> Verdict:
    return LinearizabilityOf(MODELS[model]).check(recording(built))


def repeated_values(built: HistoryBuilder, key: str | None) -> None:
    """Twelve values in a queue at once, of which only two are different: a search tries every order."""
    for number in range(12):
        built.invoke(number, "enqueue", key, number % 2)
    for number in range(12):
        built.ok(number, number % 2)


def test_no_long_search_is_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    built = HistoryBuilder()
    repeated_values(built, None)
    built.do("dequeue", None, None, 7)
    monkeypatch.setattr(by_model, "QUICK_CONFIGURATIONS", 50)
    decide = engine.Engine.decide

    def short(self: engine.Engine, part: Part, budget: Budget) -> Result:
        assert budget.configurations <= 50
        return decide(self, part, budget)

    monkeypatch.setattr(engine.Engine, "decide", short)
    verdict = check(built, "queue")
    assert verdict.validity is Validity.INVALID
    assert "answered dequeue -> 7" in verdict.evidence[0].title
    assert verdict.evidence[0].operations == (24,)
    assert verdict.evidence[0].text.startswith("Operation 24 (dequeue -> 7) shows 7")


def test_the_other_keys_are_still_judged() -> None:
    built = HistoryBuilder()
    for key in ("a", "b", "c"):
        built.do("write", key, 1)
    built.do("read", "a", None, 9)
    built.do("write", "c", 2)
    built.do("read", "c", None, 1)
    verdict = check(built, "register")
    assert verdict.summary == "2 of 3 keys are not linearizable"
    assert [evidence.title.split(" is")[0] for evidence in verdict.evidence] == ["key 'a'", "key 'c'"]


def test_a_long_chain_of_appended_texts_is_followed_through_all_that_it_has_in_common() -> None:
    calls: list[tuple[str, Any, Any]] = []
    text = ""
    for number in range(200):
        calls += [("append", f"x{number}y", None)]
        text += f"x{number}y"
        calls += [("get", None, text)]
    assert never_written(together(part_of(one_after_the_other(*calls))), MODELS["kv-append"]) == {}
    calls += [("get", None, text.replace("x100y", "x201y"))]
    found = never_written(together(part_of(one_after_the_other(*calls))), MODELS["kv-append"])
    assert found[0].place == len(calls) - 1


def test_values_that_python_calls_equal_are_one_only_where_the_model_says_so() -> None:
    part = part_of(one_after_the_other(("write", 1.5, None), ("read", None, 1.5)))
    assert never_written(together(part), MODELS["register"]) == {}
