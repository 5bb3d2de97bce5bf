"""No name that an agent gives leads out of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackproof.mcp.confined import ConfinedStore
from harness.errors import CouldNotRun


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a run, with links out of it, and a neighbour."""
    folder = tmp_path / "store"
    run = folder / "2026-11-28T172906-registry-5"
    run.mkdir(parents=True)
    (run / "test.json").write_text("{}")
    (folder / "latest").symlink_to(run.name)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "test.json").write_text("{}")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "file").symlink_to("/etc/passwd")
    (tmp_path / "store-of-another").mkdir()
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../secret",
        "out",
        "out/test.json",
        "file",
        "/etc/passwd",
        "../store-of-another",
        "a/../../secret",
    ],
)
def test_what_lies_outside_is_refused(name: str, store: Path) -> None:
    with pytest.raises(CouldNotRun, match="outside the store"):
        ConfinedStore(store).path(name)


@pytest.mark.parametrize("name", ["nothing", "\0", "x" * 5000])
def test_what_is_not_there_is_refused(name: str, store: Path) -> None:
    with pytest.raises(CouldNotRun):
        ConfinedStore(store).path(name)


def test_only_folders_of_runs_are_runs(store: Path) -> None:
    confined = ConfinedStore(store)
    assert confined.run("latest").name == "2026-11-28T172906-registry-5"
    with pytest.raises(CouldNotRun, match="is no run"):
        confined.run(".")


def test_a_history_with_a_link_in_its_folder_is_not_judged(store: Path) -> None:
    (store / "latest" / "history.jsonl").symlink_to("/etc/passwd")
    with pytest.raises(CouldNotRun, match="has a link in it"):
        ConfinedStore(store).history("latest")
