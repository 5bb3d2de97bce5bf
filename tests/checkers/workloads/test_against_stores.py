"""Judges with rules of their own, on histories of correct and of broken servers, against trying every order.

Where some order of all operations explains every reply, no judge may say `invalid`. For three judges
an oracle also says when they must: `unique-ids` by comparing ids, `interval-counter` by the sums of what may
have been added, `set-full` (with `linearizable`) by every order of the operations on one element. The
servers, clients and orders know nothing of the judges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from checkers.judges import judge_named
from checkers.verdict import Validity
from history import Recording
from tests.checkers.stores.clients import Event, Load, history_of, recorded
from tests.checkers.stores.data_types import Members
from tests.checkers.stores.orders import FOREVER, Done, by_key, explained, some_order
from tests.checkers.stores.servers import BROKEN, Server
from tests.checkers.stores.workload_types import WORKLOADS

CAMPAIGN = 20_000
SHARE = 400
OPTIONS: dict[str, dict[str, str]] = {
    "set-full": {"linearizable": "true"},
    "total-queue": {"exactly-once": "true"},
    "bank": {"total": "12"},
}


def short_history(seed: int) -> tuple[str, str, list[Event]]:
    """The workload, the fault, and what the clients recorded."""
    draw = Random(seed)
    name, fault = draw.choice(list(WORKLOADS)), draw.choice(["correct", *BROKEN])
    load = Load(
        operations=draw.randint(3, 7),
        clients=draw.choice([1, 2, 3, 4]),
        unknown=draw.choice([0, 0.1, 0.3]),
        think=draw.choice([0.5, 4.0]),
    )
    return name, fault, recorded(BROKEN.get(fault, Server)(WORKLOADS[name], draw, often=0.4), load, draw)


def ids_are_unique(operations: list[Done]) -> bool:
    given = [one.reply for one in operations if one.ended < FOREVER]
    return len(given) == len(set(given))


def each_read_is_within_bounds(operations: list[Done]) -> bool:
    """Whether each read lies between the sums of the least and of the most that may have been added."""
    adds = [one for one in operations if one.f == "add"]
    for read in operations:
        if read.f == "read" and read.ended < FOREVER:
            certain = sum(one.value for one in adds if one.ended < read.begun)
            maybe = [one.value for one in adds if one.ended > read.begun and one.begun < read.ended]
            least, most = (certain + sum(bound(0, value) for value in maybe) for bound in (min, max))
            if not least <= read.reply <= most:
                return False
    return True


def each_element_is_explained(operations: list[Done]) -> bool:
    elements = {one.value for one in operations if one.f == "add"}
    for one in operations:
        if one.f == "read" and one.ended < FOREVER:
            elements |= set(one.reply)
            if len(set(one.reply)) < len(one.reply):
                return False
    return all(
        some_order(Members(), frozenset(), [_of(one, element) for one in operations if _about(one, element)])
        for element in elements
    )


def _about(one: Done, element: Any) -> bool:
    return one.value == element or (one.f == "read" and one.ended < FOREVER)


def _of(one: Done, element: Any) -> Done:
    if one.f == "read":
        return one._replace(reply=tuple(shown for shown in one.reply if shown == element))
    return one._replace(reply=True) if one.ended < FOREVER else one


EXACT: dict[str, Callable[[list[Done]], bool]] = {
    "unique-ids": ids_are_unique,
    "interval-counter": each_read_is_within_bounds,
    "set-full": each_element_is_explained,
}


def judged(seeds: range) -> Counter[tuple[str, str]]:
    """By workload and verdict the number of histories; no verdict contradicts an oracle."""
    found: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        name, fault, events = short_history(seed)
        judge = judge_named(name, OPTIONS.get(name, {}))
        verdict = judge.judge(Recording(nodes=(), history=history_of(events)))
        context = (seed, name, fault, verdict.summary, events)
        if verdict.validity is Validity.INVALID:
            assert not explained(WORKLOADS[name], events), context
        if name in EXACT and not all(map(EXACT[name], by_key(events).values())):
            assert verdict.validity is Validity.INVALID, context
        elif name in EXACT:
            assert verdict.validity is not Validity.INVALID, context
        found[name, verdict.validity.value] += 1
    return found


def test_no_judge_contradicts_every_order() -> None:
    found = judged(range(SHARE))
    assert {name for name, validity in found if validity == "invalid"} == set(WORKLOADS)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_judge_contradicts_every_order_in_the_campaign() -> None:
    found = judged(range(CAMPAIGN))
    for name in WORKLOADS:
        assert found[name, "invalid"] > 50
