"""Sets that are read whole are decided by the moments of their reads, and none of them wrongly."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from checkers.certificates.linearizability import certificate_of
from checkers.linearizability.answer import Answer, Budget
from checkers.linearizability.by_model import LinearizabilityOf, confirmed
from checkers.linearizability.by_rule import set_reads
from checkers.linearizability.by_rule.deciding import Refuted, by_rule, follows_time, replays
from checkers.linearizability.by_rule.set_reads import decided
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import parts
from checkers.models.set import Set
from checkers.verdict import Validity
from checkers.verification.certificate import Claim, ClosedPart
from checkers.verification.recheck import recheck_linearizability
from history import History, Recording
from tests.checkers.stores.clients import Event, Load, changed, history_of, recorded
from tests.checkers.stores.data_types import UNKNOWN, Members, State
from tests.checkers.stores.orders import explained
from tests.checkers.stores.servers import BROKEN, Server

MODEL = Set()
SHARE, CAMPAIGN = 300, 20_000
FIRST_SEED = 4_377_210_000


class MembersThatMaySayNothing(Members):
    """The same, whose additions and removals may reply neither true nor false, which claims nothing."""

    def after(self, state: State, f: str, value: Any, reply: Any) -> list[State]:
        if f in ("add", "remove") and reply is not UNKNOWN and not isinstance(reply, bool):
            return [self.apply(state, f, value)[0]]
        return super().after(state, f, value, reply)


def arbitrary(draw: Random) -> list[Event]:
    """Operations of any times, whose replies are any."""
    count, elements = draw.randint(3, 7), draw.choice([2, 2, 3])
    kinds = draw.choice([("read", "add"), ("read", "read", "add", "add", "remove", "contains")])
    ends = list(range(2 * count))
    draw.shuffle(ends)
    events: dict[int, Event] = {}
    for process in range(count):
        f = draw.choice(kinds)
        value = None if f == "read" else draw.randint(1, elements)
        reply: Any = value
        if f == "read":
            reply = tuple(one for one in range(1, elements + 1) if draw.random() < 0.5)
        elif f == "contains" or (len(kinds) > 2 and draw.random() < 0.3):
            reply = draw.random() < 0.5
        known = "ok" if draw.random() < 0.9 else "info"
        begun, ended = sorted(ends[2 * process : 2 * process + 2])
        events[begun] = Event(process, "invoke", f, None, value)
        events[ended] = Event(process, known, f, None, reply if known == "ok" else None)
    return [events[place] for place in range(2 * count)]


def short_history(seed: int) -> tuple[Members, list[Event]]:
    """What clients of a correct or broken store of one set recorded, or an arbitrary history."""
    draw = Random(seed)
    data_type = Members(whole=draw.choice([0.2, 0.3]))
    if draw.random() < 0.4:
        return MembersThatMaySayNothing(), arbitrary(draw)
    load = Load(
        operations=draw.randint(3, 8),
        clients=draw.choice([1, 2, 3, 4, 5, 5]),
        unknown=draw.choice([0, 0.1, 0.3]),
        few=draw.choice([None, 1, 2, 3]),
        think=draw.choice([0.5, 4.0]),
    )
    fault = draw.choice(["correct", "a reply changed", *BROKEN])
    events = recorded(BROKEN.get(fault, Server)(data_type, draw, often=0.4), load, draw)
    return data_type, changed(events, data_type, draw) if fault == "a reply changed" else events


def always() -> bool:
    return True


def agreeing(seeds: range) -> tuple[int, int, int]:
    """How many have an order, and none, and none although each element by itself has one."""
    valid = invalid = together = 0
    for seed in seeds:
        data_type, events = short_history(seed)
        for part in parts(history_of(events)):
            found = decided(MODEL, part, always)
            assert found is not None, seed
            assert (found.order is not None) == explained(data_type, events), (seed, events)
            if found.order is not None:
                assert follows_time(part, found.order), (seed, events)
                assert replays(MODEL, part, found.order), (seed, events)
                valid += 1
                continue
            invalid += 1
            refuted = by_rule(MODEL, part, Budget())
            assert isinstance(refuted, Refuted)
            few = refuted.fewest()
            assert Engine(MODEL, exact=True).decide(few.part).answer is Answer.NOT_LINEARIZABLE, seed
            together += len(few.elements) > 1
    return valid, invalid, together


def test_what_is_decided_agrees_with_every_order() -> None:
    valid, invalid, together = agreeing(range(FIRST_SEED, FIRST_SEED + SHARE))
    assert valid > SHARE // 2
    assert invalid > SHARE // 10
    assert together > 0


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_no_short_history_of_the_campaign_is_decided_wrongly() -> None:
    valid, invalid, together = agreeing(range(FIRST_SEED + SHARE, FIRST_SEED + SHARE + CAMPAIGN))
    assert valid > CAMPAIGN // 2
    assert invalid > CAMPAIGN // 10
    assert together > CAMPAIGN // 400


A, R = "add", "read"


def history(*lines: tuple[int, str, Any] | tuple[int, Any]) -> History:
    """`(client, f, argument)` begins an operation, `(client, reply)` ends it."""
    pending: dict[int, str] = {}
    events = []
    for client, *what in lines:
        if len(what) == 2:
            pending[client] = what[0]
            events.append(Event(client, "invoke", what[0], None, what[1]))
        else:
            events.append(Event(client, "ok", pending[client], None, what[0]))
    return history_of(events)


APART = (
    *((0, A, 1), (1, A, 2), (2, R, None), (3, R, None)),
    *((2, (1,)), (3, (2,)), (0, True), (1, True)),
)
"""Each element by itself has an order, and two reads show first the one, then the other."""


def halves(*, overlap: bool) -> History:
    """60 additions at once; one read shows every second element, another one the others, or all."""
    added = range(1, 61)
    even, odd = tuple(added[1::2]), tuple(added[::2])
    return history(
        *((client, A, client) for client in added),
        *((61, R, None), (62, R, None), (61, even), (62, (*even, *odd) if overlap else odd)),
        *((client, True) for client in added),
    )


@pytest.mark.parametrize("overlap", [True, False])
def test_a_set_that_a_search_gives_up_is_decided(overlap: bool) -> None:
    recording = Recording(nodes=(), history=halves(overlap=overlap))
    few = LinearizabilityOf(MODEL, Budget(configurations=5000))
    verdict = few.judge(recording)
    assert verdict.validity is (Validity.VALID if overlap else Validity.INVALID)
    assert verdict.validity is few.answer(recording)
    certificate = certificate_of(recording.history, MODEL, few.budget, name="set", options={})
    assert certificate.claim is (Claim.VALID if overlap else Claim.INVALID)
    recheck_linearizability(recording.history, MODEL, certificate)
    if not overlap:
        (evidence,) = verdict.evidence
        assert evidence.operations == (60, 61)  # the two reads
        assert "as to 1 and 2 is not linearizable" in evidence.title


def test_a_long_set_of_a_correct_server_is_decided() -> None:
    for seed in range(3):
        draw = Random(seed)
        members = Members(whole=0.05)
        events = recorded(Server(members, draw), Load(operations=300, clients=50, unknown=0.1), draw)
        for part in parts(history_of(events)):
            found = decided(MODEL, part, always)
            assert found is not None
            assert found.order is not None
            assert follows_time(part, found.order)
            assert replays(MODEL, part, found.order)


def without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every first search give up, so that the rule is asked."""
    monkeypatch.setattr("checkers.linearizability.by_model.AT_FIRST", 1)
    monkeypatch.setattr("checkers.linearizability.by_model.AT_FIRST_AN_OPERATION", 0)


