"""States of several words give the answers that tables give, on histories of stores that know of neither."""

from __future__ import annotations

from random import Random

import pytest

from checkers.linearizability.answer import Answer, Budget
from checkers.linearizability.engine import Engine
from checkers.linearizability.packing.packed import Packing
from checkers.linearizability.part import HistoryParts, Part, parts
from checkers.linearizability.search import kind_search
from checkers.models import MODELS
from history.kernels import Form, can_compile
from tests.checkers.linearizability.packing.test_packing import (
    a_history,
    a_key,
    disagreements,
)
from tests.checkers.stores.clients import Load, changed, history_of, recorded
from tests.checkers.stores.data_types import Members
from tests.checkers.stores.servers import BROKEN, Server

WIDE = ("multi-register", "set")
pytestmark = pytest.mark.skipif(not can_compile(), reason="wide states are for compiled code alone")


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_search, "fitting", lambda work: Form.COMPILED)


def no_part(self: Packing, part: Part, is_settled: bool = True) -> None:
    """Stands for `Packing.of_part` where no part fits into a number."""


def no_parts(self: Packing, found: HistoryParts) -> None:
    """Stands for `Packing.of_parts` where no part fits into a number."""


@pytest.mark.parametrize("model", WIDE)
def test_wide_states_give_the_answers_of_tables(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packing, "of_part", no_part)
    monkeypatch.setattr(Packing, "of_parts", no_parts)
    answers = compared(model, range(60))
    assert answers >= {Answer.LINEARIZABLE, Answer.NOT_LINEARIZABLE}


@pytest.mark.campaign
@pytest.mark.parametrize("model", WIDE)
def test_wide_states_give_the_answers_of_tables_on_thousands_of_histories(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packing, "of_part", no_part)
    monkeypatch.setattr(Packing, "of_parts", no_parts)
    compared(model, range(1000, 3000))


def compared(model: str, seeds: range) -> set[Answer]:
    """The answers found by wide states, each of which is compared with that of tables."""
    answers: set[Answer] = set()
    for seed in seeds:
        found = parts(a_history(model, Random(f"wide {model} {seed}")))
        if not len(found) or Packing(MODELS[model]).wide(found[0]) is None:
            continue
        assert not disagreements(model, found), seed
        searches = Engine(MODELS[model])
        answers |= {searches.decide(part).answer for part in found}
        assert not searches.is_by_table
    return answers


def test_states_that_need_many_words_give_the_answers_of_tables() -> None:
    wide = 0
    for seed in range(8):
        draw = Random(f"many words set {seed}")
        data_type = Members(whole=0.1)
        kinds: list[type[Server]] = [Server, Server, *BROKEN.values()]
        server = draw.choice(kinds)(data_type, draw, often=0.02)
        load = Load(
            operations=200,
            clients=3,
            keys=1,
            unknown=draw.choice([0, 0.02]),
            few=None,
        )
        events = recorded(server, load, draw)
        found = parts(history_of(changed(events, data_type, draw) if draw.random() < 0.5 else events))
        form = Packing(MODELS["set"]).wide(found[0])
        assert form is not None
        wide += form[1].width > 1
        assert not disagreements("set", found), seed
    assert wide > 4


def test_registers_may_need_many_words() -> None:
    writes = [("txn", step, step) for step in ([["w", f"r{number}", number]] for number in range(130))]
    asked = [["r", f"r{number}", None] for number in range(130)]
    shown = [["r", f"r{number}", number] for number in range(130)]
    for reply, answer in (
        (shown, Answer.LINEARIZABLE),
        ([*shown[:-1], ["r", "r129", 128]], Answer.NOT_LINEARIZABLE),
        ([["r", "r0", None], *shown[1:]], Answer.NOT_LINEARIZABLE),
    ):
        found = a_key(*writes, ("txn", asked, reply))
        form = Packing(MODELS["multi-register"]).wide(found[0])
        assert form is not None
        assert form[1].width > 1
        assert Engine(MODELS["multi-register"]).decide(found[0]).answer is answer


def test_a_search_goes_on_when_there_is_no_more_room_for_states() -> None:
    adds = [("add", number, None) for number in range(700)]
    few = a_key(*adds, ("read", None, list(range(700))))
    lacking = a_key(*adds, ("read", None, list(range(699))))
    for found, answer in ((few, Answer.LINEARIZABLE), (lacking, Answer.NOT_LINEARIZABLE)):
        searches = Engine(MODELS["set"])
        assert searches.decide(found[0]).answer is answer
        assert not searches.is_by_table


def test_a_search_gives_up_when_wide_states_take_more_memory_than_it_may() -> None:
    adds = [("add", number, None) for number in range(700)]
    found = a_key(*adds, ("read", None, list(range(700))))
    result = Engine(MODELS["set"]).decide(found[0], Budget(memory_bytes=1 << 16))
    assert result.answer is Answer.GAVE_UP
    assert "MiB" in result.why
