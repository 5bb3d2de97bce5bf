"""A fault with a new effect is one file and one line: it is asked for, carried out, replayed and shown so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import REPOSITORY

HICCUP = '''"""Hiccup: a node's process stops for a moment and goes on by itself."""

from __future__ import annotations

from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.outcome import Outcome


class Hiccup(Action, frozen=True):
    """Stop these nodes' processes, and let them go on after a moment."""

    verb = "interrupt"
    nodes: tuple[str, ...]
    milliseconds: int

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done if a process was seen stopped and seen to go on."""
        processes = world.mechanism(PROCESSES)

        async def interrupt(node: str) -> NodeResult:
            stopped = await processes.pause(node)
            if stopped != DONE:
                return stopped
            await world.sleep(self.milliseconds / 1000)
            return await processes.resume(node)

        return await world.on_each(self.nodes, interrupt)


HICCUP = Fault(
    name="hiccup",
    about="stops node processes for a moment",
    begin="hiccup",
    end="heal-hiccup",
    targets=("leader", "one"),
    planner=NodePlanner("heal-hiccup", lambda nodes, _: (Hiccup(nodes, 40),), lambda every: ()),
    actions=(Hiccup,),
    mechanisms=(PROCESSES,),
    evidence="the state of the process in /proc",
    family="pause",
    begun_by=(Hiccup,),
)
'''

USE = """
from harness.cluster.kinds import HOSTED_WORLDS
from harness.nemesis import NEMESES, nemesis_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.schedule import play, record
from history.nemesis import read_completion
from reports.faults import fault_periods
from reports.spans import Spans

for world in HOSTED_WORLDS.values():
    assert nemesis_of(["hiccup:one"], world).faults[0].targets == ("one",)
schedule, ran = record(plan_of(4, SeedOptions(nodes=3, time_limit_s=4, nemesis=("hiccup",))))
done = [read_completion(one.value) for one in ran.operations if one.f == "hiccup" and one.type == "info"]
took = [action for one in done for action in one.actions if action.took_effect]
assert took and {action.kind for action in took} == {"Hiccup"}, done
again = play(schedule)
assert [one for one in again.operations if one.is_client] == [one for one in ran.operations if one.is_client]
assert again.lives == ran.lives, "a replay carries out the same actions"
recording = ran.recording()
periods = fault_periods(Spans.of(recording.history).nemesis(), ran.ended_at, recording.fault_kinds)
assert {(one.kind, one.hue) for one in periods} == {("hiccup", "pause")}
assert len(periods) == len([one for one in done if any(action.took_effect for action in one.actions)])
print("touched:", "one file and one line")
"""


def test_a_fault_with_a_new_effect_is_one_file_and_one_line(tmp_path: Path) -> None:
    for part in ("checkers", "harness", "history", "node_impl", "reports"):
        shutil.copytree(REPOSITORY / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    faults = tmp_path / "harness" / "nemesis"
    (faults / "faults" / "processes" / "hiccup.py").write_text(HICCUP)
    catalogue = faults / "catalogue.py"
    text = catalogue.read_text()
    listed = text.replace(
        "from harness.nemesis.faults.processes.kill import KILL\n",
        "from harness.nemesis.faults.processes.hiccup import HICCUP\n"
        "from harness.nemesis.faults.processes.kill import KILL\n",
    ).replace("        KILL,\n", "        KILL,\n        HICCUP,\n", 1)
    assert len(listed.splitlines()) == len(text.splitlines()) + 2, "the import, and the line in the list"
    catalogue.write_text(listed)
    ran = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "touched: one file and one line\n"
