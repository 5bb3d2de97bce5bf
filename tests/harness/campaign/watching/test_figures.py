"""Figures of a campaign: what is new, and how far results can be trusted; the file of live data."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from checkers.verdict import Validity
from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import usual_executors
from harness.campaign.journal import RunLine, read
from harness.campaign.merging import merged
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from harness.campaign.watching.behaviours import behaviours
from harness.campaign.watching.figures import FigureCounter
from harness.campaign.watching.live import LIVE
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from tests.harness.campaign.fakes import INVALID, VALID, carried_out, plan, resumed

SMALL = Cell(nodes=3, time_limit_s=2, rate=40, seeds=3)
UNITS = st.builds(Unit, st.integers(0, 1), st.integers(0, 3), st.booleans())


def seen(_cell: Cell, seed: int) -> Outcome:
    """Each seed does what the one before did, and one thing more."""
    return Outcome(Validity.VALID, digest="d", behaviours=tuple(range(seed + 1)))


@given(
    st.dictionaries(UNITS, st.tuples(st.sampled_from(Validity), st.sampled_from("ab")), max_size=16),
    st.data(),
)
def test_counting_line_by_line_gives_what_counting_at_the_end_gives(
    results: dict[Unit, tuple[Validity, str]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(results)))
    lines = [
        RunLine(*unit[:2], Outcome(results[unit][0], digest=results[unit][1]), "", again=unit.again)
        for unit in order
    ]
    figures = FigureCounter(lines).at(10.0)
    twice = [unit for unit in results if not unit.again and unit._replace(again=True) in results]
    once = [unit for unit in results if not unit.again or unit._replace(again=False) not in results]
    assert (figures.seeds, figures.compared) == (len(once), len(twice))
    assert figures.differing == sum(results[unit] != results[unit._replace(again=True)] for unit in twice)
    unknown = sum(results[unit][0] is Validity.UNKNOWN for unit in once)
    assert figures.proved_nothing == (round(unknown / len(once), 4) if once else 0.0)


def test_a_run_is_the_same_set_of_behaviours_again_and_few_seeds_show_most_of_them() -> None:
    def of(seed: int) -> set[int]:
        ran = run(plan_of(seed, SMALL.seed_options()))
        return set(behaviours((life for lives in ran.traces.values() for life in lives), ran.operations))

    first = of(1)
    assert first == of(1)
    assert len(first) > 50
    assert 0 < len(of(2) - first) < len(first)


def test_a_journal_keeps_what_is_new_and_goes_on_counting_after_an_interruption(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan(Cell(seeds=5), most_runs=3), seen)
    assert [line.new for line in stored.runs] == [(0,), (1,), (2,)]
    assert all(line.outcome.behaviours == () for line in stored.runs)

    def interrupted(cell: Cell, seed: int) -> Outcome:
        if seed == 2:
            raise KeyboardInterrupt
        return seen(cell, seed)

    half = carried_out(tmp_path, plan(Cell(seeds=5)), interrupted)
    whole = resumed(half.folder, seen)
    assert [line.new for line in whole.runs] == [(seed,) for seed in range(5)]
    assert summary_of(whole).figures.behaviours == 5


def test_shards_that_are_merged_show_each_behaviour_as_new_once(tmp_path: Path) -> None:
    shards = [
        carried_out(tmp_path / str(part), plan(Cell(seeds=4), shard=(part, 2)), seen) for part in (1, 2)
    ]
    whole = merged([shard.folder for shard in shards], tmp_path / "whole")
    new = [one for line in whole.runs for one in line.new]
    assert sorted(new) == [0, 1, 2, 3]


def test_the_live_file_holds_the_counts_of_the_end(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan(SMALL, stability=1), make=usual_executors(1))
    live = json.loads((stored.folder / LIVE).read_text())
    figures = summary_of(stored).figures
    assert (live["version"], live["done"], live["asked"]) == (1, 4, 4)
    assert live["ended"] == "all runs are done"
    assert (
        sum(live["cells"][0][mark] for mark in ("valid", "invalid", "unknown"))
        == 3
        == live["cells"][0]["runs"]
    )
    assert live["figures"]["behaviours"] == figures.behaviours > 50
    assert (figures.seeds, figures.compared, figures.differing) == (3, 1, 0)
    assert len(read(stored.folder).runs) == 4


def test_a_live_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        (folder,) = tmp_path.iterdir()
        if seed == 0:
            (folder / LIVE).mkdir()
        return VALID

    assert len(carried_out(tmp_path, plan(Cell(seeds=3)), perform).runs) == 3


def test_the_line_of_progress_says_whether_anything_is_new() -> None:
    counter = FigureCounter([RunLine(0, 1, VALID, "", elapsed_s=3.0, new=(1, 2, 3))])
    progress = CampaignProgress(quiet=True)
    assert "3 behaviours, 18 new a minute, the last 7 s ago" in progress.line(10.0, counter.at(10.0))


def test_the_line_of_progress_begins_with_what_is_done_and_the_time_left() -> None:
    progress = CampaignProgress(quiet=True)
    progress.start(4, plan(), 0.0)
    progress.count(Cell(), VALID, is_new=True)
    assert progress.line(20.0).startswith("1 of 4 runs, about 60 s left, ")


def test_the_line_of_progress_counts_what_a_canary_shows_apart() -> None:
    progress = CampaignProgress(quiet=True)
    progress.start(4, plan(), 0.0)
    for cell, outcome in ((Cell(is_canary=True), INVALID), (Cell(is_canary=True), VALID), (Cell(), VALID)):
        progress.count(cell, outcome, is_new=True)
    assert "0 invalid, 1 of canaries as expected, 0 proved nothing" in progress.line(1.0)
    progress.count(Cell(), INVALID, is_new=True)
    assert "1 invalid, 1 of canaries as expected" in progress.line(1.0)
