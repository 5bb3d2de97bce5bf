"""Queues searched pair by pair: as the general search, which tries every order, finds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest

from ackproof.judging.checking import Question, answer
from checkers.linearizability.answer import NEVER, Answer
from checkers.linearizability.by_rule.deciding import replays
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import Part
from checkers.linearizability.search.queue_search import QueueSearch
from checkers.models.model import MAYBE, Call
from checkers.models.queue import Queue
from checkers.verdict import Validity
from history.formats import RecordedHistory
from history.kernels import Form
from tests.checkers.stores.clients import Load, history_of, recorded
from tests.checkers.stores.data_types import TYPES
from tests.checkers.stores.servers import Server

Span = tuple[float, float]


def part_of(calls: Sequence[tuple[Span, Call]]) -> Part:
    """Calls with their begin and end; those of unknown outcome end never."""
    ordered = sorted(calls, key=lambda one: one[0])
    rank = {moment: place for place, moment in enumerate(sorted(at for span, _ in ordered for at in span))}
    invoked = np.array([rank[begin] for (begin, _), _ in ordered])
    ends = [NEVER if call.result is MAYBE else rank[end] for (_, end), call in ordered]
    return Part(None, invoked, np.array(ends), np.arange(len(ordered)), tuple(call for _, call in ordered))


def answer_to(calls: Sequence[tuple[Span, Call]]) -> Answer:
    """What the search finds."""
    part, search = part_of(calls), QueueSearch(Queue())
    assert search.takes(part.calls)
    return search.decide(part).answer


def any_part(draw: Random) -> Part:
    """At most nine operations with any replies, some of them unknown, on one to eight elements."""
    count, spread, elements = draw.randint(1, 9), draw.choice([2, 4, 20]), draw.choice([1, 2, 3, 8])
    calls = []
    for number in range(count):
        begin = 2 * number + draw.random() * spread
        if draw.random() < 0.5:
            call = Call("enqueue", draw.randrange(elements), None)
        else:
            call = Call("dequeue", None, draw.choice([None, *range(elements)]))
        if draw.random() < 0.2:
            call = call._replace(result=MAYBE)
        calls.append(((begin, begin + draw.random() * spread * 2), call))
    return part_of(calls)


def nearly_right_part(draw: Random) -> Part:
    """What a queue answers that is often empty, with at most one reply or two times changed afterwards."""
    queue: deque[int] = deque()
    spread, elements, unknown = draw.choice([1, 2, 4, 8]), draw.choice([2, 3, 8]), draw.choice([0.0, 0.15])
    calls = []
    for number in range(draw.randint(3, 10)):
        if draw.random() < 0.45:
            call = Call("enqueue", draw.randrange(elements), None)
            queue.append(call.argument)
        else:
            call = Call("dequeue", None, queue.popleft() if queue else None)
        if draw.random() < unknown:
            call = call._replace(result=MAYBE)
        calls.append(((number - draw.random() * spread, number + draw.random() * spread), call))
    changed = draw.randrange(len(calls))
    (begin, end), call = calls[changed]
    match draw.choice(["nothing", "reply", "times", "times", "times"]):
        case "reply" if call.f == "dequeue":
            call = call._replace(result=draw.choice([None, *range(elements)]))
        case "times":
            later = draw.uniform(-4, 4)
            begin, end = begin + later, end + later
    calls[changed] = ((begin, end), call)
    return part_of(calls)


@pytest.mark.parametrize("make", [any_part, nearly_right_part])
@pytest.mark.parametrize("form", Form)
def test_pairs_are_found_exactly_where_some_order_explains_all_replies(
    form: Form, make: Callable[[Random], Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkers.linearizability.search.queue_search.fitting", lambda work: form)
    model, answers = Queue(), set()
    for seed in range(1000, 1600):
        part = make(Random(seed))
        search = QueueSearch(model)
        assert search.takes(part.calls)
        found = search.decide(part)
        assert found.answer is Engine(model, exact=True).decide(part).answer, seed
        order = list(found.order)
        assert replays(model, part, order), seed
        assert len({*order}) == len(order)
        ends = part.completed[order]
        for place, one in enumerate(order):
            assert (ends[place:] >= part.invoked[one]).all(), seed
        if found.answer is Answer.LINEARIZABLE:
            assert {*np.flatnonzero(part.completed < NEVER).tolist()} <= {*order}, seed
        answers.add(found.answer)
    assert answers == {Answer.LINEARIZABLE, Answer.NOT_LINEARIZABLE}


@pytest.mark.parametrize("form", Form)
def test_a_queue_is_found_empty_only_before_an_element_that_was_put_in_later(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkers.linearizability.search.queue_search.fitting", lambda work: form)
    put_1, put_2 = Call("enqueue", 1, None), Call("enqueue", 2, None)
    take_1, take_2 = Call("dequeue", None, 1), Call("dequeue", None, 2)
    finds_nothing = Call("dequeue", None, None)
    rest: list[tuple[Span, Call]] = [((0, 1), put_1), ((3, 5), put_2), ((6, 7), take_1), ((8, 9), take_2)]
    # When 1 was taken out, 2 was in the queue, and until then 1 was.
    assert answer_to([*rest, ((2, 7.5), finds_nothing)]) is Answer.NOT_LINEARIZABLE
    assert answer_to([*rest, ((-1, 0.5), finds_nothing)]) is Answer.LINEARIZABLE
    # 3 was put in before 1 was taken out, though 2, which is taken out next, may have been taken out at once.
    put_3, take_3 = Call("enqueue", 3, None), Call("dequeue", None, 3)
    rest = [((0, 1.5), put_1), ((0.5, 1.6), put_2), ((4, 5), put_3)]
    rest += [((10, 12), take_1), ((2.5, 12.5), take_2), ((21, 22), take_3)]
    assert answer_to([*rest, ((2, 20), finds_nothing)]) is Answer.NOT_LINEARIZABLE
    assert answer_to([*rest[:-1], ((15, 22), take_3), ((2, 20), finds_nothing)]) is Answer.LINEARIZABLE


def test_a_long_queue_of_few_values_and_many_clients_has_an_answer() -> None:
    draw = Random(3)
    load = Load(operations=800, clients=20, keys=1, unknown=0.02, few=5)
    history = history_of(recorded(Server(TYPES["queue"], draw, often=0.0), load, draw))
    read = RecordedHistory(history, range(1, len(history) + 1), "a queue")
    assert answer(read, Question("queue", options={"initial": "[]"})) is Validity.VALID


def test_other_data_types_and_queues_that_hold_something_at_first_are_left_to_the_general_search() -> None:
    calls = (Call("enqueue", 1, None), Call("dequeue", None, 1))
    assert QueueSearch(Queue()).takes(calls)
    assert not QueueSearch(Queue(initial=(1,))).takes(calls)
    assert not QueueSearch(Queue()).takes((Call("peek", None, 1),))
