"""The headline of a run: what decides it, and how many checkers agree."""

from __future__ import annotations

from checkers.verdict import Evidence, Unjudged, Validity, Verdict
from reports.about import gravest_first, headline, may_follow_from

VALID = Verdict("a", Validity.VALID, "fine")
LOST = Verdict("b", Validity.INVALID, "1 of 9 was lost", (Evidence("r1 was lost", "text"),))
VACUOUS = Verdict("c", Validity.UNKNOWN, "only 10 writes were acknowledged", (Evidence("vacuous", "text"),))
IDLE = Verdict.marked("durable-log", Unjudged.NOT_EXERCISED, "no node was restarted")
MEASURES = Verdict.marked("stats", Unjudged.ONLY_MEASURES, "90 operations")
NOT_APPLICABLE = Verdict.marked("conformance", Unjudged.NOT_APPLICABLE, "the system writes no traces")


def test_a_violation_is_named_by_its_evidence_and_the_checkers_are_counted() -> None:
    found = headline([VALID, VACUOUS, LOST, VALID], Validity.INVALID)
    assert (found.validity, found.why) == (Validity.INVALID, "b: r1 was lost")
    assert found.counts == (
        "Of 4 checkers, 1 found a violation, 1 could not decide and 2 found nothing wrong."
    )


def test_what_could_not_be_decided_is_named_by_its_reason() -> None:
    found = headline([VALID, VACUOUS], Validity.UNKNOWN)
    assert found.why == "c: only 10 writes were acknowledged"
    assert found.counts == "Of 2 checkers, 1 could not decide and 1 found nothing wrong."


def test_a_valid_run_needs_no_counts() -> None:
    assert headline([VALID, VALID], Validity.VALID).why == "All 2 checkers found nothing wrong."
    assert headline([VALID], Validity.VALID).why == "The one checker found nothing wrong."
    assert headline([VALID], Validity.VALID).counts == ""


def test_what_judged_nothing_is_counted_apart_and_decides_only_where_it_is_required() -> None:
    given = [VALID, VALID, IDLE, MEASURES, NOT_APPLICABLE]
    found = headline(given, Validity.VALID)
    assert (found.validity, found.why) == (Validity.VALID, "2 checkers found nothing wrong.")
    assert found.counts == (
        "Of 5 checkers, 2 found nothing wrong, 1 was not exercised, 1 is not applicable and 1 only measures."
    )
    missed = headline(given, Validity.UNKNOWN, {"durable-log"})
    assert (missed.validity, missed.why) == (
        Validity.UNKNOWN,
        "durable-log was not exercised, and the run requires it: no node was restarted",
    )
    assert headline([*given, LOST], Validity.INVALID, {"durable-log"}).why == "b: r1 was lost"


def test_what_is_required_and_was_not_exercised_stands_before_what_is_valid() -> None:
    given = [VALID, MEASURES, IDLE, NOT_APPLICABLE, VACUOUS, LOST]
    assert [one.checker for one in gravest_first(given)] == [
        "b",
        "c",
        "a",
        "durable-log",
        "conformance",
        "stats",
    ]
    assert [one.checker for one in gravest_first(given, {"durable-log"})][:3] == ["b", "c", "durable-log"]


def violation(checker: str) -> Verdict:
    return Verdict(checker, Validity.INVALID, "broken", (Evidence(f"{checker} was broken", "text"),))


def test_a_violation_that_may_explain_the_others_is_the_headline_and_stands_first() -> None:
    """Two leaders in one term explain lost entries, and lost entries explain lost registrations."""
    given = [
        violation("durability"),
        VALID,
        VACUOUS,
        violation("leader-completeness"),
        violation("election-safety"),
    ]
    assert headline(given, Validity.INVALID).why == "election-safety: election-safety was broken"
    assert [verdict.checker for verdict in gravest_first(given)] == [
        "election-safety",
        "leader-completeness",
        "durability",
        "c",
        "a",
    ]
    assert may_follow_from(given) == {
        "leader-completeness": ("election-safety",),
        "durability": ("leader-completeness",),
    }


def test_violations_of_one_checker_are_all_kept() -> None:
    given = [violation("durability"), violation("durability"), violation("election-safety")]
    assert [verdict.checker for verdict in gravest_first(given)] == [
        "election-safety",
        "durability",
        "durability",
    ]
