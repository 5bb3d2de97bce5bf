"""States as bits give the answers that tables give, on histories of stores that know nothing of either."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.by_rule.deciding import replays
from checkers.linearizability.engine import Engine
from checkers.linearizability.never_written import never_written
from checkers.linearizability.packing.packed import Packing
from checkers.linearizability.part import HistoryParts, parts
from checkers.models import MODELS
from checkers.models.model import IllegalCall
from history import History
from tests.checkers.stores.clients import Event, Load, changed, history_of, recorded
from tests.checkers.stores.data_types import TYPES, Members
from tests.checkers.stores.servers import BROKEN, Server

PACKED = ("multi-register", "set", "fenced-lock")
BUDGET = Budget(20_000)


def a_history(model: str, draw: Random) -> History:
    """What clients of a correct or a broken server record."""
    data_type = Members(whole=0.15) if model == "set" else TYPES[model]
    kinds: list[type[Server]] = [Server, *BROKEN.values()]
    server = draw.choice(kinds)(data_type, draw, often=0.05)
    load = Load(
        operations=draw.choice([6, 12, 40]),
        clients=draw.choice([2, 3, 5]),
        keys=draw.choice([1, 3]),
        unknown=draw.choice([0, 0.1, 0.3]),
        few=draw.choice([None, 2, 4]),
    )
    events = recorded(server, load, draw)
    return history_of(changed(events, data_type, draw) if draw.random() < 0.3 else events)


def disagreements(model: str, found: HistoryParts) -> list[str]:
    """How the search over bits differs from the search over tables."""
    bits, tables = Engine(MODELS[model]), Engine(MODELS[model], exact=True)
    together = bits.decide_all(found, BUDGET)
    wrong = []
    for place, part in enumerate(found):
        expected, alone = tables.decide(part, BUDGET).answer, bits.decide(part, BUDGET)
        for result in (together[place], alone):
            if Answer.GAVE_UP not in (result.answer, expected) and result.answer is not expected:
                wrong.append(f"{part.key}: {result.answer} is not {expected}")
            if result.answer is Answer.LINEARIZABLE:
                placed = np.zeros(len(part), dtype=bool)
                placed[np.asarray(result.order, dtype=np.int64)] = True
                if not replays(MODELS[model], part, result.order) or not placed[part.completed < NEVER].all():
                    wrong.append(f"{part.key}: {result.order} is no order")
    return wrong


@pytest.mark.parametrize("model", PACKED)
def test_bits_give_the_answers_of_tables(model: str) -> None:
    packed = 0
    for seed in range(60):
        found = parts(a_history(model, Random(f"{model} {seed}")))
        if len(found):
            assert not disagreements(model, found), seed
            forms = Packing(MODELS[model]).of_parts(found)
            packed += forms is not None and bool(forms.fits.all())
    assert packed > 40


@pytest.mark.campaign
@pytest.mark.parametrize("model", PACKED)
def test_bits_give_the_answers_of_tables_on_thousands_of_histories(model: str) -> None:
    for seed in range(1000, 3000):
        found = parts(a_history(model, Random(f"{model} {seed}")))
        assert not len(found) or not disagreements(model, found), seed


def test_what_was_never_written_is_found_in_columns_as_in_calls() -> None:
    model, found_any = "multi-register", 0
    for seed in range(60):
        found = parts(a_history(model, Random(f"never {model} {seed}")))
        if not len(found):
            continue
        from_calls = never_written(found, MODELS[model])
        from_columns = never_written(found, MODELS[model], Packing(MODELS[model]))
        assert from_columns == from_calls, seed
        found_any += bool(from_calls)
    assert found_any


@pytest.mark.parametrize(
    "last",
    [
        ("contains", 2, True),
        ("add", 2, False),
        ("read", None, [1, 2]),
        ("remove", 2, True),
        ("remove", 1, True),
    ],
)
def test_an_element_that_was_never_added_is_found_in_columns(last: tuple[str, Any, Any]) -> None:
    found = a_key(("add", 1, True), ("remove", 1, True), last)
    from_columns = never_written(found, MODELS["set"], Packing(MODELS["set"]))
    assert from_columns == never_written(found, MODELS["set"])
    assert from_columns[0].place == 2


def a_key(*operations: tuple[str, Any, Any]) -> HistoryParts:
    """The operations of one client, one after the other, on one key."""
    events = []
    for f, asked, answered in operations:
        events += [Event(0, "invoke", f, "k", asked), Event(0, "ok", f, "k", answered)]
    return parts(history_of(events))


@pytest.mark.parametrize("value", [1.5, True, [1, 2], {"a": 1}, "a\\b", "\u00e9"])
def test_values_that_json_may_write_in_two_ways_are_left_to_tables(value: Any) -> None:
    """They still have one verdict."""
    write = ("txn", [["w", "x", value]], [["w", "x", value]])
    read = ("txn", [["r", "x", None]], [["r", "x", value]])
    for operations, answer in (
        ((write, read), Answer.LINEARIZABLE),
        ((read, write), Answer.NOT_LINEARIZABLE),
    ):
        found = a_key(*operations)
        assert Packing(MODELS["multi-register"]).of_parts(found) is None
        assert Engine(MODELS["multi-register"]).decide_all(found)[0].answer is answer


def test_a_transaction_reads_what_it_wrote_itself() -> None:
    steps = [["w", "x", 1], ["r", "x", 1], ["w", "x", 2], ["r", "x", 2]]
    torn = [["w", "x", 1], ["r", "x", 2]]
    for shown, answer in ((steps, Answer.LINEARIZABLE), (torn, Answer.NOT_LINEARIZABLE)):
        found = a_key(("txn", shown, shown))
        assert Packing(MODELS["multi-register"]).of_parts(found) is not None
        assert Engine(MODELS["multi-register"]).decide_all(found)[0].answer is answer


def test_a_set_of_more_elements_than_a_number_has_bits_is_left_to_tables() -> None:
    adds = [("add", number, None) for number in range(70)]
    found = a_key(*adds, ("read", None, list(range(70))))
    packed = Packing(MODELS["set"]).of_parts(found)
    assert packed is not None
    assert not packed.fits.any()
    assert Engine(MODELS["set"]).decide_all(found)[0].answer is Answer.LINEARIZABLE


@pytest.mark.parametrize(
    ("model", "operation"),
    [
        ("set", ("read", None, 3)),
        ("set", ("pop", 1, None)),
        ("fenced-lock", ("acquire", None, "a")),
        ("multi-register", ("txn", [["add", "x", 1]], [["add", "x", 1]])),
        ("multi-register", ("txn", 3, 3)),
    ],
)
def test_what_is_no_call_of_the_data_type_is_refused(model: str, operation: tuple[str, Any, Any]) -> None:
    found = a_key(operation)
    assert Packing(MODELS[model]).of_parts(found) is None
    with pytest.raises(IllegalCall):
        Engine(MODELS[model]).decide_all(found)
