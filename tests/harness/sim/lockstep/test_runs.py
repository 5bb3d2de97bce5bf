"""A right core is valid; a wrong one is caught, shrunk, and replayed with the core that the user names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import CouldNotRun
from harness.sim.command import played_file, shrunk
from harness.sim.judging import judge, results_of
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.replay import digest_of
from node_impl.core.events import Trace
from tests.harness.sim.lockstep.cores import EXAMPLE, changed_example, command, framed, odd

VOTE = '            self.persist("state", self.term, self.vote)'
"""Where the example writes term and vote to the disk."""


def small(core: ForeignCore) -> SeedOptions:
    return SeedOptions(nodes=3, time_limit_s=3, nemesis=("kill",), rate=40, workload="register", core=core)


def test_the_example_is_valid_under_kills(tmp_path: Path) -> None:
    judged = judge(plan_of(3, small(core_of(command(EXAMPLE)))), tmp_path)
    assert judged.invalid == ()
    assert {"liveness", "conformance"}.isdisjoint((*judged.unknown, *judged.not_exercised))
    assert "linearizability" not in judged.unknown


def test_the_same_seed_gives_the_same_run() -> None:
    plan = plan_of(5, small(core_of(command(EXAMPLE))))
    assert digest_of(run(plan)) == digest_of(run(plan))


def test_message_pack_means_the_same() -> None:
    lines, frames = (run(plan_of(5, small(core_of(one)))) for one in (command(EXAMPLE), framed()))
    assert frames.operations == lines.operations
    assert frames.lives == lines.lives
    assert {name: [without_hashes(life) for life in lives] for name, lives in frames.traces.items()} == {
        name: [without_hashes(life) for life in lives] for name, lives in lines.traces.items()
    }


def without_hashes(life: list[Trace]) -> list[Trace]:
    """A trace whose entries have no hash, which is over the bytes that a core wrote."""
    rows = [tuple((index, term, "", op) for index, term, _, op in line.entries) for line in life]
    return [msgspec.structs.replace(line, entries=row) for line, row in zip(life, rows, strict=True)]


@pytest.mark.parametrize(("behaviour", "is_lost"), [("right", False), ("never-persists", True)])
def test_a_write_that_was_never_on_the_disk_is_lost_with_a_kill(
    behaviour: str, is_lost: bool, tmp_path: Path
) -> None:
    options = SeedOptions(
        nodes=1, nemesis=("kill",), time_limit_s=2, rate=40, workload="register", core=odd(behaviour)
    )
    judged = judge(plan_of(1, options), tmp_path)
    assert ("linearizability" in judged.invalid) is is_lost


def test_a_core_that_traces_nothing_is_not_judged_by_raft(tmp_path: Path) -> None:
    ran = run(plan_of(1, SeedOptions(nodes=1, nemesis=(), time_limit_s=1, workload="register", core=odd())))
    marks = {verdict.checker: verdict.mark for verdict in results_of(ran, tmp_path).verdicts}
    assert marks["election-safety"] == marks["durable-before-acknowledge"] == "not applicable"


@pytest.mark.campaign
def test_a_forgotten_vote_is_caught_shrunk_and_replayed(tmp_path: Path) -> None:
    core = core_of(command(changed_example(tmp_path, VOTE, "            pass")))
    file = tmp_path / "small.json"
    found = shrunk(SEED, small(core), file, quiet=True)
    _, ran, warning = played_file(file, anyway=False, core=core)
    assert warning is None
    assert found.verdict.checker in {verdict.checker for verdict in results_of(ran, tmp_path).decisive}
    with pytest.raises(CouldNotRun, match="A file's own command is never run, so name it: --core"):
        played_file(file, anyway=False)
    with pytest.raises(CouldNotRun, match="another version of the core"):
        played_file(file, anyway=False, core=core_of(command(EXAMPLE)))


SEED = 3
