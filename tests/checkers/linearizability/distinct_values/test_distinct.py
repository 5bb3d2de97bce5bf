"""Sets and queues of distinct values, judged without a search: as trying every order judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.distinct_values.distinct import Distinct, decided
from checkers.linearizability.engine import Engine
from checkers.models import MODELS
from checkers.models.model import MAYBE, Call
from checkers.verdict import Validity, Verdict
from history import History, Operation, Recording
from tests.checkers.models.small_histories import linearizable, part_of

Row = tuple[int, int, Call]
QUEUE, SET = MODELS["queue"], MODELS["set"]


def history_of(*keyed: tuple[str | None, Sequence[Row]]) -> History:
    """Each key's rows, all at once, by their positions."""
    events: list[tuple[int, int, str, str | None, str, Any]] = []
    process = 0
    for key, rows in keyed:
        for invoked, completed, call in rows:
            events.append((invoked, process, "invoke", key, call.f, call.argument))
            if completed != NEVER:
                events.append((completed, process, "ok", key, call.f, call.result))
            process += 1
    events.sort(key=lambda event: event[0])
    return History(
        Operation(
            index=index,
            time=index,
            process=who,
            type=type_,  # type: ignore[arg-type]
            f=f,
            key=key,
            value=list(value) if isinstance(value, tuple) else value,
        )
        for index, (_, who, type_, key, f, value) in enumerate(events)
    )


def intervals(random: Random, most: int) -> list[tuple[int, int]]:
    """Beginnings and ends in the order of moments within; of any overlap, or of neighbours only."""
    count = random.randrange(1, most + 1)
    reach = random.choice([2, 4, 8, 1000])
    moments = sorted(range(2 * count), key=lambda moment: moment + random.random() * reach)
    pairs = [tuple(sorted(moments[2 * place : 2 * place + 2])) for place in range(count)]
    at = {pair: pair[0] + random.random() * (pair[1] - pair[0]) for pair in pairs}
    return sorted(((pair[0], pair[1]) for pair in pairs), key=lambda pair: at[pair])


def queue_rows(random: Random, most: int) -> list[Row]:
    """A correct queue's, or with something wrong: a value lost, another reply, two replies swapped."""
    lost_share = random.choice([0, 0.2, 0.5])
    state: list[str] = []
    rows: list[Row] = []
    for number, (invoked, completed) in enumerate(intervals(random, most)):
        lost = random.random() < lost_share
        happened = not lost or random.random() < 0.5
        end = NEVER if lost else completed
        if random.random() < 0.5:
            if happened:
                state.append(f"v{number}")
            rows.append((invoked, end, Call("enqueue", f"v{number}", MAYBE if lost else None)))
        else:
            reply = state.pop(0) if happened and state else None
            rows.append((invoked, end, Call("dequeue", None, MAYBE if lost else reply)))
    told = [n for n, (_, end, call) in enumerate(rows) if call.f == "dequeue" and end != NEVER]
    match random.randrange(5):
        case 0 if len(rows) > 1:
            enqueues = [n for n, (_, _, call) in enumerate(rows) if call.f == "enqueue"]
            if enqueues:
                del rows[random.choice(enqueues)]
        case 1 if told:
            place = random.choice(told)
            reply = random.choice([None, *(f"v{number}" for number in range(len(rows)))])
            rows[place] = (*rows[place][:2], Call("dequeue", None, reply))
        case 2 if len(told) > 1:
            one, other = random.sample(told, 2)
            calls = rows[one][2], rows[other][2]
            rows[one], rows[other] = (*rows[one][:2], calls[1]), (*rows[other][:2], calls[0])
    return sorted(rows, key=lambda row: row[0])


