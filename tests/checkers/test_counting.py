"""Stats and unhandled errors: what is counted, and what makes a count a doubt."""

from __future__ import annotations

from random import Random

from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors, kind_of
from checkers.verdict import Unjudged, Validity
from history import History
from tests.checkers.builders import HistoryBuilder, recording, simulate

KEY = "svc/10.0.0.1:80"


def test_stats_count_as_a_plain_loop_does() -> None:
    for seed in range(50):
        history = simulate(Random(seed), keys=(KEY,), steps=200).history()
        measures = Stats().check(recording(history)).measures
        for f, row in measures["by_f"].items():
            mine = [op for op in history if op.type == "invoke" and op.f == f]
            ends = [history.completion(op) for op in mine]
            assert row["count"] == len(mine)
            assert row["ok"] == sum(end is not None and end.type == "ok" for end in ends)
            assert row["fail"] == sum(end is not None and end.type == "fail" for end in ends)
            assert row["info"] == sum(end is None or end.type == "info" for end in ends)


def test_latencies_are_in_milliseconds_from_invocation_to_completion() -> None:
    built = HistoryBuilder()
    for milliseconds in (1, 2, 3, 4, 10):
        built.invoke(0, "lookup", KEY)
        built.wait(milliseconds - 1)
        built.ok(0, None)
    latency = Stats().check(recording(built)).measures["by_f"]["lookup"]["latency_ms"]
    assert latency["p50"] == 3
    assert latency["p100"] == 10


def test_counting_judges_nothing() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    assert Stats().check(recording(built)).mark is Unjudged.ONLY_MEASURES
    built.do("deregister", KEY, None, None, "fail", error="no leader")
    verdict = Stats().check(recording(built))
    assert verdict.mark is Unjudged.ONLY_MEASURES
    assert verdict.measures["fail"] == 1


def test_the_nemesis_is_not_counted_and_a_history_without_clients_is_unknown() -> None:
    built = HistoryBuilder()
    built.nemesis("kill")
    verdict = Stats().check(recording(built))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.measures["count"] == 0


def test_errors_are_grouped_by_what_does_not_vary() -> None:
    assert kind_of("timed out after 2 s") == kind_of("timed out after 1.5 s")
    assert kind_of("n1 refused r17") == kind_of("n3 refused r8")
    assert kind_of("connection refused") != kind_of("connection reset")


def test_expected_errors_are_counted_and_valid() -> None:
    built = HistoryBuilder()
    for seconds in (1, 2, 3):
        built.do("register", KEY, f"r{seconds}", None, "info", error=f"timed out after {seconds} s")
    built.do("lookup", KEY, None, None, "fail", error="connection refused")
    built.do("lookup", KEY, None, None, "fail")
    assert UnhandledErrors().check(recording(built)).mark is Unjudged.NOT_EXERCISED
    built.do("lookup", KEY, None, None)
    verdict = UnhandledErrors().check(recording(built))
    assert verdict.validity is Validity.VALID
    counted = {(row["error"], row["f"], row["type"]): row["count"] for row in verdict.measures["kinds"]}
    assert counted == {
        ("timed out after # s", "register", "info"): 3,
        ("connection refused", "lookup", "fail"): 1,
        ("no reason given", "lookup", "fail"): 1,
    }


def test_an_answer_that_no_client_understood_is_unknown_and_shown() -> None:
    built = HistoryBuilder()
    built.do("register", KEY, "r1", "r1")
    strange = built.do("register", KEY, "r2", None, "info", error="unexpected: status 418")
    verdict = UnhandledErrors().check(recording(built))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.evidence[0].operations == (strange - 1,)
    assert "status 418" in verdict.evidence[0].text


def test_a_history_without_errors_has_none() -> None:
    built = HistoryBuilder()
    built.do("lookup", KEY, None, None)
    assert UnhandledErrors().check(recording(built)).validity is Validity.VALID
    assert UnhandledErrors().check(recording(History([]))).mark is Unjudged.NOT_EXERCISED


def test_a_refusal_that_is_in_no_documentation_is_invalid() -> None:
    built = HistoryBuilder()
    built.do("register", "svc/10.0.0.1:80", "r0", "r0")
    error = "undocumented: status 418 with the refusal teapot: short and stout"
    index = built.do("register", "svc/10.0.0.1:80", "r1", None, "info", error=error)
    verdict = UnhandledErrors().check(recording(built))
    assert verdict.validity is Validity.INVALID
    assert "1 answer is not in the system's documentation" in verdict.summary
    assert verdict.evidence[0].operations == (index - 1,)
