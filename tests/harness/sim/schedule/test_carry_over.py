"""A simulated schedule on real processes: what is carried over, and what is reported as not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from harness.nemesis.action import nodes_of
from harness.nemesis.faults.network.partition import Cut
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.run.test import Test
from harness.sim.command import shrunk
from harness.sim.plan.decisions import RoundTrip
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.scheduled_faults import CrashAfterElection, CrashAtEffect, MuteLeader
from harness.sim.schedule.carry_over import Carried, carry_over, undone
from harness.sim.schedule.overrides import (
    ElectionOverride,
    MessageOverride,
    Overrides,
    RequestOverride,
    TearOverride,
    WriteOverride,
)
from harness.sim.schedule.schedule import Schedule, ScheduleStep, play
from harness.sim.schedule.story import story
from history import NEMESIS, Operation, read_history

MS = 1_000_000
FORGETFUL = SeedOptions(nodes=3, time_limit_s=3, rate=20, nemesis=("kill:all",), mutant="forgetful")


def schedule(**changes: object) -> Schedule:
    test = Test(nodes=("n1", "n2", "n3"), nemesis=("kill", "partition"), concurrency=2, time_limit_s=1)
    plan = Plan(test=test, settings={"snapshot_entries": 5, "max_in_flight": 1}, drift_ppm={"n1": 200})
    steps = (
        ScheduleStep(3100 * MS, 0, "lookup", "svc-0/10.0.0.1:8080", None, "n1"),
        ScheduleStep(3200 * MS, NEMESIS, "kill", actions=(Kill(("n2",)),)),
        ScheduleStep(3500 * MS, NEMESIS, "start", actions=(Start(("n2",)),)),
    )
    base = Schedule(plan=plan, until=4000 * MS, steps=steps)
    return msgspec.structs.replace(base, **changes)


def carried(one: Schedule) -> Carried:
    return carry_over(one, play(one))


def lines_of(of: Carried, how: str) -> str:
    return "\n".join(line.what for line in of.lines if line.how == how)


def test_operations_and_faults_are_carried_over_as_they_are() -> None:
    lines = lines_of(carried(schedule()), "as it is")
    assert "3 nodes" in lines
    assert "at 3100 ms client 0 asks n1: lookup svc-0" in lines
    assert "at 3200 ms kill n2" in lines
    assert "at 3500 ms start n2" in lines
    assert "snapshot_entries is 5" in lines


def test_what_happens_to_messages_writes_clocks_and_time_outs_is_said_not_to_be_carried_over() -> None:
    overrides = Overrides(
        messages=(MessageOverride("n1", "n2", 4, ()),),
        writes=(WriteOverride("n1", 2, 50 * MS),),
        tears=(TearOverride("n1", 2, 1),),
        elections=(ElectionOverride("n3", 1, 20 * MS),),
        requests=(RequestOverride(1, RoundTrip(reset=True)),),
    )
    scheduled_faults = (MuteLeader("n1", 1, "n2", 4, 70 * MS), CrashAfterElection("n2", 9, 10, True, 5 * MS))
    one = schedule(overrides=overrides, scheduled_faults=scheduled_faults)
    lines = lines_of(carried(one), "not")
    for what in (
        "message 4 from n1 to n2 is lost",
        "write 2 of n1 takes 50 ms",
        "write 2 of n1 is torn",
        "n3's election time-out 1",
        "client request 1 loses its reply",
        "while n1 leads after its election 1, n2 gets its first 4 messages, for 70 ms",
        "n2 loses power 10 effects after it won its election 9",
        "n1's clock runs 200 ppm fast",
        "max_in_flight is 1",
    ):
        assert what in lines


def test_every_line_of_the_story_is_carried_over_or_said_not_to_be() -> None:
    one = schedule(scheduled_faults=(CrashAtEffect("n1", 40, False, 300 * MS),))
    lines = "\n".join(line.what for line in carried(one).lines)
    for line in list(story(one))[1:]:
        assert line in lines


def test_a_crash_between_two_effects_becomes_a_kill_at_its_time_and_a_start_after_it() -> None:
    one = schedule(
        scheduled_faults=(
            CrashAtEffect("n1", 40, False, 300 * MS),
            CrashAtEffect("n3", 10_000_000, False, 20 * MS),
        )
    )
    of = carried(one)
    kills = [step for step in of.steps if step.actions == (Kill(("n1",)),)]
    starts = [step for step in of.steps if step.actions == (Start(("n1",)),)]
    assert len(kills) == len(starts) == 1
    assert starts[0].at - kills[0].at == 300 * MS
    ended = [life.ended_at for life in play(one).lives if life.ended_by == "crash"]
    assert [kills[0].at] == ended
    assert "n1 crashes before its effect 40" in lines_of(of, "about")
    assert "n3 crashes before its effect 10000000" in lines_of(of, "not")


def test_a_crash_after_an_election_becomes_a_kill_too() -> None:
    calm = play(schedule())
    led = [
        node
        for node, lives in calm.traces.items()
        for lines in lives
        for line in lines
        if line.event == "role" and line.role == "leader"
    ]
    one = schedule(scheduled_faults=(CrashAfterElection(led[0], 1, 30, False, 200 * MS),))
    of = carried(one)
    mine = [step.f for step in of.steps if step.actions and nodes_of(step.actions[0]) == (led[0],)]
    assert mine[:2] == ["kill", "start"]
    assert f"{led[0]} crashes 30 effects after it won its election 1" in lines_of(of, "about")


def test_a_fault_that_this_host_cannot_have_is_left_out_with_the_reason() -> None:
    one = schedule()
    of = carry_over(one, play(one), lambda fault: "needs root" if fault == "kill" else None)
    assert of.test.nemesis == ("partition",)
    assert [step.f for step in of.steps] == ["lookup"]
    refused = [line for line in of.lines if line.why == "needs root"]
    assert [line.what for line in refused] == ["at 3200 ms kill n2", "at 3500 ms start n2"]
    assert {line.how for line in refused} == {"not"}


def test_waits_are_as_long_as_virtual_time_passed() -> None:
    of = carried(schedule())
    script = of.course.main(900 * MS)
    assert [step.at for step in script.steps] == [900 * MS, 1000 * MS, 1300 * MS]  # type: ignore[union-attr]
    assert script.until == 1800 * MS  # type: ignore[union-attr]


def test_what_real_processes_could_not_do_is_reported() -> None:
    def completion(*actions: dict[str, object]) -> Operation:
        return Operation(1, 2, NEMESIS, "info", "partition", value={"actions": list(actions)})

    cut = {"kind": "Cut", "nodes": [], "links": [["n1", "n2"]], "took_effect": False, "error": "no proxy"}
    done = {**cut, "took_effect": True, "error": None}
    assert list(undone([completion(cut, done)])) == ["cut n1->n2: no proxy"]
    assert Cut((("n1", "n2"),))  # the action that is meant


@pytest.mark.campaign
def test_a_shrunk_schedule_shows_its_violation_on_real_processes_too(tmp_path: Path) -> None:
    """A kill and a start: whatever the timing, a node that forgets its term says so when it starts."""
    shrunk(2, FORGETFUL, tmp_path / "small.json", quiet=True)
    done = CliRunner().invoke(
        cli, ["replay", str(tmp_path / "small.json"), "--world", "local", "--store", str(tmp_path / "store")]
    )
    assert done.exit_code == 1, done.output
    assert "as it is: 2 nodes, mutant forgetful" in done.output
    assert "in the simulated world: invalid (term-monotonic" in done.output
    assert "on local processes:     invalid" in done.output
    history = read_history(tmp_path / "store" / "latest" / "history.jsonl")
    assert [operation.f for operation in history if not operation.is_client][:1] == ["kill"]


def test_a_world_that_cannot_play_a_file_is_refused_with_what_can(tmp_path: Path) -> None:
    way = tmp_path / "way.json"
    way.write_text('{"ackproof_way": 1}', encoding="utf-8")
    for arguments, what in [
        (["--world", "mars"], "'mars' is not one of 'sim', 'local'"),
        (["--world", "local"], "files of `ackproof sim --shrink`"),
        (["--base-port", "5000"], "--base-port is for --world local"),
    ]:
        done = CliRunner().invoke(cli, ["replay", str(way), *arguments])
        assert done.exit_code == 2  # of click; `main` makes it 254
        assert what in done.output