def set_rows(random: Random, most: int) -> list[Row]:
    """A correct set's, or with one reply changed; with whole reads, and then often without removals."""
    lost_share, reads = random.choice([0, 0.2, 0.4]), random.choice([0, 0, 0.4])
    removals = random.choice([0, 0, 0.3]) if reads else 0.35
    state: set[str] = set()
    rows: list[Row] = []
    used = ["a"]
    for number, (invoked, completed) in enumerate(intervals(random, most)):
        lost = random.random() < lost_share
        reply: object
        # Also of elements that are not added yet.
        draw, argument = random.random(), random.choice([*used[-3:], "abcdefghijklmnopqrs"[number + 1]])
        if draw < reads:
            f, reply = "read", tuple(sorted(state))
        elif draw < reads + removals:
            f, reply = "remove", random.choice([None, argument in state])
        elif draw < reads + removals + 0.35:
            f = "add"
            if random.random() > 0.05:
                argument = "abcdefghijklmnopq"[number]
                used.append(argument)
            reply = random.choice([None, argument not in state])
        else:
            f, reply = "contains", argument in state
        if not lost or random.random() < 0.5:
            state = state | {argument} if f == "add" else state - {argument} if f == "remove" else state
        call = Call(f, None if f == "read" else argument, MAYBE if lost else reply)
        rows.append((invoked, NEVER if lost else completed, call))
    if random.random() < 0.5:
        place = random.randrange(len(rows))
        invoked, end, call = rows[place]
        wrong: Any = random.choice([True, False])
        if call.f == "read" and end != NEVER:
            wrong = tuple(sorted(set(call.result) ^ {random.choice("abc")}))
        if end != NEVER:
            rows[place] = (invoked, end, call._replace(result=wrong))
    return sorted(rows, key=lambda row: row[0])


ROWS: dict[str, Callable[[Random, int], list[Row]]] = {"queue": queue_rows, "set": set_rows}
both_models = pytest.mark.parametrize("name", ["queue", "set"])


def known(history: History, name: str) -> Distinct:
    found = decided(history, MODELS[name], Budget())
    assert found is not None
    return found


def judged(history: History, name: str) -> Verdict:
    return LinearizabilityOf(MODELS[name]).check(Recording(nodes=(), history=history))


@both_models
def test_what_is_said_without_a_search_agrees_with_trying_every_order(name: str) -> None:
    found = {True: 0, False: 0}
    left = 0
    for seed in range(3000):
        rows = ROWS[name](Random(seed), 6)
        expected = linearizable(MODELS[name], part_of(rows))
        distinct = known(history_of((None, rows)), name)
        if distinct.left[0]:
            left += 1
        else:
            assert distinct.impossible[0] != expected, (seed, rows)
            found[expected] += 1
    assert min(found.values()) > 350, found
    assert left == 0 if name == "queue" else 0 < left < 600


@both_models
def test_longer_histories_agree_with_the_search(name: str) -> None:
    engine = Engine(MODELS[name])
    found = dict.fromkeys(Answer, 0)
    for seed in range(500):
        rows = ROWS[name](Random(seed), 14)
        distinct = known(history_of((None, rows)), name)
        if not distinct.left[0]:
            answer = engine.decide(part_of(rows), Budget(configurations=5_000)).answer
            found[answer] += 1
            if answer is not Answer.GAVE_UP:
                assert distinct.impossible[0] == (answer is Answer.NOT_LINEARIZABLE), (seed, rows)
    assert min(found[Answer.LINEARIZABLE], found[Answer.NOT_LINEARIZABLE]) > 50, found


@both_models
def test_keys_do_not_disturb_each_other(name: str) -> None:
    """Many keys at once are told as each would be alone."""
    keyed: list[tuple[str | None, list[Row]]] = [
        (f"k{seed % 7}-{seed}", ROWS[name](Random(seed), 7)) for seed in range(300)
    ]
    alone = {key: known(history_of((key, rows)), name) for key, rows in keyed}
    together = known(history_of(*keyed), name)
    assert set(together.keys) == set(alone)
    assert together.impossible.any()
    for place, key in enumerate(together.keys):
        assert together.impossible[place] == alone[key].impossible[0], key
        assert together.left[place] == alone[key].left[0], key
        assert together.operations[place] == alone[key].operations[0]


