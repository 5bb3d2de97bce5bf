"""A campaign's journal: a kill loses at most the run in progress; what does not fit is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.campaign.campaign import BUDGET, INTERRUPTED
from harness.campaign.cells import Cell
from harness.campaign.journal import JOURNAL, EndLine, Journal, read, stored_campaigns
from harness.campaign.outcomes import Outcome
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from tests import REPOSITORY
from tests.harness.campaign.fakes import VALID, carried_out, fake, plan, resumed
from tests.harness.campaign.killed import PARTS, SEEDS


def test_a_kill_at_any_write_loses_only_the_run_in_progress(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.campaign.killed", str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(cases) == (SEEDS + 1) * len(PARTS)
    for case in cases:
        written = case["moment"] - 2 + (case["part"] == 1.0)
        assert case["killed"], case
        assert case["kept"] == list(range(min(written, SEEDS))), case
        assert case["again"] == list(range(len(case["kept"]), SEEDS)), case
        assert case["seeds"] == list(range(SEEDS)), case


def test_ctrl_c_keeps_all_results_and_the_rest_follows_later(tmp_path: Path) -> None:
    def interrupted(cell: Cell, seed: int) -> Outcome:
        if seed == 3:
            raise KeyboardInterrupt
        return fake(cell, seed)

    stored = carried_out(tmp_path, plan(), interrupted)
    assert [line.seed for line in stored.runs] == [0, 1, 2]
    end = stored.lines[-1]
    assert isinstance(end, EndLine)
    assert (end.why, end.is_complete) == (INTERRUPTED, False)
    assert summary_of(stored).outcome == "unknown"
    assert [line.seed for line in resumed(stored.folder).runs] == list(range(8))


def test_a_budget_of_runs_counts_those_before_an_interruption(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan(most_runs=3))
    assert len(stored.runs) == 3
    assert summary_of(stored).ended == BUDGET
    assert len(resumed(stored.folder).runs) == 3


def test_results_of_other_code_are_not_mixed(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan(most_runs=1))
    path = stored.folder / JOURNAL
    header, *rest = path.read_bytes().splitlines()
    changed = json.loads(header)
    changed["code"]["checkers"] = "0" * 16
    path.write_bytes(b"\n".join([json.dumps(changed).encode(), *rest, b""]))
    with pytest.raises(CouldNotRun, match="checkers changed"):
        Journal.resume(stored.folder)


def test_a_journal_has_one_writer_and_its_lock_ends_with_it(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, plan())
    with pytest.raises(CouldNotRun, match="being written by another process"):
        Journal.resume(journal.folder)
    journal.close()
    Journal.resume(journal.folder).close()


def test_a_folder_that_is_none_and_a_journal_that_is_broken_or_newer_are_refused_by_name(
    tmp_path: Path,
) -> None:
    with pytest.raises(CouldNotRun, match="is not a campaign's folder"):
        read(tmp_path)
    stored = carried_out(tmp_path, plan(most_runs=1))
    path = stored.folder / JOURNAL
    good = path.read_bytes()
    path.write_bytes(good + b'{"type":"run","cell":7}\n')
    with pytest.raises(CouldNotRun, match=r"campaign\.jsonl, line 4: "):
        read(stored.folder)
    path.write_bytes(good.replace(b'"ackproof_campaign":1', b'"ackproof_campaign":9'))
    with pytest.raises(CouldNotRun, match=r"has format 9.* a newer version wrote it"):
        read(stored.folder)
    path.write_bytes(b"hello\n")
    with pytest.raises(CouldNotRun, match="holds no campaign"):
        read(stored.folder)


def test_a_campaign_that_a_kill_ended_as_it_began_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "campaign-x").mkdir()
    (tmp_path / "campaign-x" / JOURNAL).touch()
    stored = carried_out(tmp_path, plan(Cell(seeds=1)), lambda _cell, _seed: VALID)
    assert [one.folder for one in stored_campaigns(tmp_path)] == [stored.folder]
