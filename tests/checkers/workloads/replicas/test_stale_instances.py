"""Instances whose lookups may lag: what the writes may have left, and what late lookups then show."""

from __future__ import annotations

from itertools import chain, combinations, permutations
from random import Random

import pytest

from checkers.verdict import Unjudged, Validity, Verdict
from checkers.workloads.client_operations import ClientOperation
from checkers.workloads.replicas.stale_instances import (
    DIVERGED,
    NEVER_REGISTERED,
    OUT_OF_DATE,
    VANISHED,
    InstanceDurability,
    LookupAge,
    instances_of,
)
from history import Recording
from tests.checkers.builders import HistoryBuilder, recording
from tests.marks import first_in_ci

NODES = ("n1", "n2")


def drawn(random: Random) -> HistoryBuilder:
    """A few writes of three clients, each of which may stay unknown, and lookups of what was written."""
    built, pending, number = HistoryBuilder(), dict[int, str | None](), 0
    written: list[str] = []
    for _ in range(random.randrange(4, 16)):
        process = random.randrange(3)
        if process in pending:
            pending.pop(process)
            built.complete(process, random.choice(("ok", "ok", "ok", "fail")))
        elif random.random() < 0.25 and written:
            built.do("lookup", "k", None, random.choice((*written, None)), node="n1")
        elif random.random() < 0.7:
            number += 1
            built.invoke(process, "register", "k", f"r{number}")
            pending[process] = f"r{number}"
        else:
            built.invoke(process, "deregister", "k")
            pending[process] = None
        for op in built.operations[-1:]:
            if op.type == "ok" and op.f == "register":
                written.append(
                    next(o.value for o in reversed(built.operations[:-1]) if o.process == op.process)
                )
    for process in list(pending):
        if random.random() < 0.5:
            built.complete(process, "info")
    return built


def known_by(write: ClientOperation, lookups: tuple[ClientOperation, ...]) -> int:
    """The position by which a write had happened, if it did: of its reply, or of a lookup that showed it."""
    value = write.invocation.value
    shown = [one.until for one in lookups if value is not None and one.reply == value]
    return min([write.until, *shown])


def possible_ends(writes: tuple[ClientOperation, ...], happened_by: dict[int, int]) -> set[str | None]:
    """What any order leaves of the certain writes and any of the others, each at its earliest moment."""
    sure = [one for one in writes if one.outcome == "ok" or happened_by[one.at] < 1 << 60]
    others = [one for one in writes if one not in sure]
    found: set[str | None] = set()
    for some in chain.from_iterable(combinations(others, n) for n in range(len(others) + 1)):
        for order in permutations([*sure, *some]):
            moment = -1
            for one in order:
                moment = max(moment, one.at)
                if moment >= happened_by[one.at]:
                    break
            else:
                last = order[-1] if order else None
                found.add(None if last is None or last.invocation.f != "register" else last.invocation.value)
    return found


@pytest.mark.parametrize("seed", [0, 1, *first_in_ci(range(2, 30), 3)])
def test_what_the_writes_may_have_left_is_what_some_order_of_them_leaves(seed: int) -> None:
    random = Random(seed)
    tried = 0
    for _ in range(150):
        run = Recording(NODES, drawn(random).history())
        for calls in instances_of(run, "test"):
            shown = {one.reply for one in calls.lookups} - {None}
            if len(calls.writes) > 6 or not shown <= set(calls.registered):
                continue
            tried += 1
            by = {one.at: known_by(one, calls.lookups) for one in calls.writes}
            ends = possible_ends(calls.writes, by)
            assert not ends or calls.left == ends, (seed, list(run.history))
    assert tried > 100


class Run:
    """A run with its final heal at some second, and lookups before and after."""

    def __init__(self) -> None:
        self.built = HistoryBuilder()

    def register(self, value: str, kind: str = "ok") -> Run:
        self.built.do("register", "k", value, value, kind)
        return self

    def deregister(self, kind: str = "ok") -> Run:
        self.built.do("deregister", "k", None, None, kind)
        return self

    def heal(self) -> Run:
        self.built.nemesis("final-heal", {"actions": []})
        return self

    def wait(self, seconds: float) -> Run:
        self.built.wait(round(1000 * seconds))
        return self

    def lookup(self, *shown: str | None) -> Run:
        for node, value in zip(NODES, shown, strict=True):
            self.built.do("lookup", "k", None, value, node=node)
        return self

    def late(self, *shown: str | None) -> Run:
        return self.wait(6).lookup(*shown).wait(6).lookup(*shown)

    def check(self, **options: float) -> Verdict:
        return InstanceDurability().check(recording(self.built, nodes=NODES, options=options))


