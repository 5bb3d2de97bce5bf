"""The listing of a store is what its folders say now, whatever the index holds."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.campaign.journal import JOURNAL
from harness.campaign.watching.live import LIVE
from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT
from harness.hosts.ledger import Ledger
from harness.recording.folder import RECORDING
from harness.run.folder import RunFolder
from harness.store import files, index, reading
from harness.store.entry import RunEntry
from harness.store.index import entries, index_file
from tests.harness.store.stores import add_run, judge


def listed(store: Path) -> dict[str, RunEntry]:
    """The runs by the names of their folders."""
    return {entry.name: entry for entry in entries(store)}


def test_a_run_is_listed_with_what_was_tested_and_how_it_ended(store: Path) -> None:
    add_run(store, "2026-11-28T100000-register-7", Validity.INVALID, mutant="forgetful", commit="ab" * 20)
    [entry] = entries(store)
    assert (entry.state, entry.validity, entry.failed) == ("judged", Validity.INVALID, ("durability",))
    assert (entry.system, entry.version, entry.workload, entry.seed) == ("etcd", "3.5.1", "register", 7)
    assert (entry.nemesis, entry.nodes, entry.mutant) == (("kill", "partition"), 3, "forgetful")
    assert (entry.began_at, entry.commit, entry.why) == ("2026-11-28T10:00:00Z", "ab" * 20, "r7 was lost")


def test_the_newest_run_comes_first_and_links_are_passed_over(store: Path) -> None:
    add_run(store, "2026-11-27T100000-a-1")
    add_run(store, "2026-11-28T100000-b-1")
    (store / "latest").symlink_to("2026-11-28T100000-b-1")
    assert list(listed(store)) == ["2026-11-28T100000-b-1", "2026-11-27T100000-a-1"]


def test_the_second_listing_reads_no_folder(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_run(store, "2026-11-28T100000-a-1")
    before = entries(store)

    def read(*_: object) -> RunEntry:
        raise AssertionError("a folder was read")

    monkeypatch.setattr(reading, "read_entry", read)
    assert entries(store) == before


def test_a_run_that_was_judged_again_removed_or_added_is_noticed(store: Path) -> None:
    first = add_run(store, "2026-11-28T100000-a-1")
    second = add_run(store, "2026-11-28T110000-b-1", None)
    assert [entry.validity for entry in entries(store)] == [None, Validity.VALID]
    judge(first, Validity.INVALID)
    judge(second, Validity.UNKNOWN)
    assert [entry.validity for entry in entries(store)] == [Validity.UNKNOWN, Validity.INVALID]
    shutil.rmtree(first)
    add_run(store, "2026-11-28T120000-c-1")
    assert list(listed(store)) == ["2026-11-28T120000-c-1", "2026-11-28T110000-b-1"]


def test_a_change_that_keeps_the_size_and_the_time_of_a_file_is_noticed(store: Path) -> None:
    results = add_run(store, "2026-11-28T100000-a-1") / "results.json"
    before = results.stat()
    entries(store)
    text = results.read_text(encoding="utf-8")
    results.write_text(text.replace('"valid"', '"VALID"'), encoding="utf-8")
    os.utime(results, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert results.stat().st_size == before.st_size
    assert entries(store)[0].state == "damaged"


def test_a_lost_damaged_or_foreign_index_is_made_again(store: Path) -> None:
    add_run(store, "2026-11-28T100000-a-1")
    before = entries(store)
    file = index_file(store)
    file.unlink()
    assert entries(store) == before
    file.write_bytes(b"this is no database" * 100)
    assert entries(store) == before
    with sqlite3.connect(file) as database:
        database.execute("UPDATE runs SET entry = 'no JSON'")
    database.close()
    assert entries(store) == before
    with sqlite3.connect(file) as database:
        database.execute("UPDATE about SET format = 'of another version'")
        database.execute("UPDATE runs SET entry = replace(entry, 'etcd', 'nope')")
    database.close()
    assert entries(store) == before


def test_an_index_that_cannot_be_used_is_done_without(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_run(store, "2026-11-28T100000-a-1")
    before = entries(store)
    monkeypatch.setattr(index, "WAIT_S", 0.01)
    with sqlite3.connect(index_file(store)) as held:
        held.execute("BEGIN EXCLUSIVE")
        add_run(store, "2026-11-29T100000-b-1")
        assert entries(store)[1:] == before
        held.rollback()
    held.close()
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert entries(store)[1:] == before


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("test.json", None, "test.json: missing"),
        ("test.json", '{"workload": "reg', "test.json: cannot be read"),
        ("test.json", '{"nodes": 3, "workload": "a"}', "test.json: cannot be read"),
        ("test.json", "[" * 300 + "]" * 300, "test.json: nested deeper than"),
        ("results.json", '{"validity": "valid"', "results.json: cannot be read"),
        ("results.json", '{"validity": "splendid"}', "results.json: cannot be read"),
        ("results.json", "", "results.json: cannot be read"),
    ],
)
def test_a_damaged_run_says_in_one_line_what_is_wrong(
    store: Path, file: str, content: str | None, why: str
) -> None:
    add_run(store, "2026-11-28T090000-whole-1")
    path = add_run(store, "2026-11-28T100000-a-1") / file
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    damaged, whole = entries(store)
    assert (damaged.state, whole.state) == ("damaged", "judged")
    assert damaged.why.startswith(why)
    assert "\n" not in damaged.why


def test_results_of_a_newer_version_name_that_version(store: Path) -> None:
    folder = add_run(store, "2026-11-28T100000-a-1", versions={"ackproof": "9.9"})
    (folder / "results.json").write_text('{"validity": "splendid"}', encoding="utf-8")
    assert "made by ackproof 9.9" in entries(store)[0].why


def test_a_run_of_a_newer_format_is_named_and_the_others_are_listed(store: Path) -> None:
    add_run(store, "2026-11-28T090000-whole-1")
    add_run(store, "2026-11-28T095000-ours-1", ackproof_run=RUN_FORMAT)
    folder = add_run(store, "2026-11-28T100000-a-1", ackproof_run=RUN_FORMAT + 1, nodes={"n1": "leader"})
    newer, *others = entries(store)
    assert [one.state for one in others] == ["judged", "judged"]
    assert (newer.folder, newer.state) == (folder.name, "newer")
    assert newer.why == (
        f"test.json: has format {RUN_FORMAT + 1}, and this version of Ackproof reads {RUN_FORMAT}: "
        "a newer version wrote it; update Ackproof to read it"
    )


def test_a_file_behind_a_link_is_not_read(store: Path, tmp_path: Path) -> None:
    folder = add_run(store, "2026-11-28T100000-a-1")
    (folder / "results.json").rename(tmp_path / "elsewhere.json")
    (folder / "results.json").symlink_to(tmp_path / "elsewhere.json")
    [entry] = entries(store)
    assert (entry.state, entry.validity) == ("damaged", None)
    assert "a link" in entry.why


def test_runs_of_campaigns_and_of_replays_are_listed_with_their_campaign(store: Path) -> None:
    add_run(store, "campaign-2026-11-28T090000-nightly/runs/2026-11-28T100000-a-1")
    (store / "campaign-2026-11-28T090000-nightly" / "campaign.jsonl").write_text("", encoding="utf-8")
    add_run(store, "replays/runs/2026-11-28T110000-b-1")
    replayed, of_campaign = entries(store)
    assert (replayed.folder, replayed.campaign) == ("replays/runs/2026-11-28T110000-b-1", None)
    assert of_campaign.campaign == "campaign-2026-11-28T090000-nightly"


def test_a_living_run_is_in_progress_and_a_killed_one_is_not_judged(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    living = add_run(store, "2026-11-28T100000-a-1", None)
    add_run(store, "2026-11-28T090000-b-1", None)
    with Ledger("run", of=living / "nodes"):
        assert [entry.state for entry in entries(store)] == ["in progress", "not judged"]
    assert [entry.state for entry in entries(store)] == ["not judged", "not judged"]


def test_the_names_in_a_store_are_those_of_their_writers(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert (run.test_json.name, run.results_json.name, run.report_html.name) == (
        files.TEST,
        files.RESULTS,
        files.REPORT,
    )
    assert (files.RECORDING, files.JOURNAL, files.LIVE) == (RECORDING, JOURNAL, LIVE)


def test_a_listing_loads_neither_the_simulator_nor_the_systems() -> None:
    program = "import sys, harness.store.index; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    heavy = {"harness.sim", "harness.systems", "aiohttp", "networkx", "pandas", "jinja2"}
    assert heavy & set(done.stdout.split()) == set()


def test_other_folders_are_no_runs_and_a_missing_store_is_refused(store: Path) -> None:
    (store / "notes").mkdir()
    assert entries(store) == []
    with pytest.raises(CouldNotRun, match="there is no store"):
        entries(store / "nowhere")
