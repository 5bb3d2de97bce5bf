"""Shards are joined: each result counts once, and what does not belong together is refused."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from checkers.verdict import Validity
from harness.campaign.cells import Cell, canary, units
from harness.campaign.findings.gathering import findings
from harness.campaign.journal import JOURNAL, stored_campaigns
from harness.campaign.merging import merged
from harness.campaign.outcomes import Outcome
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from tests.harness.campaign.fakes import BAD_SEED, INVALID, VALID, carried_out, plan
from tests.harness.campaign.test_campaign import found_by_canary

WANTED = plan(canary("forgetful"), Cell(seeds=10), Cell(seeds=3, workload="cas"), stability=1)


def shards(store: Path, parts: int = 3) -> list[Path]:
    """The folders of all shards of a plan."""
    return [
        carried_out(store, msgspec.structs.replace(WANTED, shard=(part, parts)), found_by_canary).folder
        for part in range(1, parts + 1)
    ]


def test_shards_together_are_the_whole_and_each_result_counts_once(tmp_path: Path) -> None:
    folders = shards(tmp_path / "store")
    whole = merged([*folders, folders[0]], tmp_path / "store")
    asked = [unit for unit in units(WANTED) if unit.cell > 0]
    assert sorted(line.unit for line in whole.runs) == sorted([*asked, (0, 0, False)])
    alone = summary_of(carried_out(tmp_path / "alone", WANTED, found_by_canary))
    together = summary_of(whole)
    assert [(cell.runs, cell.valid, cell.invalid) for cell in together.cells] == [
        (cell.runs, cell.valid, cell.invalid) for cell in alone.cells
    ]
    assert together.outcome == alone.outcome == "invalid"
    found = [one for one in findings(stored_campaigns(tmp_path / "store"), {}) if not one.is_expected]
    assert [(one.times, one.runs, one.campaigns) for one in found] == [(1, 10, 1)]
    assert found[0].example.seed == BAD_SEED


def test_what_no_shard_did_is_missed(tmp_path: Path) -> None:
    found = summary_of(merged(shards(tmp_path)[:2], tmp_path))
    assert any("runs were done in none of the merged folders" in reason for reason in found.reasons)


def test_one_seed_with_two_results_in_two_shards_breaks_the_whole(tmp_path: Path) -> None:
    other = msgspec.structs.replace(WANTED, shard=(1, 3))
    folders = shards(tmp_path)
    folders.append(carried_out(tmp_path, other, lambda *_: Outcome(Validity.VALID, digest="other")).folder)
    assert summary_of(merged(folders, tmp_path)).outcome == "broken"


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_results_of_one_real_run_the_violation_is_kept(tmp_path: Path, is_first: bool) -> None:
    wanted = plan(Cell(world="local", seeds=1), shard=(1, 2))
    results = [INVALID, VALID] if is_first else [VALID, INVALID]
    folders = [carried_out(tmp_path, wanted, lambda *_, one=one: one).folder for one in results]
    whole = merged(folders, tmp_path)
    assert [line.outcome.validity for line in whole.runs] == [Validity.INVALID]
    assert summary_of(whole).cells[0].invalid == 1


def test_other_plans_other_code_and_other_versions_are_refused_by_name(tmp_path: Path) -> None:
    one, two = (carried_out(tmp_path, plan(Cell(seeds=seeds))).folder for seeds in (1, 2))
    with pytest.raises(CouldNotRun, match="they have different plans"):
        merged([one, two], tmp_path)
    for change, why in (
        (lambda header: header["versions"].update(python="2.7"), "the versions of python are .* and 2.7"),
        (lambda header: header["code"].update(checkers="0"), r"different code ran \(checkers\)"),
    ):
        three = carried_out(tmp_path, plan(Cell(seeds=1))).folder
        header, *rest = (three / JOURNAL).read_bytes().splitlines()
        changed = json.loads(header)
        change(changed)  # type: ignore[no-untyped-call]
        (three / JOURNAL).write_bytes(b"\n".join([json.dumps(changed).encode(), *rest, b""]))
        with pytest.raises(CouldNotRun, match=why):
            merged([one, three], tmp_path)
