"""Findings: one fingerprint under all seeds, their states through campaigns, and the baseline."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import Validity
from harness.campaign.cells import Cell
from harness.campaign.executors import usual_executors
from harness.campaign.findings.baseline import Known, read_baseline
from harness.campaign.findings.fingerprint import Subject, family, fingerprint, subject_of
from harness.campaign.findings.gathering import Finding, findings
from harness.campaign.findings.states import CONFIDENCE, Seen, chance_to_miss, is_resolved, state_of
from harness.campaign.journal import stored_campaigns
from harness.campaign.outcomes import Outcome, Violation
from tests.harness.campaign.fakes import INVALID, LOST, VALID, carried_out, fake, plan


def leading(store: Path, mutant: str, first_seed: int) -> Finding:
    """What to look at first after some real simulated runs of a mutant."""
    cell = Cell(
        mutant=mutant, nodes=3, time_limit_s=4, rate=40, nemesis=("kill",), seeds=3, first_seed=first_seed
    )
    carried_out(store, plan(cell), make=usual_executors(1))
    return findings(stored_campaigns(store), {})[0]


def test_a_fingerprint_is_the_same_under_other_seeds_and_differs_between_two_bugs(tmp_path: Path) -> None:
    found = {
        (mutant, first): leading(tmp_path / f"{mutant}-{first}", mutant, first)
        for mutant in ("forgetful", "acknowledge-early")
        for first in (0, 40)
    }
    by_mutant = {
        mutant: {one.fingerprint for (name, _), one in found.items() if name == mutant}
        for mutant in ("forgetful", "acknowledge-early")
    }
    assert [len(marks) for marks in by_mutant.values()] == [1, 1], found
    shapes = {(one.checker, one.kind) for one in found.values()}
    assert len(shapes) == 2, "the kinds differ, and not the names of the bugs alone"


def test_a_fingerprint_follows_what_fails_and_no_workload_or_seed() -> None:
    marks = {
        fingerprint(subject_of(cell, Outcome(Validity.INVALID, version=version)), violation)
        for cell, version, violation in (
            (Cell(system="etcd", world="local"), "3.5.1", LOST),
            (Cell(system="etcd@3.5.16", world="netns", workload="cas", nodes=5), "3.5.16", LOST),
            (
                Cell(system="etcd"),
                "etcd Version: 3.5.2",
                Violation("durability", "registration lost", "another title"),
            ),
        )
    }
    assert len(marks) == 1
    subject = Subject("etcd", "3.5")
    others = [
        fingerprint(Subject("etcd", "3.6"), LOST),
        fingerprint(Subject("zookeeper", "3.5"), LOST),
        fingerprint(Subject("etcd", "3.5", "forgetful"), LOST),
        fingerprint(subject, Violation("linearizability", "registration lost", "")),
        fingerprint(subject, Violation("durability", "registration resurrected", "")),
    ]
    assert len({*others, *marks}) == 6


def test_a_system_in_a_file_is_known_by_the_files_name() -> None:
    there, here = (subject_of(Cell(system=system), VALID) for system in ("/a/b/mine.py:Mine", "mine.py:Mine"))
    assert there == here == Subject("mine.py:Mine")


@pytest.mark.parametrize(
    ("version", "expected"), [("3.5.16", "3.5"), ("v2", "2"), ("", ""), ("unknown", ""), ("8.0-rc1", "8.0")]
)
def test_a_version_family_is_two_numbers(version: str, expected: str) -> None:
    assert family(version) == expected


OFTEN, GONE, TOO_FEW = Seen(8, 10), Seen(0, 40), Seen(0, 2)


@pytest.mark.parametrize(
    ("seen", "known", "expected"),
    [
        ([OFTEN], None, "new"),
        ([GONE, OFTEN], None, "new"),
        ([OFTEN], Known("0" * 10), "ongoing"),
        ([OFTEN, OFTEN], None, "ongoing"),
        ([OFTEN, TOO_FEW], None, "rare"),
        ([OFTEN, TOO_FEW, OFTEN], None, "ongoing"),
        ([OFTEN, GONE], None, "resolved"),
        ([OFTEN, GONE, OFTEN], None, "regressed"),
        ([OFTEN], Known("0" * 10, resolved=True), "regressed"),
        ([Seen(1, 1000), GONE], None, "rare"),
    ],
)
def test_states(seen: list[Seen], known: Known | None, expected: str) -> None:
    assert state_of(seen, known) == expected


@given(st.integers(1, 50), st.integers(0, 500), st.integers(0, 2000))
def test_more_runs_without_a_finding_make_it_less_likely_that_it_is_there(
    times: int, others: int, missed: int
) -> None:
    runs = times + others
    assert chance_to_miss(times, runs, 0) == pytest.approx(1)
    assert chance_to_miss(times, runs, missed + 1) < chance_to_miss(times, runs, missed)
    product = 1.0
    for step in range(missed):
        product *= (runs - times + 1 + step) / (runs + 2 + step)
    assert chance_to_miss(times, runs, missed) == pytest.approx(product, rel=1e-6)
    assert is_resolved(times, runs, missed) == (chance_to_miss(times, runs, missed) <= 1 - CONFIDENCE)


def test_findings_are_counted_over_the_cells_that_can_show_them_what_is_bad_on_top(tmp_path: Path) -> None:
    one, other = Cell(seeds=8), Cell(seeds=8, workload="cas")
    stale = Outcome(Validity.INVALID, (Violation("linearizability", "a stale read", "r2 is stale"),))

    def perform(cell: Cell, seed: int) -> Outcome:
        return (
            stale
            if cell.workload == "cas" and seed < 4
            else VALID
            if cell.workload == "cas"
            else fake(cell, seed)
        )

    carried_out(tmp_path, plan(one))
    carried_out(tmp_path, plan(one, other), perform)
    found = findings(stored_campaigns(tmp_path), {})
    assert [(item.state, item.checker, item.times, item.runs) for item in found] == [
        ("new", "linearizability", 4, 8),
        ("ongoing", "durability", 2, 16),
    ]
    assert found[1].example.command == "ackproof sim --seed 5 --workload registry"
    assert found[0].example.command == "ackproof sim --seed 3 --workload cas"


def test_what_is_seen_only_together_with_another_finding_comes_after_it(tmp_path: Path) -> None:
    cause = Violation("term-monotonic", "# forgot term #", "n1 forgot term 2")

    def perform(_cell: Cell, seed: int) -> Outcome:
        if seed == 1:
            return Outcome(Validity.INVALID, (cause, LOST))
        return Outcome(Validity.INVALID, (cause,)) if seed == 2 else VALID

    carried_out(tmp_path, plan(), perform)
    first, second = findings(stored_campaigns(tmp_path), {})
    assert (first.checker, first.only_with) == ("term-monotonic", None)
    assert (second.checker, second.only_with) == ("durability", first.fingerprint)


def test_a_seeded_bug_is_listed_after_what_was_not_expected(tmp_path: Path) -> None:
    carried_out(tmp_path, plan(Cell(mutant="forgetful", seeds=2)), lambda *_: INVALID)
    carried_out(tmp_path, plan(), fake)
    assert [one.is_expected for one in findings(stored_campaigns(tmp_path), {})] == [False, True]


def test_a_baseline_says_what_is_known(tmp_path: Path) -> None:
    carried_out(tmp_path / "store", plan())
    (new,) = findings(stored_campaigns(tmp_path / "store"), {})
    file = tmp_path / "baseline.toml"
    file.write_text(f'version = 1\n[[known]]\nfingerprint = "{new.fingerprint}"\nwhy = "issue 12"\n')
    (known,) = findings(stored_campaigns(tmp_path / "store"), read_baseline(file))
    assert (new.state, known.state, known.why, known.is_known) == ("new", "ongoing", "issue 12", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 9\n", "has version 9, and this version of Ackproof reads 1"),
        ("version = 1\n[[known]]\nfingerprnt = 'a'\n", "line 3: unknown key 'fingerprnt': did you mean"),
        ("version = 1\nknow = []\n", "line 2: unknown key 'know': did you mean 'known'?"),
        ("version = 1\n[[known]]\nfingerprint = 'xyz'\n", "'xyz' is no fingerprint"),
        ("[[known]]\nfingerprint = '0000000000'\n", "Object missing required field `version`"),
        ("version = 1\n" + 2 * "[[known]]\nfingerprint = '0000000000'\n", "0000000000 is listed twice"),
    ],
)
def test_a_baseline_that_is_wrong_is_answered_with_what_and_where(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"baseline\.toml") as refused:
        read_baseline(file)
    assert message in str(refused.value)