@both_models
def test_the_verdict_is_that_of_trying_every_order_and_its_evidence_is_impossible_by_itself(
    name: str,
) -> None:
    invalid = 0
    for seed in range(400):
        rows = ROWS[name](Random(seed), 7)
        history = history_of((None, rows))
        verdict = judged(history, name)
        expected = linearizable(MODELS[name], part_of(rows))
        if all(completed == NEVER for _, completed, _ in rows):
            assert verdict.validity is Validity.UNKNOWN, "nothing completed, which proves nothing"
            continue
        assert verdict.validity is (Validity.VALID if expected else Validity.INVALID), (seed, rows)
        assert verdict.measures["operations"] == len(rows)
        if expected:
            continue
        invalid += 1
        assert len(verdict.evidence) == 1
        assert set(verdict.evidence[0].operations) <= set(range(len(history)))
        distinct = known(history, name)
        if distinct.impossible[0]:
            part = distinct.small(0).part
            assert not linearizable(MODELS[name], part), (seed, rows)
    assert invalid > 50


def test_two_values_that_swap_places_are_shown_out_of_thousands() -> None:
    rows: list[Row] = []
    for number in range(3000):
        rows.append((8 * number, 8 * number + 1, Call("enqueue", number, None)))
        # The next value is already there when one is taken.
        taken = 2001 - number if number in (1000, 1001) else number
        rows.append((8 * number + 12, 8 * number + 13, Call("dequeue", None, taken)))
    verdict = judged(history_of((None, sorted(rows, key=lambda row: row[0]))), "queue")
    assert verdict.validity is Validity.INVALID
    assert len(verdict.evidence[0].operations) <= 8
    assert verdict.evidence[0].title.startswith(
        "the history as to 1000 and 1001 is not linearizable: a node answered "
    )


def test_an_empty_reply_is_refuted_by_values_that_were_there_in_turn() -> None:
    """No value is there all the time, but one after the other is."""
    rows: list[Row] = [(0, 1, Call("enqueue", 1, None))]
    rows.append((2, 40, Call("dequeue", None, None)))
    at = 3
    for number in range(2, 8):
        rows.append((at, at + 1, Call("enqueue", number, None)))
        rows.append((at + 2, at + 3, Call("dequeue", None, number - 1)))
        at += 4
    assert judged(history_of((None, rows)), "queue").validity is Validity.INVALID
    before = [
        (0, 1, Call("enqueue", 1, None)),
        (2, 3, Call("dequeue", None, 1)),
        (50, 51, Call("enqueue", 2, None)),
    ]
    empty = (4, 40, Call("dequeue", None, None))
    assert judged(history_of((None, [*before, empty])), "queue").validity is Validity.VALID


def test_dequeues_of_unknown_outcome_explain_as_many_missing_values_as_there_are() -> None:
    missing = [(2 * n, 2 * n + 1, Call("enqueue", n, None)) for n in range(40)]
    seen = [(200, 201, Call("dequeue", None, 39))]
    takers = [(100 + n, NEVER, Call("dequeue", None, MAYBE)) for n in range(39)]
    assert judged(history_of((None, [*missing, *takers, *seen])), "queue").validity is Validity.VALID
    too_late = (300, NEVER, Call("dequeue", None, MAYBE))
    late = history_of((None, [*missing, *takers[1:], *seen, too_late]))
    assert judged(late, "queue").validity is Validity.INVALID
    verdict = judged(history_of((None, [*missing, *takers[1:], *seen])), "queue")
    assert verdict.validity is Validity.INVALID
    text = verdict.evidence[0].text
    assert "no order also explains this one: operation 118 (dequeue -> 39)." in text
    assert "and 26 more took effect at some later time, or never" in text


@pytest.mark.parametrize("value", [None, 1, [1], "a"])
def test_a_queue_that_is_given_a_value_twice_or_nothing_is_searched(value: Any) -> None:
    rows: list[Row] = [(0, 1, Call("enqueue", value, None)), (2, 3, Call("enqueue", value, None))]
    rows += [(4, 5, Call("dequeue", None, value)), (6, 7, Call("dequeue", None, value))]
    history = history_of((None, rows))
    assert known(history, "queue").left.all()
    verdict = judged(history, "queue")
    assert verdict.validity is Validity.VALID
    assert verdict.measures["keys_decided_without_search"] == 0


