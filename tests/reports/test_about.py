"""The headline of a run: what decides it, and how many checkers agree."""

from __future__ import annotations

from checkers.verdict import Evidence, Validity, Verdict
from reports.about import gravest_first, headline, may_follow_from

VALID = Verdict("a", Validity.VALID, "fine")
LOST = Verdict("b", Validity.INVALID, "1 of 9 was lost", (Evidence("r1 was lost", "text"),))
VACUOUS = Verdict("c", Validity.UNKNOWN, "only 10 writes were acknowledged", (Evidence("vacuous", "text"),))


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
