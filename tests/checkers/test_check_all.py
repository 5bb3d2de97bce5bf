"""All verdicts, how their marks combine, and what becomes of a checker that fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pytest

from checkers.check_all import MARKS, Suite, check_all, combined, counts_by_mark, results
from checkers.registry.suite import registry_checkers
from checkers.verdict import Checker, Mark, Unjudged, Validity, Verdict
from history import Recording
from history.nemesis import FaultKind
from tests.checkers.builders import recording

VALID, INVALID, UNKNOWN = Validity.VALID, Validity.INVALID, Validity.UNKNOWN
RANK = {VALID: 0, UNKNOWN: 1, INVALID: 2}
ALONE: Sequence[tuple[Mark, Validity | None, Validity | None]] = [
    # the mark, what it does to the run if the checker is required, and if it is optional; None: nothing
    (VALID, VALID, VALID),
    (INVALID, INVALID, INVALID),
    (UNKNOWN, UNKNOWN, UNKNOWN),
    (Unjudged.NOT_EXERCISED, UNKNOWN, None),
    (Unjudged.ONLY_MEASURES, UNKNOWN, None),
    (Unjudged.NOT_APPLICABLE, None, None),
]


@dataclass(frozen=True)
class Says:
    mark: Mark
    name: str = "says"

    def check(self, recording: Recording) -> Verdict:
        return Verdict.marked(self.name, self.mark, f"says {self.mark}")


@dataclass(frozen=True)
class Fails:
    name: str = "fails"

    def check(self, recording: Recording) -> Verdict:
        raise RuntimeError("no such column\nas this")


def run(required: Sequence[Mark], optional: Sequence[Mark] = ()) -> Validity:
    """The verdict on a run whose checkers have these marks."""
    suite = Suite(
        tuple(Says(mark, f"required {number}") for number, mark in enumerate(required)),
        tuple(Says(mark, f"optional {number}") for number, mark in enumerate(optional)),
    )
    return results(suite, recording()).validity


def test_the_table_has_every_mark() -> None:
    assert {mark for mark, _, _ in ALONE} == set(MARKS) == {*Validity, *Unjudged}


@pytest.mark.parametrize(("mark", "if_required", "if_optional"), ALONE)
@pytest.mark.parametrize("other", Validity)
def test_what_each_mark_does_to_a_run_that_another_checker_judged(
    mark: Mark, if_required: Validity | None, if_optional: Validity | None, other: Validity
) -> None:
    for found, effect in ((run([other, mark]), if_required), (run([other], [mark]), if_optional)):
        assert found is Validity.worst([other, effect or VALID])


@pytest.mark.parametrize("mark", Unjudged)
def test_a_run_in_which_nothing_was_judged_is_unknown(mark: Unjudged) -> None:
    assert run([mark]) is run([], [mark]) is run([mark], [mark]) is UNKNOWN


def test_no_verdict_at_all_is_unknown() -> None:
    assert combined([], ()) is run([]) is UNKNOWN


def test_a_required_checker_that_did_not_judge_is_missed() -> None:
    assert combined([Verdict("a", VALID, "")], {"a"}) is VALID
    assert combined([Verdict("a", VALID, "")], {"a", "b"}) is UNKNOWN
    assert combined([Verdict("a", INVALID, "")], {"a", "b"}) is INVALID


def test_every_run_of_three_checkers_is_the_worst_of_what_each_does_to_it() -> None:
    effects = [
        (mark, needed, effect) for mark, *two in ALONE for needed, effect in zip((1, 0), two, strict=True)
    ]
    for parts in product(effects, repeat=3):
        verdicts = [Verdict.marked(str(number), mark, "") for number, (mark, _, _) in enumerate(parts)]
        required = {str(number) for number, (_, needed, _) in enumerate(parts) if needed}
        known = [effect for _, _, effect in parts if effect is not None]
        assert combined(verdicts, required) is (max(known, key=RANK.__getitem__) if known else UNKNOWN)


def test_a_fault_adds_the_checkers_that_it_requires_if_the_workload_has_them() -> None:
    suite = Suite((Says(VALID, "durability"),), (Says(Unjudged.NOT_EXERCISED, "durable-log"),))
    kill = FaultKind("kill", "kill", "start", requires=("durable-log", "a checker of another workload"))
    assert results(suite, recording()).validity is VALID
    found = results(suite, recording(fault_kinds=(kill,)))
    assert (found.validity, found.required) == (UNKNOWN, ("durability", "durable-log"))


def test_marks_are_counted_apart() -> None:
    verdicts = [Verdict.marked(mark.value, mark, "") for mark in (*MARKS, Unjudged.NOT_EXERCISED)]
    assert counts_by_mark(verdicts) == {mark: 1 + (mark is Unjudged.NOT_EXERCISED) for mark in MARKS}
    assert results(Suite((Says(VALID),)), recording()).marks == {
        "invalid": 0,
        "unknown": 0,
        "valid": 1,
        "not exercised": 0,
        "not applicable": 0,
        "only measures": 0,
    }


def test_a_checker_that_raises_is_unknown_and_the_others_still_judge() -> None:
    failed, judged = check_all([Fails(), Says(INVALID)], recording())
    assert failed.mark is UNKNOWN
    assert "RuntimeError: no such column" in failed.evidence[0].text
    assert "test_check_all.py" in failed.evidence[0].text
    assert judged.validity is INVALID


def test_before_each_checker_judges_its_name_is_given() -> None:
    begun: list[str] = []
    checkers: list[Checker] = [Says(VALID), Fails(), Says(INVALID)]
    assert len(check_all(checkers, recording(), begun.append)) == 3
    assert begun == [checker.name for checker in checkers]


def test_the_registry_suite_calls_nothing_valid_of_an_empty_recording() -> None:
    checkers = tuple(registry_checkers())
    verdicts = check_all(checkers, recording())
    assert [verdict.checker for verdict in verdicts] == [checker.name for checker in checkers]
    assert len({checker.name for checker in checkers}) == len(checkers)
    assert {verdict.checker for verdict in verdicts if verdict.validity is VALID} == set()
    assert not any("checker itself failed" in verdict.summary for verdict in verdicts)
