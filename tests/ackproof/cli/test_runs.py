"""`ackproof runs` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ackproof.cli.main import cli
from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.formats import RUN_FORMAT
from tests.harness.store.stores import add_run


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a run of each kind of end."""
    store = tmp_path / "store"
    add_run(store, "2026-11-28T100000-register-7", Validity.INVALID)
    add_run(store, "2026-11-28T110000-register-8", Validity.VALID, system="nats", nemesis=[])
    add_run(store, "2026-11-28T120000-register-9", None)
    (store / "2026-11-28T130000-register-1").mkdir()
    return store


def listed(*arguments: object) -> Result:
    """What the command does."""
    return CliRunner().invoke(cli, ["runs", *map(str, arguments)])


def test_a_run_of_a_newer_version_is_named_by_every_command(store: Path) -> None:
    folder = add_run(store, "2026-11-28T140000-register-2", ackproof_run=RUN_FORMAT + 1)
    why = (
        f"has format {RUN_FORMAT + 1}, and this version of Ackproof reads {RUN_FORMAT}: "
        "a newer version wrote it; update Ackproof to read it"
    )
    done = listed("--store", store)
    newer, *others = done.stdout.splitlines()
    assert (done.exit_code, len(others)) == (0, 4)
    assert newer.endswith(f"{folder.name}: test.json: {why}")
    for arguments in (["analyze", folder], ["compare", folder, store / "2026-11-28T110000-register-8"]):
        refused = CliRunner().invoke(cli, [*map(str, arguments)]).exception
        assert isinstance(refused, CouldNotRun)
        assert str(refused).endswith(f"test.json: {why}")


def test_each_run_is_one_line_with_its_end_and_its_folder(store: Path) -> None:
    done = listed("--store", store)
    assert done.exit_code == 0
    damaged, not_judged, valid, invalid = done.stdout.splitlines()
    assert damaged.endswith("damaged      2026-11-28T130000-register-1: test.json: missing")
    assert not_judged.startswith("2026-11-28 12:00  not judged ")
    assert valid == (
        "2026-11-28 11:00  valid        local nats register none seed 7  2026-11-28T110000-register-8"
    )
    assert invalid.endswith("2026-11-28T100000-register-7  durability")


def test_runs_are_chosen_and_counted_and_the_json_has_all_of_them(store: Path) -> None:
    few = listed("--store", store, "--most", 1).stdout
    assert few.splitlines()[1:] == ["and 3 more: --most 0 lists all"]
    found = json.loads(listed("--store", store, "--verdict", "invalid", "--json").stdout)
    assert [run["folder"] for run in found["result"]] == ["2026-11-28T100000-register-7"]
    assert found["validity"] is None
    assert len(json.loads(listed("--store", store, "--json").stdout)["result"]) == 4
    assert (
        listed("--store", store, "--system", "zookeeper").stdout == f"none of the 4 runs in {store} is so\n"
    )


def test_what_cannot_be_listed_is_said_in_one_line(tmp_path: Path) -> None:
    missing = listed("--store", tmp_path / "nowhere")
    assert "there is no store" in str(missing.exception)
    assert listed("--store", tmp_path).stdout == f"no run in {tmp_path}\n"
    wrong = listed("--since", "never")
    assert "'never' is no time" in wrong.output


def test_a_long_name_is_shortened_and_a_hostile_one_is_shown_by_its_escapes(tmp_path: Path) -> None:
    add_run(tmp_path, "2026-11-28T100000-register-7", system="s" * 3000, workload="\x1b[31mred")
    [line] = listed("--store", tmp_path).stdout.splitlines()
    assert len(line) < 250
    assert "\x1b" not in line
    assert "\\x1b[31mred" in line


def test_two_runs_are_compared_by_their_names_and_the_exit_code_says_only_that(store: Path) -> None:
    names = ("2026-11-28T100000-register-7", "2026-11-28T110000-register-8")
    done = CliRunner().invoke(cli, ["compare", *names, "--store", str(store)])
    assert done.exit_code == 0
    assert "A  INVALID  local etcd register kill,partition seed 7" in done.stdout
    assert "\n  system: etcd  ->  nats\n" in done.stdout
    assert "\n  durability: invalid  ->  valid\n" in done.stdout
    found = json.loads(CliRunner().invoke(cli, ["compare", *names, "--store", str(store), "--json"]).stdout)
    assert found["result"]["a"]["validity"] == "invalid"
    missing = CliRunner().invoke(cli, ["compare", names[0], "nothing", "--store", str(store)])
    assert "there is no run's folder" in str(missing.exception)


def test_old_runs_are_removed_after_a_look(store: Path) -> None:
    def pruned(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["prune", "--store", str(store), *arguments])

    look = pruned("--most-size", "0", "--dry-run")
    assert look.exit_code == 0
    assert "would remove  " in look.stdout
    assert len(list(store.iterdir())) == 4
    assert pruned("--most-size", "0").exit_code == 0
    assert not (store / "2026-11-28T100000-register-7").exists()
    assert "say what may go" in pruned().output
    assert "is no age" in pruned("--older-than", "soon").output
    assert "is no size" in pruned("--most-size", "much").output
