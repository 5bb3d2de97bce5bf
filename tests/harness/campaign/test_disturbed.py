"""Campaigns that are disturbed: killed, without room on the disk, with a clock that steps, two in a store."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.campaign.campaign import DONE
from harness.campaign.cells import Cell
from harness.campaign.journal import JOURNAL, RunLine, read, stored_campaigns
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from tests.harness.campaign.fakes import BAD_SEED, carried_out, fake, plan, resumed
from tests.harness.campaign.slowly import HOUR_S, SEEDS
from tests.marks import first_in_ci

ROOT = Path(__file__).parents[3]
LIBFAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
WHOLE_S = 1.2
"""About how long a campaign of slowly.py takes where nothing else runs."""


def begun(store: Path, jobs: int = 1, **environment: str) -> tuple[subprocess.Popen[str], Path]:
    """A campaign in a process of its own, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.campaign.slowly", str(store), str(jobs)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def ended(process: subprocess.Popen[str]) -> str:
    """The last line of a process that ends by itself."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.strip()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def each_seed_once(folder: Path) -> None:
    """All seeds are there, each once, with the outcome that it always has."""
    stored = read(folder)
    assert Counter(line.seed for line in stored.runs) == dict.fromkeys(range(SEEDS), 1)
    invalid = [line.seed for line in stored.runs if line.outcome.validity is Validity.INVALID]
    assert invalid == [BAD_SEED]


@pytest.mark.parametrize("seed", [0, *first_in_ci(range(1, 50), 49)])
def test_a_campaign_that_is_killed_at_any_instant_loses_only_what_was_in_progress(
    seed: int, tmp_path: Path
) -> None:
    process, folder = begun(tmp_path, jobs=1 + seed % 2)
    time.sleep(random.Random(seed).uniform(0, WHOLE_S))
    workers = children_of(process.pid)
    process.kill()
    process.wait()
    kept = [line.seed for line in read(folder).runs]
    assert len(kept) == len(set(kept))
    resumed(folder)
    each_seed_once(folder)
    assert [line.seed for line in read(folder).runs][: len(kept)] == kept
    until = time.monotonic() + 120  # a worker that was being started loads its modules first
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < until, f"workers {workers} outlive the campaign (seed {seed})"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_a_campaign_with_what_to_do_and_it_goes_on_later(small_disk: Path) -> None:
    filler = small_disk / "filler"

    def perform(cell: Cell, seed: int) -> Outcome:
        if seed == 20:
            with filler.open("ab", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(1024))
                except OSError:
                    pass
        return fake(cell, seed)

    with pytest.raises(CouldNotRun, match=r"No space left on device.*make room, then: .*--resume"):
        carried_out(small_disk, plan(Cell(seeds=SEEDS)), perform)
    (folder,) = (path.parent for path in small_disk.glob(f"*/{JOURNAL}"))
    kept = [line.seed for line in read(folder).runs]
    assert 20 <= len(kept) < SEEDS
    filler.unlink()
    resumed(folder)
    each_seed_once(folder)


@pytest.mark.skipif(LIBFAKETIME is None, reason="no libfaketime here: apt-get install libfaketime")
@pytest.mark.parametrize("step", ["-1d", *first_in_ci(["+1d"], 1)])
def test_a_clock_step_on_the_controller_changes_no_result_and_no_budget(step: str, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    process, folder = begun(
        tmp_path / "store",
        LD_PRELOAD=str(LIBFAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(offset),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    until = time.monotonic() + 30
    while len(read(folder).runs) < 5:
        assert time.monotonic() < until
        time.sleep(0.01)
    offset.write_text(f"{step}\n")
    assert ended(process) == DONE
    each_seed_once(folder)
    lines = [line for line in read(folder).lines if isinstance(line, RunLine)]
    assert len({line.at[:10] for line in lines}) == 2, "the clock did not step"
    elapsed = [line.elapsed_s for line in lines]
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] < HOUR_S


@pytest.mark.campaign
def test_two_campaigns_share_a_store(tmp_path: Path) -> None:
    both = [begun(tmp_path, jobs=2) for _ in range(2)]
    assert [ended(process) for process, _ in both] == [DONE, DONE]
    folders = {folder for _, folder in both}
    assert len(folders) == 2
    for folder in folders:
        each_seed_once(folder)
    assert {stored.folder for stored in stored_campaigns(tmp_path)} == folders


@pytest.mark.campaign
def test_a_campaign_that_runs_is_not_resumed_by_another(tmp_path: Path) -> None:
    process, folder = begun(tmp_path)
    with pytest.raises(CouldNotRun, match="is being written by another process"):
        resumed(folder)
    assert ended(process) == DONE
