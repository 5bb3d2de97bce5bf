"""Every key of a campaign's file is an option, and both describe the same campaign."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.campaign.cells import CampaignPlan
from harness.campaign.journal import Journal
from harness.campaign.reading import CampaignKeys, CanaryKeys, CellKeys
from harness.errors import CouldNotRun
from tests.ackproof.cli.test_campaign import ackproof


class Both(NamedTuple):
    """One key with a value, in a file and as options."""

    key: str
    line: str
    options: tuple[str, ...]
    cells: str = ""
    """What a value needs next to it in its table of cells."""
    more: tuple[str, ...] = ()
    """The same as options."""


REAL, REAL_OPTIONS = 'world = "local"\nworkload = "cas"', ("--world", "local", "--workload", "cas")
CAMPAIGN = (
    Both("name", 'name = "held"', ("--name", "held")),
    Both("seeds", "seeds = 3", ("--seeds", "3")),
    Both("first_seed", "first_seed = 7", ("--first-seed", "7")),
    Both("seconds", "seconds = 90.5", ("--seconds", "90.5")),
    Both("simulated_seconds", "simulated_seconds = 0", ("--simulated-seconds", "0")),
    Both("runs", "runs = 4", ("--runs", "4")),
    Both("stop_at_first", "stop_at_first = true", ("--stop-at-first",)),
    Both("retries", "retries = 0", ("--retries", "0")),
    Both("stability", "stability = 0", ("--stability", "0")),
)
CELLS = (
    Both(
        "system",
        'system = ["reference-node", "etcd"]',
        ("--system", "reference-node", "--system", "etcd"),
        REAL,
        REAL_OPTIONS,
    ),
    Both("core", 'core = "none"', ("--core", "none")),
    Both("workload", 'workload = ["cas", "set"]', ("--workload", "cas", "--workload", "set")),
    Both("nemesis", 'nemesis = ["kill,pause", "none"]', ("--nemesis", "kill,pause", "--nemesis", "none")),
    Both("nodes", 'nodes = [3, "drawn"]', ("--nodes", "3", "--nodes", "drawn")),
    Both("world", 'world = ["sim", "local"]', ("--world", "sim", "--world", "local")),
    Both("mutant", 'mutant = ["forgetful", "none"]', ("--mutant", "forgetful", "--mutant", "none")),
    Both("lease", "lease = [true, false]", ("--lease", "true", "--lease", "false")),
    Both("concurrency", 'concurrency = [4, "drawn"]', ("--concurrency", "4", "--concurrency", "drawn")),
    Both("rate", "rate = [40, 300]", ("--rate", "40", "--rate", "300")),
    Both("time_limit_s", "time_limit_s = [20, 9]", ("--time-limit", "20", "--time-limit", "9")),
    Both("fault_seconds", 'fault_seconds = "2-3"', ("--fault-seconds", "2-3"), REAL, REAL_OPTIONS),
    Both(
        "minimum_acknowledged",
        "minimum_acknowledged = 11",
        ("--minimum-acknowledged", "11"),
        REAL,
        REAL_OPTIONS,
    ),
    Both(
        "system_options",
        'system_options = {heap = "64m", password = "env:HELD"}',
        ("--system-option", "heap=64m", "--system-option", "password=env:HELD"),
        REAL,
        REAL_OPTIONS,
    ),
    Both(
        "nodes_file",
        'nodes_file = "hosts.txt"',
        ("--nodes-file", "hosts.txt"),
        'world = "ssh"\nworkload = "cas"',
        ("--world", "ssh", "--workload", "cas"),
    ),
    Both("script", 'script = "kazoo-counted-twice"', ("--script", "kazoo-counted-twice")),
    Both("seeds", "seeds = 3", ("--seeds", "3")),
    Both("first_seed", "first_seed = 7", ("--first-seed", "7")),
)
CANARY = (
    Both("mutant", 'mutant = "index-lies"', ("--canary", "index-lies")),
    Both(
        "seeds",
        'mutant = "forgetful"\nseeds = 6',
        ("--canary", "forgetful", "--canary-seeds", "6"),
    ),
)


def planned(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str | Path) -> CampaignPlan:
    """What a campaign would do with these arguments."""
    plans: list[CampaignPlan] = []

    def create(_store: Path, plan: CampaignPlan) -> Journal:
        plans.append(plan)
        raise CouldNotRun("not now")

    monkeypatch.setattr(Journal, "create", create)
    monkeypatch.setattr("harness.campaign.refusals.checked", lambda plan: plan)
    monkeypatch.setattr("harness.campaign.budget.shortages.shortages", lambda *_: ())
    done = ackproof("campaign", "run", *arguments, "--store", folder / "store")
    assert plans, (done.output, done.exception)
    return plans[0]


@pytest.mark.parametrize(
    ("table", "both"),
    [
        *(("", both) for both in CAMPAIGN),
        *(("[[cells]]", both) for both in CELLS),
        *(("[canary]", both) for both in CANARY),
    ],
    ids=lambda value: value.key if isinstance(value, Both) else value or "campaign",
)
def test_a_key_and_its_option_describe_the_same_campaign(
    table: str, both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {"": "", "[canary]": "", "[[cells]]": both.cells}
    lines[table] += "\n" + both.line
    tables = [f"{name}\n{text}" for name, text in lines.items() if text or name != "[canary]"]
    (tmp_path / "plan.toml").write_text("\n".join(tables))
    by_file = planned(monkeypatch, tmp_path, tmp_path / "plan.toml")
    assert planned(monkeypatch, tmp_path, *both.more, *both.options) == by_file
    assert planned(monkeypatch, tmp_path, *both.more) != by_file or both.key == "core"


@pytest.mark.parametrize(
    ("keys", "table"), [(CampaignKeys, CAMPAIGN), (CellKeys, CELLS), (CanaryKeys, CANARY)]
)
def test_no_key_is_left_out_above(keys: type[CampaignKeys], table: tuple[Both, ...]) -> None:
    own = [name for name in keys.__struct_fields__ if name not in ("cells", "canary")]
    assert sorted(both.key for both in table) == sorted(own)


def test_options_next_to_a_file_or_without_their_canary_are_named_as_they_were_given(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("[[cells]]\n")
    options = ("--time-limit", "9", "--system-option", "heap=64m", "--lease", "true")
    refused = ackproof("campaign", "run", file, *options)
    assert "describes the campaign; leave --time-limit, --system-option, --lease out" in refused.output
    refused = ackproof("campaign", "run", "--canary-seeds", "3")
    assert "--canary-seeds belongs to a canary" in refused.output
    refused = ackproof("campaign", "run", "--rate", "fast")
    assert "'fast' is not a valid" in refused.output
