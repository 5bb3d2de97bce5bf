"""`ackproof analyze` with --jobs or --dask: the verdicts are those of one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

import ackproof
from ackproof.cli.commands.testing.analyze import analyze
from ackproof.judging import by_key
from tests.ackproof.cli.test_record import by_lines
from tests.harness.executors.dask_processes import dask_processes, needs_dask


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a correct run of registers, an incorrect one, and one that is not judged by key."""
    folder = tmp_path_factory.mktemp("analyze") / "store"
    ackproof.simulate(0, workload="register", time_limit_s=4, nodes=3, store=folder / "valid")
    ackproof.simulate(
        0, workload="register", mutant="forgetful", time_limit_s=6, nodes=3, store=folder / "bug"
    )
    ackproof.simulate(0, time_limit_s=2, nodes=3, store=folder / "registry")
    return folder


def analyzed(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the result, without what says when, and how many steps the search took."""
    done = CliRunner().invoke(analyze, [str(folder / "latest"), "--json", *options])
    found = msgspec.json.decode(done.stdout)
    for verdict in found["verdicts"]:
        verdict.get("measures", {}).pop("most_configurations_for_a_key", None)
    return done.exit_code, {name: found[name] for name in ("validity", "marks", "verdicts", "required")}


def keys_judged_elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many keys other processes said that they have an order, for each history that is divided."""
    asked: list[int] = []
    real = by_key.proved_by

    def proved_by(*given: Any, **options: Any) -> Any:
        found = real(*given, **options)
        asked.append(len(found.keys))
        return found

    monkeypatch.setattr(by_key, "proved_by", proved_by)
    return asked


@pytest.mark.parametrize("name", ["valid", "bug"])
def test_with_several_processes_the_verdicts_are_those_of_one(
    store: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = keys_judged_elsewhere(monkeypatch)
    alone = analyzed(store / name)
    assert analyzed(store / name, "--jobs", "2") == alone
    assert asked[0] > 0  # another process did judge keys


def recording(store: Path, *, is_stale: bool) -> Path:
    """A recording of registers, 40 keys with 60 operations each; one read of it may be too old."""
    requests: list[dict[str, Any]] = []
    for number in range(30):
        for key in range(40):
            shown = number - 2 if is_stale and (number, key) == (20, 7) else number
            for f, value, answer in (("write", number, None), ("read", None, shown)):
                name = {"process": 0, "f": f, "key": f"k{key}"}
                requests.append({"invoke": {**name, "value": value}})
                requests.append({"complete": {"process": 0, "type": "ok", "value": answer}})
    by_lines(store, "register", *requests)
    return store


@pytest.mark.parametrize("is_stale", [False, True])
def test_a_recording_is_divided_with_the_verdict_of_one_process(
    is_stale: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recording(tmp_path / "store", is_stale=is_stale)
    asked = keys_judged_elsewhere(monkeypatch)
    alone = analyzed(folder)
    assert alone[1]["validity"] == ("invalid" if is_stale else "valid")
    assert analyzed(folder, "--jobs", "2") == alone
    assert asked[0] > 0


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_stale", [False, True])
def test_on_dask_the_verdict_on_a_recording_is_the_same(is_stale: bool, tmp_path: Path) -> None:
    needs_dask()
    folder = recording(tmp_path / "store", is_stale=is_stale)
    with dask_processes(tmp_path, 2) as processes:
        assert analyzed(folder, "--dask", processes.address) == analyzed(folder)


def test_what_is_judged_over_all_keys_is_refused(store: Path) -> None:
    done = CliRunner().invoke(analyze, [str(store / "registry" / "latest"), "--jobs", "2"])
    assert done.exit_code == 2  # click's own; `ackproof` makes it 254
    assert "registry is judged over all keys together, so --jobs and --dask cannot" in done.output


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["valid", "bug"])
def test_on_dask_the_verdicts_are_the_same(store: Path, tmp_path: Path, name: str) -> None:
    needs_dask()
    with dask_processes(tmp_path, 2) as processes:
        assert analyzed(store / name, "--dask", processes.address) == analyzed(store / name)