def test_the_evidence_names_the_elements_that_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_search(monkeypatch)
    around = [(4, A, 3), (5, A, 4), (6, "remove", 4)], [(4, True), (5, True), (6, True)]
    recording = Recording(nodes=(), history=history(*around[0], *APART, *around[1]))
    verdict = LinearizabilityOf(MODEL).judge(recording)
    assert verdict.validity is Validity.INVALID
    (evidence,) = verdict.evidence
    assert "as to 1 and 2 is not linearizable" in evidence.title
    assert {5, 6} <= {*evidence.operations}  # both reads


def test_a_refutation_has_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_search(monkeypatch)
    around = [(4, A, 3), (5, A, 4), (6, "remove", 4)], [(4, True), (5, True), (6, True)]
    recorded_ = history(*around[0], *APART, *around[1])
    certificate = certificate_of(recorded_, MODEL, Budget(), name="set", options={})
    assert certificate.claim is Claim.INVALID
    (proof,) = certificate.proofs
    assert isinstance(proof, ClosedPart)
    assert proof.values == ("1", "2")
    recheck_linearizability(recorded_, MODEL, certificate)


def test_an_order_has_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    without_a_search(monkeypatch)
    recorded_ = history(*APART[:4], (2, (1,)), (3, (1, 2)), (0, True), (1, True))
    engine = Engine(MODEL)
    assert confirmed(engine, parts(recorded_)[0], Budget()).configurations == 0  # the rule's order
    certificate = certificate_of(recorded_, MODEL, Budget(), name="set", options={})
    assert certificate.claim is Claim.VALID
    recheck_linearizability(recorded_, MODEL, certificate)


@pytest.mark.parametrize("limit", ["MOST_ASKED", "MOST_CHOICES"])
def test_what_takes_too_long_is_left_open(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_reads, limit, 1)
    part = parts(history(*APART))[0]
    assert decided(MODEL, part, always) is None
    assert by_rule(MODEL, part, Budget()) is None


def test_a_time_that_is_over_leaves_it_open() -> None:
    part = parts(history(*APART))[0]
    assert by_rule(MODEL, part, Budget(time_is_up=lambda: True)) is None


def test_an_element_with_too_many_configurations_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkers.linearizability.by_rule.set_element.MOST_CONFIGURATIONS", 1)
    assert decided(MODEL, parts(history(*APART))[0], always) is None


def test_what_a_set_holds_at_first_counts() -> None:
    part = parts(history((0, R, None), (0, (7,)), (0, "remove", 7), (0, True), (0, R, None), (0, ())))[0]
    found = decided(Set(frozenset({7})), part, always)
    assert found is not None
    assert found.order == [0, 1, 2]
    refuted = by_rule(MODEL, part, Budget())
    assert isinstance(refuted, Refuted)
    assert refuted.elements == {7}


def test_a_contradiction_of_a_set_that_held_something_keeps_what_it_held() -> None:
    part = parts(history((0, R, None), (0, (7, 1)), (1, A, 2), (1, True)))[0]
    refuted = by_rule(Set(frozenset({7})), part, Budget())
    assert isinstance(refuted, Refuted)
    few = refuted.fewest()
    assert few.elements == {1}
    assert [call.result for call in few.part.calls] == [(7, 1)]
    assert Engine(Set(frozenset({7})), exact=True).decide(few.part).answer is Answer.NOT_LINEARIZABLE