def test_values_that_are_equal_are_one_value_and_others_are_not() -> None:
    rows: list[Row] = [(0, 1, Call("enqueue", 1.0, None)), (2, 3, Call("dequeue", None, 1.0))]
    rows += [(4, 5, Call("enqueue", 'a"\n', None)), (6, 7, Call("dequeue", None, 'a"\n'))]
    assert not known(history_of((None, rows)), "queue").impossible.any()
    for other in ("1.0", 1, True):
        rows[1] = (2, 3, Call("dequeue", None, other))
        assert known(history_of((None, rows)), "queue").impossible.all()


def test_two_reads_that_saw_different_elements_first_are_a_conflict_of_these_alone() -> None:
    rows: list[Row] = [(n, 1000 + n, Call("add", n, None)) for n in range(100)]
    rows.append((500, 502, Call("read", None, tuple(range(50)))))
    rows.append((501, 503, Call("read", None, tuple(range(40)))))
    assert judged(history_of((None, rows)), "set").validity is Validity.VALID
    rows[-1] = (501, 503, Call("read", None, (*range(40), 77)))
    verdict = judged(history_of((None, rows)), "set")
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].title.startswith("the history as to ")
    assert "and 77" in verdict.evidence[0].title or "77 and" in verdict.evidence[0].title


def test_what_contains_saw_binds_a_set_that_is_read() -> None:
    """The add takes long; somebody found its element before the read began that shows nothing."""
    rows: list[Row] = [
        (0, 20, Call("add", "a", None)),
        (1, 2, Call("contains", "a", True)),
        (3, 4, Call("read", None, ())),
    ]
    assert judged(history_of((None, rows)), "set").validity is Validity.INVALID
    rows[2] = (3, 4, Call("read", None, ("a",)))
    assert judged(history_of((None, rows)), "set").validity is Validity.VALID
    rows[1] = (5, 6, Call("contains", "a", False))
    assert judged(history_of((None, rows)), "set").validity is Validity.INVALID


def test_a_set_that_is_read_and_shrinks_is_searched() -> None:
    rows: list[Row] = [
        (0, 1, Call("add", "a", None)),
        (2, 3, Call("remove", "a", True)),
        (4, 5, Call("read", None, ())),
    ]
    verdict = judged(history_of((None, rows)), "set")
    assert verdict.validity is Validity.VALID
    assert verdict.measures["keys_decided_without_search"] == 0
    rows[2] = (4, 5, Call("read", None, ("a",)))
    assert judged(history_of((None, rows)), "set").validity is Validity.INVALID


def test_a_read_that_shows_no_list_is_still_refused() -> None:
    rows: list[Row] = [(0, 1, Call("add", "a", None)), (2, 3, Call("read", None, "a"))]
    verdict = judged(history_of((None, rows)), "set")
    assert verdict.validity is Validity.UNKNOWN
    assert "list of elements" in verdict.summary


def test_what_failed_and_what_the_nemesis_did_is_left_out() -> None:
    operations = [
        Operation(index=0, time=0, process=0, type="invoke", f="enqueue", value=1),
        Operation(index=1, time=1, process=0, type="fail", f="enqueue", value=1),
        Operation(index=2, time=2, process=-1, type="invoke", f="kill", value=None),
        Operation(index=3, time=3, process=-1, type="info", f="kill", value=None),
        Operation(index=4, time=4, process=0, type="invoke", f="dequeue", value=None),
        Operation(index=5, time=5, process=0, type="ok", f="dequeue", value=None),
    ]
    distinct = known(History(operations), "queue")
    assert distinct.operations.tolist() == [1]
    assert not distinct.impossible.any()
    assert np.array_equal(distinct.left, [False])
