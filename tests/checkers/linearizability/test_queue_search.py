"""Queues searched pair by pair: as the general search, which tries every order, finds."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from ackproof.judging.checking import Question, answer
from checkers.linearizability.answer import NEVER, Answer
from checkers.linearizability.by_model import replays
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


def queue_part(draw: Random) -> Part:
    """At most nine operations with any replies, some of them unknown, on one to eight elements."""
    count, spread, elements = draw.randint(1, 9), draw.choice([2, 4, 20]), draw.choice([1, 2, 3, 8])
    begun = [2 * number + draw.random() * spread for number in range(count)]
    spans = [(begin, begin + draw.random() * spread * 2) for begin in begun]
    rank = {moment: place for place, moment in enumerate(sorted(moment for span in spans for moment in span))}
    calls, completed = [], []
    spans.sort()
    for _, end in spans:
        is_unknown = draw.random() < 0.2
        if draw.random() < 0.5:
            calls.append(Call("enqueue", draw.randrange(elements), MAYBE if is_unknown else None))
        else:
            reply = draw.choice([None, *range(elements)])
            calls.append(Call("dequeue", None, MAYBE if is_unknown else reply))
        completed.append(NEVER if is_unknown else rank[end])
    invoked = np.array([rank[begin] for begin, _ in spans])
    return Part(None, invoked, np.array(completed), np.arange(count), tuple(calls))


@pytest.mark.parametrize("form", Form)
def test_pairs_are_found_exactly_where_some_order_explains_all_replies(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkers.linearizability.search.queue_search.fitting", lambda work: form)
    model, answers = Queue(), set()
    for seed in range(1000, 1600):
        part = queue_part(Random(seed))
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
