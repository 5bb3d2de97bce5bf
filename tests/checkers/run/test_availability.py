"""Availability: the longest time in which somebody asked and nobody was answered, against the definition."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import msgspec
import numpy as np
import pytest

from checkers.run.availability import Availability, longest
from checkers.verdict import Unjudged, Validity, Verdict
from history import History
from history.units import MILLISECOND_NS, SECOND_NS
from tests.checkers.builders import HistoryBuilder, recording

A = "svc/10.0.0.1:80"


def random_history(random: Random, steps: int) -> History:
    built = HistoryBuilder()
    pending: set[int] = set()
    fresh = 10
    for _ in range(steps):
        built.wait(random.randrange(20))
        process = random.randrange(3)
        if process in pending:
            pending.discard(process)
            built.complete(process, random.choice(["ok", "fail"]), None)
        elif random.random() < 0.2:
            fresh += 1
            built.invoke(fresh, "lookup", A, node="n1")  # never completed
        else:
            pending.add(process)
            built.invoke(process, "lookup", A, node="n1")
    return built.history()


def by_definition(history: History) -> int:
    """Nanoseconds of the longest stretch between two replies that overlaps a question asked in vain."""
    asked = [op for op in history if op.type == "invoke"]
    ends = {op.index: history.completion(op) for op in asked}
    ok = [end.index for end in ends.values() if end is not None and end.type == "ok"]
    marks = sorted({asked[0].index, *ok, len(history) - 1})
    vain = [op for op in asked if (end := ends[op.index]) is None or end.type != "ok"]
    best = 0
    for begin, mark in pairwise(marks):
        for op in vain:
            closed = ends[op.index]
            until = len(history) - 1 if closed is None else closed.index
            if op.index < mark and until > begin:
                best = max(best, history[mark].time - history[begin].time)
    return best


def test_the_longest_stretch_is_what_the_definition_says() -> None:
    some = 0
    for seed in range(2000):
        history = random_history(Random(seed), 16)
        begun = np.array([op.index for op in history if op.type == "invoke"])
        stretch = longest(history, begun)
        assert stretch is not None
        assert stretch.nanoseconds == by_definition(history), seed
        some += stretch.nanoseconds > 0
    assert some > 1000


def check(built: HistoryBuilder, **options: object) -> Verdict:
    return Availability().check(recording(built, options=options))


def outage() -> HistoryBuilder:
    """n1 answers, is killed, answers nothing for 100 ms, and answers again; n2 answers all the while."""
    built = HistoryBuilder()
    built.do("register", A, "a1", "a1", node="n1")
    built.nemesis("kill")
    built.do("lookup", A, None, None, "fail", node="n1")
    built.wait(47)
    built.do("lookup", A, None, "a1", node="n2")
    built.wait(47)
    built.nemesis("start")
    built.do("register", A, "a2", "a2", node="n1")
    return built


def test_a_node_may_be_unavailable_while_the_system_is_not_for_so_long() -> None:
    verdict = check(outage())
    assert verdict.mark is Unjudged.ONLY_MEASURES
    by_node = verdict.measures["by_node"]
    assert by_node["n2"]["longest_unavailable_s"] == 0
    assert by_node["n1"]["longest_unavailable_s"] > verdict.measures["overall"]["longest_unavailable_s"] > 0
    assert by_node["n1"]["asked"] == 3


def test_the_time_to_recover_counts_from_each_fault_and_each_heal() -> None:
    kill, start = check(outage()).measures["recoveries"]
    assert (kill["f"], kill["heals"], start["f"], start["heals"]) == ("kill", False, "start", True)
    assert kill["first_ok_s"] < kill["first_ok_write_s"]
    assert start["first_ok_write_s"] == 2 * MILLISECOND_NS / SECOND_NS


def test_silence_without_a_question_is_no_outage() -> None:
    built = HistoryBuilder()
    built.do("lookup", A, None, None)
    built.wait(10_000)
    built.do("lookup", A, None, None)
    assert check(built).measures["overall"]["longest_unavailable_s"] == 0


def test_a_stated_bound_is_judged() -> None:
    assert check(outage(), unavailable_bound_s=1).validity is Validity.VALID
    verdict = check(outage(), unavailable_bound_s=0.01)
    assert verdict.validity is Validity.INVALID
    assert len(verdict.evidence[0].operations) == 2


def test_nobody_asked_so_nothing_is_known() -> None:
    assert check(HistoryBuilder()).validity is Validity.UNKNOWN


def share_verdict(least: float, outcomes: str, lag: Sequence[tuple[int, int]] = ()) -> Verdict:
    """The verdict on requests that each took 10 ms and ended so: ok, fail, or ? for info."""
    built = HistoryBuilder()
    for process, outcome in enumerate(outcomes):
        built.invoke(process, "lookup", A, node="n1")
        built.wait(10)
        built.complete(process, {"o": "ok", "f": "fail", "?": "info"}[outcome], None)
    options = {"least_ok_share": least, "monotonic_start_ns": 1 if lag else 0}
    return Availability().check(
        msgspec.structs.replace(recording(built, options=options), harness_lag=tuple(lag))
    )


@pytest.mark.parametrize(
    ("least", "outcomes", "validity"),
    [
        (1.0, "oooo", Validity.VALID),
        (1.0, "ooof", Validity.INVALID),
        (0.75, "ooof", Validity.VALID),
        (0.76, "ooof", Validity.INVALID),
        (0.75, "oo?f", Validity.INVALID),
        (0.0, "f", Validity.VALID),
    ],
)
def test_a_stated_share_of_requests_must_get_an_ok_reply(
    least: float, outcomes: str, validity: Validity
) -> None:
    verdict = share_verdict(least, outcomes)
    assert verdict.mark is validity, verdict
    answered = outcomes.count("o")
    assert f"{answered} of {len(outcomes)} requests got an ok reply" in verdict.summary


def test_a_request_in_which_the_harness_stalled_accuses_nobody() -> None:
    quiet = [(at * 5 * MILLISECOND_NS, 0) for at in range(200)]
    assert share_verdict(1.0, "ooof", quiet).mark is Validity.INVALID
    stalled = [(at, 0) for at, _ in quiet[:7]] + [(200 * MILLISECOND_NS, 170 * MILLISECOND_NS)]
    verdict = share_verdict(1.0, "ooof", stalled)
    assert verdict.mark is Validity.UNKNOWN, verdict
    assert "the harness itself stalled during 1 of the others" in verdict.summary
