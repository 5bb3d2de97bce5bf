"""Old runs go by age and by size; never one in progress, an example of a finding, or what is no run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.journal import Journal, RunLine, stamp
from harness.campaign.outcomes import Outcome, Violation
from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT
from harness.hosts.ledger import Ledger
from harness.store.pruning import DAY_S, Pruned, prune
from tests.harness.store.stores import add_run

NOW_S = 1_795_900_000.0  # 2026-11-28, in the evening
OLD, NEW = "2026-10-01T100000-register-1", "2026-11-28T100000-register-2"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def by_age(store: Path, *, only_say: bool = False, now_s: float = NOW_S) -> Pruned:
    """Remove what is older than 30 days."""
    return prune(store, older_than_s=30 * DAY_S, most_bytes=None, only_say=only_say, now_s=now_s)


def test_old_runs_go_and_new_ones_stay(store: Path) -> None:
    old, new = add_run(store, OLD), add_run(store, NEW)
    (store / "latest").symlink_to(OLD)
    would = by_age(store, only_say=True)
    assert ([one.folder for one in would.removed], would.is_done, old.exists()) == ([OLD], False, True)
    done = by_age(store)
    assert (done.removed, done.bytes, done.is_done) == (would.removed, would.bytes, True)
    assert (old.exists(), new.exists(), done.runs_left) == (False, True, 1)
    assert not (store / "latest").is_symlink()


def test_the_oldest_go_until_the_others_fit(store: Path) -> None:
    for number in range(4):
        folder = add_run(store, f"2026-11-2{number}T100000-register-{number}")
        (folder / "history.parquet").write_bytes(os.urandom(100_000))
    done = prune(store, older_than_s=None, most_bytes=250_000, only_say=False, now_s=NOW_S)
    assert [one.folder[:10] for one in done.removed] == ["2026-11-20", "2026-11-21"]
    assert done.left_bytes <= 250_000


def test_a_run_in_progress_is_never_removed(store: Path) -> None:
    living = add_run(store, OLD, None)
    with Ledger("run", of=living / "nodes"):
        done = by_age(store, now_s=NOW_S + 10 * DAY_S)
    assert living.exists()
    assert [(one.folder, one.why) for one in done.kept] == [(OLD, "it is in progress")]


def test_a_run_that_is_not_judged_yet_stays_for_an_hour(store: Path) -> None:
    folder = add_run(store, OLD, None)
    now_s = time.time()
    assert [one.folder for one in by_age(store, now_s=max(now_s, NOW_S) + 10).removed] == (
        [] if now_s >= NOW_S else [OLD]
    )
    if not folder.exists():
        folder = add_run(store, OLD, None)
    by_age(store, now_s=max(now_s, NOW_S) + 2 * DAY_S)
    assert not folder.exists()


def test_a_run_that_a_newer_version_wrote_stays_and_is_named(store: Path) -> None:
    newer, ours = (
        add_run(store, f"{OLD}{number}", ackproof_run=number) for number in (RUN_FORMAT + 1, RUN_FORMAT)
    )
    damaged = add_run(store, f"{OLD}9", ackproof_run=RUN_FORMAT)
    (damaged / "test.json").write_text("{", encoding="utf-8")
    done = by_age(store, now_s=time.time() + 60 * DAY_S)
    assert {one.folder for one in done.removed} == {ours.name, damaged.name}
    assert [one.folder for one in done.kept] == [newer.name]
    assert done.kept[0].why == (
        f"test.json: has format {RUN_FORMAT + 1}, and this version of Ackproof reads {RUN_FORMAT}: "
        "a newer version wrote it; update Ackproof to read it"
    )
    assert newer.exists()


def test_the_example_of_a_finding_stays_with_its_journal(store: Path) -> None:
    plan = CampaignPlan(cells=(Cell(system="etcd", world="local"),))
    journal = Journal.create(store, plan)
    runs = journal.folder.relative_to(store) / "runs"
    example, other = add_run(store, f"{runs}/{OLD}"), add_run(store, f"{runs}/2026-10-02T100000-register-1")
    for seed, folder in ((2, other), (1, example)):
        violation = (Violation("durability", "r# was lost", "r7 was lost"),)
        journal.add(RunLine(0, seed, Outcome(Validity.INVALID, violation, folder=f"/moved{folder}"), stamp()))
    journal.close()
    done = by_age(store)
    named = {one.folder for one in done.kept}
    assert len(named) == 1
    assert {example.exists(), other.exists()} == {True, False}
    assert (journal.folder / "campaign.jsonl").exists()


def test_without_campaigns_that_can_be_read_nothing_goes(store: Path) -> None:
    old = add_run(store, OLD)
    (store / "campaign-x").mkdir()
    (store / "campaign-x" / "campaign.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(CouldNotRun, match="nothing was removed"):
        by_age(store)
    assert old.exists()


def test_nothing_outside_of_the_store_and_nothing_but_runs_is_removed(store: Path, tmp_path: Path) -> None:
    outside = add_run(tmp_path / "outside", OLD)
    (store / OLD).symlink_to(outside)
    (store / "2026-10-02T100000-notes.txt").write_text("mine", encoding="utf-8")
    (store / "documents").mkdir()
    inner = add_run(store, "2026-10-03T100000-register-3")
    (inner / "link").symlink_to(outside)
    done = by_age(store)
    assert [one.folder for one in done.removed] == [inner.name]
    assert (outside / "test.json").exists()
    assert (store / "documents").exists()
    assert (store / "2026-10-02T100000-notes.txt").exists()
