"""Histories of correct and of broken servers, judged as a user's are, against trying every order.

The servers, their clients and the oracle in `tests.checkers.stores` know nothing of the checkers. A seed
makes a history of at most seven operations: of one data type, by a correct server or one with a fault, with
values that are all different or a few. `CAMPAIGN` seeds are the whole campaign; `SHARE` of them always run.
The campaign also has as many that are drawn when it runs.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from ackproof.judging.checking import Question, answer, judge
from checkers.verdict import Validity
from history.formats import RecordedHistory
from tests.checkers.stores.clients import Event, Load, changed, history_of, recorded
from tests.checkers.stores.data_types import TYPES
from tests.checkers.stores.orders import explained
from tests.checkers.stores.servers import BROKEN, WITHOUT_LEADER, Server

CAMPAIGN = 20_400
"""Of these some 1.5 % have no completed operation and are left out."""
SHARE = 400
INITIAL: dict[str, dict[str, str]] = {
    "register": {"initial": "null"},
    "cas-register": {"initial": "null"},
    "multi-register": {"initial": "null"},
    "kv-append": {"initial": '""'},
    "mutex": {"initial": "false"},
    "fenced-lock": {},
    "set": {"initial": "[]"},
    "queue": {"initial": "[]"},
    "counter": {"initial": "0"},
    "registry": {},
}
"""The options that state what each data type holds at first, where that can be stated."""
CORRECT = "correct"
REPLY_CHANGED = "a reply changed"
SERVERS = BROKEN | WITHOUT_LEADER
FAULTS = [CORRECT, REPLY_CHANGED, *SERVERS]


def short_history(seed: int) -> tuple[str, str, list[Event]]:
    """The data type, the fault, and what the clients recorded."""
    draw = Random(seed)
    name, fault = draw.choice(list(TYPES)), draw.choice(FAULTS)
    load = Load(
        operations=draw.randint(3, 7),
        clients=draw.choice([1, 2, 2, 3, 3, 4]),
        keys=draw.choice([1, 1, 1, 2]),
        unknown=draw.choice([0, 0.1, 0.3]),
        few=draw.choice([None, 2, 3]),
        think=draw.choice([0.5, 4.0]),
    )
    server = SERVERS.get(fault, Server)(TYPES[name], draw, often=0.4)
    events = recorded(server, load, draw)
    if fault == REPLY_CHANGED:
        events = changed(events, TYPES[name], draw)
    return name, fault, events


def judged(seeds: range) -> Counter[tuple[str, str, str]]:
    """By data type, fault and verdict the number of histories; each verdict agrees with every order."""
    found: Counter[tuple[str, str, str]] = Counter()
    for seed in seeds:
        name, fault, events = short_history(seed)
        if not any(event.type == "ok" for event in events):
            continue
        history = history_of(events)
        recording = RecordedHistory(history, range(1, len(history) + 1), f"seed {seed}")
        question = Question(name, options=INITIAL[name])
        verdict = judge(recording, question)
        assert answer(recording, question) is verdict.validity, (seed, name, fault)
        right = explained(TYPES[name], events)
        if verdict.validity is not Validity.UNKNOWN:
            assert (verdict.validity is Validity.VALID) == right, (seed, name, fault, verdict.summary, events)
        found[
            name, fault, verdict.validity.value if verdict.validity is Validity.UNKNOWN else str(right)
        ] += 1
    return found


def test_no_verdict_on_a_short_history_is_wrong() -> None:
    found = judged(range(SHARE))
    assert not any(validity == "unknown" for *_, validity in found)
    assert {name for name, _, right in found if right == "False"} == set(TYPES)
    assert {name for name, fault, _ in found if fault == CORRECT} == set(TYPES)


def test_a_correct_server_is_never_accused_by_the_oracle_either() -> None:
    for seed in range(SHARE):
        name, fault, events = short_history(seed)
        if fault == CORRECT:
            assert explained(TYPES[name], events), seed


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_verdict_on_histories_that_are_drawn_now_is_wrong() -> None:
    first = Random().randrange(1 << 40)
    found = judged(range(first, first + CAMPAIGN))
    assert not any(validity == "unknown" for *_, validity in found), f"seeds from {first} on"


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_verdict_of_the_campaign_is_wrong() -> None:
    found = judged(range(CAMPAIGN))
    assert not any(validity == "unknown" for *_, validity in found)
    for name in TYPES:
        for fault in SERVERS:
            assert found[name, fault, "True"] + found[name, fault, "False"] > 50
