"""Seeds that showed findings before come first, so a bug that came back shows at once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.campaign.cells import Cell, Unit, canary, units
from harness.campaign.findings.known_first import MOST_KNOWN, with_known
from harness.campaign.journal import read, stored_campaigns
from harness.campaign.outcomes import Outcome
from tests.harness.campaign.fakes import BAD_SEED, INVALID, VALID, carried_out, fake, plan, resumed


def test_the_seed_that_showed_a_finding_last_comes_first_also_one_that_the_plan_does_not_have(
    tmp_path: Path,
) -> None:
    carried_out(tmp_path, plan())
    wanted = with_known(plan(Cell(seeds=3), Cell(seeds=3, workload="cas")), stored_campaigns(tmp_path))
    assert wanted.known == ((0, BAD_SEED),)
    order: list[tuple[str, int]] = []

    def perform(cell: Cell, seed: int) -> Outcome:
        order.append((cell.workload, seed))
        return fake(cell, seed)

    stored = carried_out(tmp_path, wanted, perform)
    assert order[0] == ("registry", BAD_SEED)
    assert len(order) == len(set(order)) == 7
    assert read(stored.folder).plan.known == wanted.known


def test_a_seed_of_the_plan_runs_once_and_a_canary_comes_before_it(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan())
    wanted = with_known(plan(canary("forgetful", 1), Cell(seeds=8), stability=1), [stored])
    order = list(units(wanted))
    assert order[:2] == [Unit(0, 0), Unit(1, BAD_SEED)]
    assert len(order) == len(set(order)) == 1 + 8 + 1


def test_known_seeds_are_bounded_and_other_cells_bring_none(tmp_path: Path) -> None:
    kinds = iter(range(100))

    def perform(_cell: Cell, _seed: int) -> Outcome:
        (violation,) = INVALID.violations
        return Outcome(INVALID.validity, (msgspec.structs.replace(violation, kind=f"kind {next(kinds)}"),))

    stored = carried_out(tmp_path, plan(Cell(seeds=40)), perform)
    assert len(with_known(plan(Cell(seeds=3)), [stored]).known) == MOST_KNOWN
    assert len(with_known(plan(Cell(seeds=3), most_runs=8), [stored]).known) == 2
    assert with_known(plan(Cell(seeds=3, nodes=3)), [stored]).known == ()


def test_what_was_seen_latest_comes_first_and_stays_within_the_bound(
    tmp_path: Path,
) -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        (violation,) = INVALID.violations
        return Outcome(INVALID.validity, (msgspec.structs.replace(violation, kind=f"kind {seed}"),))

    stored = carried_out(tmp_path, plan(Cell(seeds=4)), perform)
    assert with_known(plan(Cell()), [stored]).known == ((0, 3), (0, 2), (0, 1), (0, 0))
    assert with_known(plan(Cell(), most_runs=8), [stored]).known == ((0, 3), (0, 2))


def test_a_campaign_that_is_resumed_goes_on_in_the_same_order(tmp_path: Path) -> None:
    first = carried_out(tmp_path / "first", plan())
    wanted = with_known(plan(Cell(seeds=4)), [first])
    order: list[int] = []

    def interrupted(_cell: Cell, seed: int) -> Outcome:
        if seed == 1 and 1 not in order:
            order.append(seed)
            raise KeyboardInterrupt
        order.append(seed)
        return VALID

    half = carried_out(tmp_path / "second", wanted, interrupted)
    resumed(half.folder, interrupted)
    assert order == [BAD_SEED, 0, 1, 1, 2, 3]
