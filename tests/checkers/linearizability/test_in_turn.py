"""Keys that are searched some after the others get the verdict that they get all at once."""

from __future__ import annotations

import gc
import weakref
from random import Random

import pytest

from checkers.linearizability import part
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import parts, parts_in_turn
from checkers.models import MODELS
from checkers.verdict import IllegalOperation, Verdict
from history import History, Recording
from tests.checkers.builders import HistoryBuilder
from tests.checkers.stores.clients import Load, changed, history_of, recorded
from tests.checkers.stores.data_types import TYPES
from tests.checkers.stores.servers import BROKEN, Server

SEEDS = 6


def a_history(model: str, draw: Random) -> History:
    """What clients of a correct or a broken server record of several keys."""
    kinds: list[type[Server]] = [Server, *BROKEN.values()]
    server = draw.choice(kinds)(TYPES[model], draw, often=0.05)
    load = Load(
        operations=draw.choice([12, 60]),
        clients=draw.choice([2, 5]),
        keys=draw.choice([2, 5]),
        unknown=draw.choice([0, 0.2]),
        few=draw.choice([None, 3]),
    )
    events = recorded(server, load, draw)
    return history_of(changed(events, TYPES[model], draw) if draw.random() < 0.3 else events)


def verdict_on(history: History, model: str) -> Verdict | str:
    """The verdict, or why the history is refused."""
    judge = LinearizabilityOf(MODELS[model])
    try:
        return judge.judge(Recording(nodes=(), history=history))
    except IllegalOperation as refusal:
        return f"{refusal.operation}: {refusal.rule}"


def compared(verdict: Verdict | str) -> object:
    """What must be the same. Which key is explained first, and so at the greatest length, may differ."""
    if isinstance(verdict, str):
        return verdict
    keys = sorted(one.title.partition(":")[0] for one in verdict.evidence)
    return verdict.validity, verdict.unjudged, verdict.measures, verdict.caveats, keys


@pytest.mark.parametrize("model", sorted(set(TYPES) & set(MODELS)))
@pytest.mark.parametrize("at_once", [1, 15])
def test_the_verdict_is_that_on_all_keys_together(
    model: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SEEDS):
        history = a_history(model, Random(f"in turn {model} {seed}"))
        together = verdict_on(history, model)
        with monkeypatch.context() as fewer:
            fewer.setattr(part, "AT_ONCE", at_once)
            assert compared(verdict_on(history, model)) == compared(together), seed


def test_each_key_comes_once_with_its_own_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    history = a_history("register", Random(3))
    whole = parts(history)
    monkeypatch.setattr(part, "AT_ONCE", 5)
    turns = list(parts_in_turn(history))
    assert len(turns) > 1
    assert [key for found in turns for key in found.keys] == list(whole.keys)
    for found in turns:
        assert len(found) == 1 or len(found.kinds) <= 5
        for own in found:
            expected = whole[list(whole.keys).index(own.key)]
            assert own.invoked.tolist() == expected.invoked.tolist()
            assert own.completed.tolist() == expected.completed.tolist()
            assert [own.call(place) for place in range(len(own))] == [
                expected.call(place) for place in range(len(expected))
            ]


def test_an_engine_is_gone_as_soon_as_nothing_uses_it() -> None:
    engine = Engine(MODELS["register"])
    engine.decide_all(parts(a_history("register", Random(3))), Budget())
    gone = weakref.ref(engine)
    gc.disable()
    try:
        del engine
        assert gone() is None
    finally:
        gc.enable()


def test_the_first_operation_that_the_model_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    built = HistoryBuilder()
    built.do("write", "a", 1)
    built.do("write", "b", 1)
    built.do("jump", "b", 1)
    built.do("jump", "a", 1)
    together = verdict_on(built.history(), "register")
    assert isinstance(together, str)
    monkeypatch.setattr(part, "AT_ONCE", 1)
    assert verdict_on(built.history(), "register") == together