def kinds(run: Run) -> list[str]:
    return list(dict.fromkeys(one.kind for one in run.check().evidence))


def test_what_is_registered_and_stays_on_every_node_is_valid() -> None:
    assert Run().register("a").heal().lookup(None, None).late("a", "a").check().validity is Validity.VALID


def test_a_registration_that_is_gone_without_a_deregister_has_vanished() -> None:
    assert kinds(Run().register("a").heal().late("a", None)) == [VANISHED]
    gone = Run().register("a").heal().wait(6).lookup("a", "a").wait(6).lookup("a", None)
    assert kinds(gone) == [VANISHED]
    assert Run().register("a").deregister("info").heal().late("a", "a").check().validity is Validity.VALID


def test_a_node_that_still_shows_what_was_replaced_or_removed_is_out_of_date() -> None:
    assert kinds(Run().register("a").register("b").heal().late("b", "a")) == [OUT_OF_DATE]
    assert kinds(Run().register("a").deregister().heal().late(None, "a")) == [OUT_OF_DATE]


def test_a_registration_of_unknown_outcome_that_was_shown_cannot_follow_what_began_after_that() -> None:
    run = Run().register("a", "info").lookup("a", "a").register("b").heal().late("b", "a")
    assert kinds(run) == [OUT_OF_DATE]


def test_two_nodes_that_stay_different_are_found_though_each_may_be_right() -> None:
    assert kinds(Run().register("a").register("b", "info").heal().late("a", "b")) == [DIVERGED]


def test_what_failed_or_was_never_registered_must_not_be_shown() -> None:
    assert kinds(Run().register("a").lookup("x", "a").heal().late("a", "a")) == [NEVER_REGISTERED]
    failed = Run().register("a").register("b", "fail").lookup("b", "a").heal().late("a", "a")
    assert kinds(failed) == [NEVER_REGISTERED]


def test_without_two_late_lookups_of_each_node_nothing_is_known() -> None:
    assert Run().register("a").heal().lookup("a", "a").check().mark is Validity.UNKNOWN
    assert Run().register("a").heal().wait(6).lookup("a", "a").check().mark is Validity.UNKNOWN
    assert Run().register("a").late("a", "a").check().mark is Validity.UNKNOWN, "no final heal"
    assert Run().register("a", "info").heal().late(None, None).check().mark is Unjudged.NOT_EXERCISED


def test_what_a_system_needs_to_settle_is_not_held_against_it() -> None:
    behind = Run().register("a").heal().wait(20).lookup("a", None).wait(30).lookup("a", "a")
    assert behind.check().validity is Validity.INVALID
    assert behind.check(settle_bound_s=40).mark is Validity.UNKNOWN, "one late lookup of each node"
    late = behind.wait(50).lookup("a", "a")
    assert late.check(settle_bound_s=40).validity is Validity.VALID
    gone = Run().register("a").heal().wait(50).lookup("a", None).wait(50).lookup("a", None)
    verdict = gone.check(settle_bound_s=40)
    assert verdict.validity is Validity.INVALID
    assert "more than 40 s after" in verdict.summary
    shorter = Run().register("a").heal().wait(3).lookup("a", None).late("a", "a")
    assert shorter.check(settle_bound_s=1).validity is Validity.VALID, "the checker's own bound is longer"


def test_the_age_of_a_lookup_is_counted_from_when_the_change_was_acknowledged() -> None:
    run = Run().register("a").register("b").wait(2).lookup("a", "b").wait(1).lookup(None, "b")
    verdict = LookupAge().check(recording(run.built, nodes=NODES))
    assert verdict.mark is Unjudged.ONLY_MEASURES
    assert 3000 < verdict.measures["oldest_ms_by_node"]["n1"] < 3100
    assert verdict.measures["oldest_ms_by_node"]["n2"] == 0
    assert verdict.measures["behind"] == 2
