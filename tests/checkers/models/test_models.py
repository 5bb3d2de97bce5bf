"""Every model, searched both ways: the engine agrees with trying every order, in each form it runs in."""

from __future__ import annotations

from random import Random

import pytest

from checkers.linearizability.answer import NEVER, Answer
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import Part
from checkers.models import MODELS
from checkers.models.model import IMPOSSIBLE, MAYBE, Call, IllegalCall, Model, decided_by_reply
from tests.checkers.models.small_histories import ALL_MODELS, CALLS, linearizable, part_of, small_history

KINDS = ("correct", "mutated", "arbitrary")
by_name = pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)


def explains(model: Model, part: Part, order: list[int]) -> None:
    """An order is a proof: every completed operation once, real time kept, every reply explained."""
    assert len(set(order)) == len(order)
    assert {n for n in range(len(part)) if part.completed[n] != NEVER} <= set(order)
    state = model.initial
    latest_invocation = -1
    for place in order:
        latest_invocation = max(latest_invocation, int(part.invoked[place]))
        assert latest_invocation < part.completed[place], "an operation stands after one that began after it"
        state = model.step(state, part.call(place))
        assert state is not IMPOSSIBLE


@by_name
def test_the_engine_agrees_with_trying_every_order(model: Model) -> None:
    engines = [Engine(model), Engine(model, exact=True)]
    found = dict.fromkeys(Answer, 0)
    for seed in range(2000):
        random = Random(seed)
        part = small_history(model, random, kind=KINDS[seed % 3])
        expected = Answer.LINEARIZABLE if linearizable(model, part) else Answer.NOT_LINEARIZABLE
        for engine in engines:
            result = engine.decide(part)
            assert result.answer is expected, (seed, part)
            if expected is Answer.LINEARIZABLE:
                explains(model, part, [int(place) for place in result.order])
        found[expected] += 1
    assert min(found[Answer.LINEARIZABLE], found[Answer.NOT_LINEARIZABLE]) > 150, found


@by_name
def test_a_history_from_a_sequential_run_is_linearizable(model: Model) -> None:
    engine = Engine(model)
    for seed in range(200):
        part = small_history(model, Random(seed), kind="correct", most=25)
        assert engine.decide(part).answer is Answer.LINEARIZABLE, seed


@by_name
def test_every_model_refuses_what_it_does_not_know(model: Model) -> None:
    assert {f for f, _, _ in CALLS[model.name]} == model.functions
    with pytest.raises(IllegalCall, match="unknown f 'dance'"):
        Engine(model).decide(part_of([(0, 1, Call("dance", None, None))]))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("cas-register", Call("cas", 3, None)),
        ("kv-append", Call("append", 3, None)),
        ("kv-append", Call("get", None, ("a",))),
        ("counter", Call("add", "one", None)),
        ("counter", Call("read", None, 2**50)),
        ("set", Call("read", None, "abc")),
        ("multi-register", Call("txn", "x", (("r", "x"),))),
        ("fenced-lock", Call("acquire", None, "token")),
    ],
)
def test_every_model_refuses_values_of_the_wrong_shape(name: str, call: Call) -> None:
    with pytest.raises(IllegalCall):
        MODELS[name].step(MODELS[name].initial, call)


def test_a_failed_compare_and_set_saw_another_value() -> None:
    model = MODELS["cas-register"]
    write, failed = Call("write", 1, 1), Call("cas", (1, 2), False)
    assert Engine(model).decide(part_of([(0, 1, write), (2, 3, failed)])).answer is Answer.NOT_LINEARIZABLE
    assert Engine(model).decide(part_of([(0, 3, write), (1, 2, failed)])).answer is Answer.LINEARIZABLE


def test_a_fencing_token_never_goes_back() -> None:
    model = MODELS["fenced-lock"]
    rows = [
        (0, 1, Call("acquire", None, 7)),
        (2, 3, Call("release", 7, None)),
        (4, 5, Call("acquire", None, 5)),
    ]
    assert Engine(model).decide(part_of(rows)).answer is Answer.NOT_LINEARIZABLE
    rows[2] = (4, 5, Call("acquire", None, 8))
    assert Engine(model).decide(part_of(rows)).answer is Answer.LINEARIZABLE


def test_a_holder_without_a_known_token_leaves_only_by_expiry() -> None:
    model = MODELS["fenced-lock"]
    rows = [(0, NEVER, Call("acquire", None, MAYBE)), (1, 2, Call("acquire", None, 1))]
    assert Engine(model).decide(part_of(rows)).answer is Answer.LINEARIZABLE
    both = model.step(model.step(model.initial, rows[0][2]), rows[1][2])
    assert both is IMPOSSIBLE


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_a_call_without_its_reply_does_the_same_or_nothing_unless_the_model_says_otherwise(
    model: Model,
) -> None:
    """Evidence forgets replies: an order that explains the history must then still be one."""
    rng = Random(11)
    keeping, seen, otherwise = decided_by_reply(model), 0, set()
    for _ in range(300):
        state = model.initial
        for _ in range(6):
            f, arguments, results = rng.choice(CALLS[model.name])
            argument = rng.choice(arguments)
            result = argument if results == ["as asked"] else rng.choice(results)
            after = model.step(state, Call(f, argument, result))
            if after is IMPOSSIBLE:
                continue
            if after not in (state, model.step(state, Call(f, argument, MAYBE))):
                otherwise.add(f)
            state, seen = after, seen + 1
    assert seen > 100
    assert otherwise == keeping
