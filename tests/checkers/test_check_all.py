"""All verdicts, the worst of them, and what becomes of a checker that fails."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from checkers.check_all import check_all, worst
from checkers.registry.suite import registry_checkers
from checkers.verdict import Validity, Verdict
from history import Recording
from tests.checkers.builders import recording

RANK = {Validity.VALID: 0, Validity.UNKNOWN: 1, Validity.INVALID: 2}


@dataclass(frozen=True)
class Says:
    validity: Validity
    name: str = "says"

    def check(self, recording: Recording) -> Verdict:
        return Verdict(self.name, self.validity, f"says {self.validity}")


@dataclass(frozen=True)
class Fails:
    name: str = "fails"

    def check(self, recording: Recording) -> Verdict:
        raise RuntimeError("no such column\nas this")


def test_the_worst_verdict_wins_whatever_the_order() -> None:
    for parts in product(Validity, repeat=3):
        verdicts = check_all([Says(part) for part in parts], recording())
        assert worst(verdicts) is max(parts, key=RANK.__getitem__)


def test_no_verdict_at_all_is_unknown() -> None:
    assert worst([]) is Validity.UNKNOWN


def test_a_checker_that_raises_is_unknown_and_the_others_still_judge() -> None:
    failed, judged = check_all([Fails(), Says(Validity.INVALID)], recording())
    assert failed.validity is Validity.UNKNOWN
    assert "RuntimeError: no such column" in failed.evidence[0].text
    assert "test_check_all.py" in failed.evidence[0].text
    assert judged.validity is Validity.INVALID


def test_the_registry_suite_calls_nothing_valid_of_an_empty_recording_but_the_absence_of_errors() -> None:
    checkers = registry_checkers()
    verdicts = check_all(checkers, recording())
    assert [verdict.checker for verdict in verdicts] == [checker.name for checker in checkers]
    assert len({checker.name for checker in checkers}) == len(checkers)
    valid = {verdict.checker for verdict in verdicts if verdict.validity is Validity.VALID}
    assert valid == {"unhandled-errors"}
    assert not any("checker itself failed" in verdict.summary for verdict in verdicts)
