"""Texts of which each part was written once are decided without a search, and none of them wrongly."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from checkers.linearizability.answer import Answer, Budget
from checkers.linearizability.by_model import QUICK_CONFIGURATIONS, LinearizabilityOf, confirmed
from checkers.linearizability.by_rule import text_order
from checkers.linearizability.by_rule.deciding import by_texts
from checkers.linearizability.engine import Engine
from checkers.linearizability.never_written import NeverWritten, never_written
from checkers.linearizability.part import Part, parts
from checkers.models import MODELS
from checkers.verdict import Validity
from history import Recording
from tests.checkers.stores.clients import Event, Load, changed, history_of, recorded
from tests.checkers.stores.data_types import TYPES
from tests.checkers.stores.orders import explained
from tests.checkers.stores.servers import BROKEN, Server

MODEL, TEXTS = MODELS["kv-append"], TYPES["kv-append"]
SHARE, CAMPAIGN = 300, 20_000
FIRST_SEED = 4_021_880_000


def short_history(seed: int) -> list[Event]:
    """What clients of a correct or broken store of one text recorded; most write each text once."""
    draw = Random(seed)
    load = Load(
        operations=draw.randint(3, 7),
        clients=draw.choice([1, 2, 2, 3, 3, 4]),
        unknown=draw.choice([0, 0.1, 0.3]),
        few=draw.choice([None, None, None, 2, 3]),
        think=draw.choice([0.5, 4.0]),
    )
    fault = draw.choice(["correct", "a reply changed", *BROKEN])
    events = recorded(BROKEN.get(fault, Server)(TEXTS, draw, often=0.4), load, draw)
    return changed(events, TEXTS, draw) if fault == "a reply changed" else events


def is_last_of_its_contradiction(part: Part, wrong: NeverWritten, events: list[Event]) -> bool:
    """Whether what was recorded up to the reply that is named contradicts it by itself."""
    until = int(part.completed[wrong.place]) + 1
    fails_later = any(event.type == "fail" for event in events[until:])
    return all(number < until for number in wrong.others) and (
        fails_later or not explained(TEXTS, events[:until])
    )


def may_have_appended(events: list[Event]) -> bool:
    """Whether some append did not certainly fail: without one, a text is a register, left to the search."""
    pending: dict[int, str] = {}
    for event in events:
        if event.type == "invoke":
            pending[event.process] = event.f
        elif pending.pop(event.process) == "append" and event.type != "fail":
            return True
    return "append" in pending.values()


def decided(seeds: range) -> tuple[int, int]:
    """How many histories are found to have an order, and to have none. Where all texts differ, all are."""
    valid = invalid = 0
    for seed in seeds:
        events = short_history(seed)
        found = parts(history_of(events))
        if not len(found):
            continue
        has_order = explained(TEXTS, events)
        wrong, order = never_written(found, MODEL).get(0), by_texts(MODEL, found[0])
        contradicts = wrong is not None
        if wrong is not None:
            assert is_last_of_its_contradiction(found[0], wrong, events), (seed, events)
        assert not (contradicts and has_order), (seed, events)
        assert order is None or has_order, (seed, events)
        written = [event.value for event in events if event.type == "invoke" and event.f != "get"]
        if len({*written}) == len(written) and may_have_appended(events):
            assert contradicts or order is not None, (seed, events)
        valid, invalid = valid + (order is not None), invalid + contradicts
    return valid, invalid


def test_what_is_decided_without_a_search_agrees_with_every_order() -> None:
    valid, invalid = decided(range(FIRST_SEED, FIRST_SEED + SHARE))
    assert valid > SHARE // 4
    assert invalid > SHARE // 10


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_short_history_of_the_campaign_is_decided_wrongly() -> None:
    valid, invalid = decided(range(FIRST_SEED, FIRST_SEED + CAMPAIGN))
    assert valid > CAMPAIGN // 4
    assert invalid > CAMPAIGN // 10


W, A = "put", "append"


def history(*lines: tuple[int, str, Any] | tuple[int, str]) -> list[Event]:
    """Events of clients: `(client, f, argument)` begins an operation, `(client, reply)` ends it."""
    pending: dict[int, str] = {}
    events = []
    for client, what, *argument in lines:
        if argument:
            pending[client] = what
            events.append(Event(client, "invoke", what, None, argument[0]))
        else:
            events.append(Event(client, "ok", pending[client], None, what))
    return events


WRONG = [
    (
        "where operation 2 shows something else",
        history((0, A, "a"), (1, A, "b"), (2, "get", None), (2, "a"), (2, "get", None), (2, "b")),
    ),
    (
        "where operation 3 shows something else",
        history(
            (0, W, "a"), (1, A, "b"), (2, A, "c"), (3, "get", None), (4, "get", None), (3, "ab"), (4, "ac")
        ),
    ),
    (
        "after what operation 2 wrote, but operation 0 wrote it",  # b was answered before that of a began
        history((0, A, "b"), (0, "b"), (0, A, "a"), (1, "get", None), (1, "ab"), (0, "a")),
    ),
    (
        "shows less than operation 2, which had ended before",  # a reply shows a after another has shown ab
        history((0, A, "a"), (1, A, "b"), (2, "get", None), (2, "ab"), (2, "get", None), (2, "a")),
    ),
    (
        "after what operation 4 wrote, but operation 2 wrote it",  # the same, after a reply that shows less
        history(
            *((2, "get", None), (2, ""), (0, A, "b"), (0, "b"), (0, A, "a"), (1, "get", None), (1, "ab")),
            *((1, "get", None), (1, "ab")),
        ),
    ),
    (
        "does not show",  # a reply lacks b, which had ended, and which another one shows after a
        history(
            *((0, A, "a"), (1, A, "b"), (1, "b"), (2, "get", None), (3, "get", None)),
            *((3, "ab"), (2, "ab"), (2, "get", None), (2, "a")),
        ),
    ),
    (
        "after what operation 3 showed, but operation 1 wrote it",  # the same, and the long text comes later
        history(
            *((0, A, "a"), (1, A, "b"), (1, "b"), (2, "get", None), (2, "a"), (2, "get", None), (2, "ab")),
        ),
    ),
    (
        "no other write came before its own beginning",  # an acknowledged append is lost
        history((0, A, "a"), (0, "a"), (0, A, "b"), (0, "b"), (1, "get", None), (1, "b")),
    ),
    (
        "no other write came between the end of operation 0 and",  # the same after a put
        history((0, W, "a"), (0, "a"), (0, A, "c"), (0, "c"), (1, A, "b"), (2, "get", None), (2, "ab")),
    ),
    (
        "which belong together, did",  # b lasts while a does
        history(
            *((4, A, "z"),),
            *((0, W, "a"), (1, W, "b"), (3, "get", None), (3, "a"), (3, "get", None), (3, "b")),
            *((3, "get", None), (3, "a"), (3, "get", None), (3, "b")),
        ),
    ),
    (
        "which belong together, did",  # two puts, each of which is shown before and after the other
        history(
            *((0, W, "a"), (1, W, "b"), (2, A, "c"), (3, "get", None), (3, "a"), (3, "get", None), (3, "b")),
            *((3, "get", None), (3, "ac")),
        ),
    ),
]


@pytest.mark.parametrize(("words", "events"), WRONG)
def test_each_contradiction_is_found_and_named(words: str, events: list[Event]) -> None:
    assert not explained(TEXTS, events)
    part = parts(history_of(events))[0]
    found = never_written(parts(history_of(events)), MODEL)
    assert words in found[0].because
    assert is_last_of_its_contradiction(part, found[0], events)
    assert by_texts(MODEL, parts(history_of(events))[0]) is None


def test_the_first_reply_that_shows_a_contradiction_is_named() -> None:
    events = history(
        *((0, A, "b"), (0, "b"), (0, A, "a"), (2, "get", None), (2, "ab"), (2, "get", None), (2, "ab")),
    )
    assert never_written(parts(history_of(events)), MODEL)[0].place == 2


RIGHT = [
    # what is written twice may stand twice, and after anything
    history((0, A, "a"), (0, "a"), (1, A, "a"), (2, "get", None), (2, "aa"), (2, "get", None), (2, "aa")),
    # one text is composed in two ways
    history(
        (0, A, "ab"), (1, A, "a"), (2, A, "b"), (3, "get", None), (3, "ab"), (3, "get", None), (3, "aba")
    ),
    # what was put away is not shown
    history((0, A, "a"), (0, "a"), (0, W, "b"), (0, "b"), (0, "get", None), (0, "b")),
    # an append that no reply shows comes before a put that had begun
    history((0, W, "b"), (1, A, "a"), (1, "a"), (2, "get", None), (2, "b"), (0, "b")),
    # a write of unknown outcome may never happen
    history((0, A, "a"), (1, A, "b"), (1, "b"), (1, "get", None), (1, "b")),
    # nothing is put in place of everything
    history((0, A, "a"), (0, "a"), (0, W, ""), (0, ""), (0, "get", None), (0, "")),
]


@pytest.mark.parametrize("events", RIGHT)
def test_what_has_an_order_is_not_accused(events: list[Event]) -> None:
    assert explained(TEXTS, events)
    assert not never_written(parts(history_of(events)), MODEL)


def test_a_long_history_of_many_clients_needs_no_search() -> None:
    """The kind of history whose search gave up: 50 clients, one key, a tenth of unknown outcome."""
    few = Budget(configurations=1000)
    load = Load(operations=200, clients=50, unknown=0.1)
    for seed, right in enumerate((Validity.VALID, Validity.INVALID)):
        draw = Random(seed)
        events = recorded(Server(TEXTS, draw), load, draw)
        if right is Validity.INVALID:
            events = changed(events, TEXTS, draw)
        recording = Recording(nodes=(), history=history_of(events))
        assert LinearizabilityOf(MODEL, few).answer(recording) is right
        assert LinearizabilityOf(MODEL, few).judge(recording).validity is right
        verdict = LinearizabilityOf(MODEL).judge(recording)
        assert verdict.measures["most_configurations_for_a_key"] < QUICK_CONFIGURATIONS


OVERLAP = history((0, A, "a"), (1, A, "b"), (0, "a"), (1, "b"), (0, "get", None), (0, "ab"))


def test_an_order_is_put_together() -> None:
    found = by_texts(MODEL, parts(history_of(OVERLAP))[0])
    assert found is not None
    assert found.answer is Answer.LINEARIZABLE
    assert list(found.order) == [0, 1, 2]


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 0, 1], [0, 2], [0, 1]])
def test_an_order_that_is_wrong_does_not_count(order: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The replies are not those of this order, or time is not, or an operation with a reply is missing."""
    monkeypatch.setattr(text_order, "ordered", lambda texts: order)
    assert by_texts(MODEL, parts(history_of(OVERLAP))[0]) is None


def test_it_is_asked_before_a_search_that_takes_long() -> None:
    draw = Random(0)
    events = recorded(Server(TEXTS, draw), Load(operations=200, clients=50, unknown=0.1), draw)
    found = parts(history_of(events))
    engine = Engine(MODEL)
    result = confirmed(engine, found[0], Budget())
    assert result.answer is Answer.LINEARIZABLE
    assert result.configurations == 0  # no search found it
