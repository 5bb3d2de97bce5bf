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


@pytest.mark.parametrize("name", ["valid", "bug"])
def test_with_several_processes_the_verdicts_are_those_of_one(
    store: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = by_key.proved_by

    def proved_by(*given: Any, **options: Any) -> Any:
        found = real(*given, **options)
        asked.append(len(found.keys))
        return found

    monkeypatch.setattr(by_key, "proved_by", proved_by)
    alone = analyzed(store / name)
    assert analyzed(store / name, "--jobs", "2") == alone
    assert asked[0] > 0  # another process did judge keys


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
