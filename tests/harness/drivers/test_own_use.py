"""The harness's own use is sampled while it works, stored with the run, and shown next to the nodes'."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from harness.drivers.own_use import own_use, sample_own_use
from harness.run.folder import RunFolder
from harness.run.test import Test
from history import HistoryWriter, Recording, ResourceSample
from history.units import SECOND_NS as S
from reports.html import render
from tests.reports import synthetic


def test_work_shows_in_the_samples() -> None:
    before = own_use(0)
    total = sum(number * number for number in range(2_000_000))
    after = own_use(S)
    assert total > 0
    assert after.cpu_ns > before.cpu_ns
    assert after.memory_bytes > 1 << 20
    assert (after.node, after.time) == ("harness", S)


def test_a_sample_is_taken_at_once_and_the_sampling_ends_when_it_is_cancelled() -> None:
    found: list[ResourceSample] = []

    async def sampled() -> None:
        task = asyncio.create_task(sample_own_use(found.append, clock=lambda: 5))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(sampled())
    assert [one.time for one in found] == [5]


def test_the_samples_are_kept_in_the_folder_of_the_run(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, Test(nodes=("n1",), workload="register", concurrency=1))
    folder.write_test(Test(nodes=("n1",), workload="register", concurrency=1), 0, ["ackproof"])
    with HistoryWriter(folder.history_lines):
        pass
    assert folder.recording().harness_use == ()
    folder.write_own_use([own_use(0), own_use(S)])
    assert [one.time for one in folder.recording().harness_use] == [0, S]


def test_the_page_shows_the_harness_next_to_the_nodes() -> None:
    run = synthetic.recording()
    used = tuple(
        ResourceSample("harness", 1, at * S, at * S // 2, 50_000_000, 20, None, None) for at in range(30)
    )
    fields = {name: getattr(run, name) for name in Recording.__struct_fields__} | {"harness_use": used}
    page = render(Recording(**fields), synthetic.valid_verdicts(), synthetic.about())
    assert "<title>the harness</title>" in page
    without = render(run, synthetic.valid_verdicts(), synthetic.about())
    assert "<title>the harness</title>" not in without
