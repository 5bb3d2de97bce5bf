"""Whether a finding is still there: FIXED only where enough valid runs say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import Validity
from harness.campaign.again.replaying import Replayed, replayed
from harness.campaign.again.target import Target, target
from harness.campaign.again.trying import Limits, needed
from harness.campaign.cells import Cell
from harness.campaign.executors import Perform
from harness.campaign.findings.states import Seen, chance_to_miss
from harness.campaign.journal import Header, stored_campaigns
from harness.campaign.outcomes import Outcome, Violation
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
from tests.harness.campaign.fakes import BAD_SEED, INVALID, LOST, UNKNOWN, VALID, carried_out, fake, plan

OTHER = Outcome(Validity.INVALID, (Violation("linearizability", "a stale read", "r2 is stale"),), digest="e")


def found_in(store: Path, cell: Cell | None = None, *, is_other_code: bool = False) -> Target:
    """The finding of a campaign of eight fake runs, one of which shows it."""
    stored = carried_out(store, plan(cell or Cell(seeds=8)))
    (run,) = [line for line in stored.runs if line.outcome.violations]
    wanted = target(stored_campaigns(store), f"{stored.folder.name}:0:{run.seed}")
    return with_code(wanted, {**wanted.header.code, "checkers": "0" * 16}) if is_other_code else wanted


def with_code(wanted: Target, code: Mapping[str, str]) -> Target:
    """The target, found by other code."""
    header: Header = msgspec.structs.replace(wanted.header, code=code)
    return msgspec.structs.replace(wanted, header=header)


def again(wanted: Target, perform: Perform, limits: Limits | None = None) -> Replayed:
    """What replaying it says, if runs are done so."""
    return replayed(wanted, InProcess(perform), limits or Limits())


def of_digest(digest: str, outcome: Outcome = VALID) -> Outcome:
    return msgspec.structs.replace(outcome, digest=digest)


def test_with_the_same_code_one_run_of_the_example_is_exact(tmp_path: Path) -> None:
    seeds: list[int] = []

    def perform(cell: Cell, seed: int) -> Outcome:
        seeds.append(seed)
        return fake(cell, seed)

    found = again(found_in(tmp_path), perform)
    assert (found.answer, found.is_exact, found.seed, seeds) == ("STILL FAILS", True, BAD_SEED, [BAD_SEED])
    assert found.arguments == ("sim", "--seed", "5", "--workload", "registry")


def test_the_same_code_that_no_longer_shows_it_is_an_error_of_the_harness(tmp_path: Path) -> None:
    found = again(found_in(tmp_path), lambda *_: of_digest("other"))
    assert found.answer == "CANNOT TELL"
    assert "an error of the harness" in found.why


def test_other_code_is_fixed_once_enough_valid_runs_do_not_show_it(tmp_path: Path) -> None:
    wanted = found_in(tmp_path, is_other_code=True)
    found = again(wanted, lambda _cell, seed: of_digest(f"new {seed}"))
    assert found.answer == "FIXED"
    assert found.missed == found.needed == needed(Seen(1, 8), 0.99)
    few = again(wanted, lambda _cell, seed: of_digest(f"new {seed}"), Limits(runs=found.needed - 1))
    assert (few.answer, few.missed) == ("CANNOT TELL", found.needed - 1)


def test_the_seeds_that_showed_it_come_first_and_then_seeds_that_never_ran(tmp_path: Path) -> None:
    seeds: list[int] = []

    def perform(_cell: Cell, seed: int) -> Outcome:
        seeds.append(seed)
        return INVALID if seed == 11 else of_digest("new")

    found = again(found_in(tmp_path, is_other_code=True), perform)
    assert (found.answer, found.seed, seeds) == ("STILL FAILS", 11, [BAD_SEED, 8, 9, 10, 11])


@pytest.mark.parametrize("other", [UNKNOWN, OTHER])
def test_runs_that_say_nothing_about_it_never_make_it_fixed(other: Outcome, tmp_path: Path) -> None:
    found = again(
        found_in(tmp_path, is_other_code=True), lambda *_: of_digest("new", other), Limits(runs=500)
    )
    assert (found.answer, found.runs, found.missed) == ("CANNOT TELL", 500, 0)
    assert "others proved nothing (seed 5: " in found.why


def test_the_very_same_run_that_is_judged_otherwise_is_not_fixed(tmp_path: Path) -> None:
    found = again(found_in(tmp_path, is_other_code=True), lambda *_: VALID)
    assert found.answer == "CANNOT TELL"
    assert "the code that judges has changed (checkers), and not the system" in found.why


def test_a_real_finding_goes_by_rate_whatever_the_code(tmp_path: Path) -> None:
    wanted = found_in(tmp_path, Cell(seeds=8, world="local"))
    assert again(wanted, lambda *_: of_digest("")).answer == "FIXED"
    still = again(wanted, fake)
    assert (still.answer, still.is_exact) == ("STILL FAILS", False)


def test_another_version_of_the_system_that_shows_it_still_fails(tmp_path: Path) -> None:
    wanted = found_in(tmp_path, Cell(seeds=8, world="local"))
    assert again(wanted, lambda *_: msgspec.structs.replace(INVALID, version="9.9")).answer == "STILL FAILS"


def test_a_harness_that_can_do_no_run_says_why(tmp_path: Path) -> None:
    def perform(_cell: Cell, _seed: int) -> Outcome:
        raise CouldNotRun("no room")

    with pytest.raises(CouldNotRun, match="runs could not be done: no room"):
        again(found_in(tmp_path, is_other_code=True), perform)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("0000000000", "unknown finding '0000000000'"),
        ("campaign-x:0:5", "unknown campaign 'campaign-x'"),
        ("{name}:0:99", "has no run of seed 99 in its cell 0"),
        ("{name}:0:1", "shows no violation; to run it again: ackproof sim --seed 1"),
    ],
)
def test_what_the_store_does_not_have_is_refused_by_name(what: str, message: str, tmp_path: Path) -> None:
    name = carried_out(tmp_path, plan()).folder.name
    with pytest.raises(CouldNotRun, match=message):
        target(stored_campaigns(tmp_path), what.format(name=name))


@given(st.integers(1, 40), st.integers(0, 400), st.sampled_from([0.8, 0.95, 0.99]))
def test_as_many_runs_are_needed_as_the_confidence_asks_for(
    times: int, others: int, confidence: float
) -> None:
    seen = Seen(times, times + others)
    enough = needed(seen, confidence)
    assert chance_to_miss(*seen, enough) <= 1 - confidence < chance_to_miss(*seen, enough - 1)


def test_the_header_of_a_campaign_is_read_back_with_what_ran(tmp_path: Path) -> None:
    wanted = found_in(tmp_path)
    assert wanted.violation == LOST
    assert (wanted.known, wanted.seen, wanted.first_fresh) == ({BAD_SEED: "d"}, Seen(1, 8), 8)
    assert json.loads(msgspec.json.encode(wanted.header.code))
