"""Before it starts, a campaign says which of its times are too short."""

from __future__ import annotations

from msgspec.structs import replace

from harness.campaign.budget.shortages import shortages
from harness.campaign.cells import Cell
from tests.harness.campaign.fakes import plan

REAL = Cell(world="local", workload="register", nodes=3, nemesis=("kill", "partition"), time_limit_s=6)


def test_a_cell_whose_faults_cannot_all_have_their_turn_is_named_with_the_time_that_suffices() -> None:
    two = Cell(world="local", workload="cas", nodes=3, nemesis=("kill", "partition"), time_limit_s=6)
    (short,) = shortages(plan(REAL, two))
    assert (short.given_s, short.enough_s, short.cells) == (6, 16, (REAL.name, two.name))
    assert short.text == (
        "time_limit_s is 6, which is too short: the first turns of kill, partition, and of all at once, take "
        f"up to 16 s, and a fault without a turn makes a run unknown: {REAL.name} and 1 more cells"
    )


def test_a_cell_with_short_faults_with_one_fault_or_with_none_has_time_enough() -> None:
    short = Cell(
        world="local", nodes=3, nemesis=("kill", "partition"), time_limit_s=10, fault_seconds="0.5-1"
    )
    one = Cell(world="local", nodes=3, nemesis=("kill",), time_limit_s=6)
    none = Cell(world="local", nodes=3, nemesis=(), time_limit_s=1)
    left_open = Cell(world="local", nodes=3, nemesis=("kill", "partition"))
    assert shortages(plan(short, one, none, left_open)) == ()


def test_a_cell_whose_faults_all_begin_in_time_is_said_to_cut_them_short() -> None:
    for world in ("local", "sim"):
        cell = Cell(world=world, workload="register", nodes=3, nemesis=("kill",), time_limit_s=4, seeds=20)
        if world == "sim":
            cell = replace(cell, nemesis=("kill", "partition"), time_limit_s=12)
            (least,) = shortages(plan(replace(cell, time_limit_s=1)))
            assert "without a turn" in least.text
            cell = replace(cell, time_limit_s=int(least.enough_s) - 1)
        (short,) = shortages(plan(cell))
        assert "each begins in time" in short.text
        assert "without a turn" not in short.text


def test_of_a_simulated_cell_the_lengths_that_its_seeds_draw_count() -> None:
    cell = Cell(nodes=3, nemesis=("kill", "partition"), time_limit_s=1, seeds=10)
    (short,) = shortages(plan(cell))
    assert 4 <= short.enough_s <= 20
    long = Cell(nodes=3, nemesis=("kill", "partition"), time_limit_s=int(short.enough_s), seeds=10)
    assert shortages(plan(long, Cell(nodes=3, nemesis=("kill",)))) == ()


def test_a_budget_in_which_not_each_cell_has_one_run_is_too_short() -> None:
    cells = [
        Cell(world="local", nodes=3, nemesis=("kill",), time_limit_s=10, workload=workload)
        for workload in ("register", "cas")
    ]
    (short,) = shortages(plan(*cells, most_s=39.0), rest_of_run_s=10.0)
    assert (short.given_s, short.enough_s) == (39, 40)
    assert short.text == (
        "a budget of 39 s is too short for one run of each cell: 2 real ones take about 40 s, one at a time; "
        "give --seconds 40, or --real-jobs 2; as it is, no run is left for local, reference-node, cas, kill, "
        "3 nodes, time limit 10"
    )
    (shorter,) = shortages(plan(*cells, most_s=19.0), rest_of_run_s=10.0)
    assert shorter.text.endswith("no run is left for " + f"{cells[0].name} and 1 more")
    (almost,) = shortages(plan(*cells, most_s=39.9), rest_of_run_s=9.9)
    assert almost.text.endswith("or --real-jobs 2")  # 39.8 s are enough, and 40 are asked for
    assert shortages(plan(*cells, most_s=40.0), rest_of_run_s=10.0) == ()
    assert shortages(plan(*cells)) == ()
    assert shortages(plan(*cells, most_s=20.0), real_jobs=2, rest_of_run_s=10.0) == ()
    open_cells = [replace(cell, time_limit_s=None) for cell in cells]
    assert (
        shortages(plan(*open_cells, most_s=39.0), rest_of_run_s=10.0) == ()
    )  # the shares are shorter than 10 s
