"""From a file to cells and runs: every combination once, shards share all runs, and bad input is named."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.campaign.cells import CampaignPlan, Cell, Unit, canary, units
from harness.campaign.reading import CampaignKeys, CellKeys, plan_in, plan_of_keys
from harness.campaign.refusals import checked
from harness.campaign.summary import summary_of
from tests.harness.campaign.fakes import carried_out, plan

some = st.lists(st.sampled_from(["registry", "cas", "register", "sessions"]), min_size=1, max_size=3)
nodes = st.lists(st.sampled_from([3, 4, 5, "drawn"]), min_size=1, max_size=3)
faults = st.lists(st.sampled_from(["kill", "kill,partition", "none", "drawn"]), min_size=1, max_size=3)


@given(some, nodes, faults)
def test_every_combination_of_a_table_is_one_cell(
    workloads: list[str], counts: list[int | str], sets: list[str]
) -> None:
    keys = CellKeys(workload=tuple(workloads), nodes=tuple(counts), nemesis=tuple(sets))  # type: ignore[arg-type]
    cells = plan_of_keys(CampaignKeys(cells=(keys,))).cells
    expected = set(product(workloads, counts, sets))
    assert len(cells) == len(expected)
    found = {
        (
            cell.workload,
            cell.nodes or "drawn",
            "drawn" if cell.nemesis is None else ",".join(cell.nemesis) or "none",
        )
        for cell in cells
    }
    assert found == expected


plans = st.builds(
    lambda seeds, stability: CampaignPlan(
        cells=(canary("forgetful", 3), *(Cell(nodes=n, seeds=count) for n, count in enumerate(seeds, 1))),
        stability=stability,
    ),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(0, 2),
)


@given(plans, st.integers(1, 7))
@settings(max_examples=50)
def test_shards_share_all_runs_but_a_canarys_which_belong_to_each(wanted: CampaignPlan, parts: int) -> None:
    whole = list(units(wanted))
    assert len(whole) == len(set(whole))
    shards = [
        list(units(CampaignPlan(cells=wanted.cells, stability=wanted.stability, shard=(part, parts))))
        for part in range(1, parts + 1)
    ]
    canaries = {Unit(0, seed) for seed in range(3)}
    assert all(set(shard) >= canaries for shard in shards)
    rest = [unit for shard in shards for unit in shard if unit not in canaries]
    assert len(rest) == len(set(rest))
    assert {*rest, *canaries} == set(whole)


@given(plans)
def test_a_budget_that_ends_early_has_spent_as_much_on_each_cell(wanted: CampaignPlan) -> None:
    first = [unit for unit in units(wanted) if unit.cell > 0 and not unit.again]
    assert [unit.seed for unit in first] == sorted(unit.seed for unit in first)


def written(folder: Path, text: str) -> Path:
    path = folder / "nightly.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sedes = 3\n[[cells]]\n", "line 1: unknown key 'sedes': did you mean 'seeds'?"),
        ("[[cells]]\nworkloda = 'cas'\n", "line 2: unknown key 'workloda': did you mean 'workload'?"),
        (
            "[[cells]]\nnemisis = 'kill'\n[[cells]]\nnodez = 3\nnodes = 3\n",
            "has unknown keys:\n  line 2: unknown key 'nemisis': did you mean 'nemesis'?",
        ),
        (
            "[[cells]]\nnemisis = 'kill'\n[[cells]]\nnodez = 3\n",
            "\n  line 4: unknown key 'nodez': did you mean",
        ),
        ("[canary]\nmutants = 'x'\nmutant = 'y'\n[[cells]]\n", "line 2: unknown key 'mutants': did you mean"),
        ("[canary]\nmutant = 'forgetfull'\n[[cells]]\n", "unknown mutant 'forgetfull': did you mean"),
        ("[[cells]]\nworld = 'moon'\n", "Invalid enum value 'moon'"),
        ("[[cells]]\nnodes = 'many'\n", ", line 2: Invalid enum value 'many' for the key 'nodes'"),
        ("[[cells]]\nnodes = ['many']\n", ", line 2: Invalid enum value 'many' for the key 'nodes'"),
        (
            "seeds = 3\n[[cells]]\nseeds = 3\n[[cells]]\nseeds = 'many'\n",
            ", line 5: expected a whole number, got a text for the key 'seeds'",
        ),
        ("cells = 3\n", ", line 1: expected a list, got a whole number for the key 'cells'"),
        ("seeds = 3\n", "Object missing required field `cells`"),
        ("retries = -1\n[[cells]]\n", "retries is -1; it may be 0 or more"),
        ("name = '../x'\n[[cells]]\n", "a campaign cannot be named '../x'"),
        ("[[cells]\n", "nightly.toml: "),
    ],
)
def test_a_file_that_is_wrong_is_answered_with_what_and_where(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"nightly\.toml") as refused:
        plan_in(written(tmp_path, text))
    assert message in str(refused.value)


def test_all_that_cannot_be_run_is_refused_in_one_list() -> None:
    wrong = plan(
        Cell(seeds=1),
        Cell(system="etcd"),
        Cell(workload="queue"),
        Cell(nemesis=("kil",)),
        Cell(nodes=0),
        Cell(mutant="forgetfull"),
        Cell(world="local", workload="cas", nemesis=("kill:n9",), nodes=3),
        Cell(world="local", system="no-such-system"),
        Cell(world="local", system="etcd@3.9.9", workload="register", nemesis=()),
        Cell(world="local", system="redis@9.9.9", workload="register", nemesis=()),
        Cell(system="lockstep", workload="register"),
    )
    with pytest.raises(ValueError, match="this campaign cannot be run") as refused:
        checked(wrong)
    lines = str(refused.value).splitlines()[1:]
    for line, words in zip(
        lines,
        (
            "only reference-node runs in the world sim",
            "workload queue needs the data type queue",
            "unknown nemesis 'kil': did you mean 'kill'?",
            "nodes is 0; it may be 1 to",
            "unknown mutant 'forgetfull': did you mean 'forgetful'?",
            "unknown target of nemesis kill 'n9'",
            "unknown system 'no-such-system'",
            "etcd 3.9.9 is not here",
            "redis-server 9.9.9 is not here",
            "a core is named by its command: core =",
        ),
        strict=True,
    ):
        assert words in line


def test_a_campaign_of_a_canary_alone_and_one_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="it has no cell to run"):
        checked(plan(canary("forgetful")))
    with pytest.raises(ValueError, match="it has more than 10,000,000 runs"):
        checked(plan(Cell(seeds=9_999_999), Cell(seeds=9_999_999, workload="cas")))


def test_all_stands_for_the_faults_that_the_simulated_world_can_have() -> None:
    (cell,) = checked(plan(Cell(nemesis=("all",)))).cells
    assert cell.nemesis is not None
    assert {"kill", "partition"} < set(cell.nemesis)
    assert "all" not in cell.nemesis


def test_the_arguments_of_a_run_are_those_of_the_commands() -> None:
    simulated = Cell(workload="cas", nemesis=(), nodes=3, mutant="forgetful", rate=40, time_limit_s=2)
    assert " ".join(simulated.arguments(7)) == (
        "sim --seed 7 --workload cas --nemesis none --nodes 3 --mutant forgetful --rate 40 --time-limit 2"
    )
    real = Cell(system="etcd", world="netns", workload="register", system_options=(("binary", "/x"),))
    assert " ".join(real.arguments(0)) == (
        "run --world netns --system etcd --seed 0 --workload register --system-option binary=/x"
    )


def test_simulated_seconds_of_a_file_bound_the_simulated_runs_alone(tmp_path: Path) -> None:
    file = tmp_path / "matrix.toml"
    cells = "[[cells]]\nseeds = 2\n[[cells]]\nworld = 'local'\nseeds = 2\n"
    file.write_text(f"seconds = 600\nsimulated_seconds = 0\n{cells}")
    wanted = plan_in(file)
    assert (wanted.most_s, wanted.most_simulated_s) == (600, 0)
    stored = carried_out(tmp_path / "store", wanted)
    assert [(line.cell, line.seed) for line in stored.runs] == [(1, 0), (1, 1)]
    assert summary_of(stored).reasons == (
        f"no run: the work ended before the first one: {Cell(seeds=2).name}",
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("simulated_seconds = -1", "simulated_seconds is -1.0; it may be 0 or more"),
        (
            "simulated_seconds = 'all'",
            "line 1: expected a number, got a text for the key 'simulated_seconds'",
        ),
        ("simulated_second = 3", "did you mean 'simulated_seconds'?"),
    ],
)
def test_wrong_simulated_seconds_are_named(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(f"{line}\n[[cells]]\n")
    with pytest.raises(ValueError, match=re.escape(message)):
        plan_in(tmp_path / "m.toml")
