"""What brought a violation about is named, and only that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from ackproof.cli.main import cli
from harness.nemesis.faults.processes.lifecycle import Kill
from harness.run.test import Test
from harness.sim.cause.curve import Curve
from harness.sim.cause.tape import NEMESIS_STEP, SCHEDULED, branch, taped
from harness.sim.cause.twin import twin_of
from harness.sim.command import shrunk
from harness.sim.plan.fault_rates import FaultRates
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.scheduled_faults import CrashAtEffect
from harness.sim.schedule.messages import names_of_messages
from harness.sim.schedule.overrides import MessageOverride, Overrides
from harness.sim.schedule.replay import digest_of
from harness.sim.schedule.schedule import Schedule, ScheduleStep, play
from harness.sim.schedule.story import whole_story
from history.units import MILLISECOND_NS, SECOND_NS

NODES = ("n1", "n2")
RATES = FaultRates(delays=("near", "wide"), packet_loss_per_mille=20)
CRASH = CrashAtEffect("n2", 72, True, 167 * MILLISECOND_NS)
"""In term 1: with the bug `forgetful` the violation follows whatever else happens."""


def schedule(
    *, kill_at_ms: int | None = None, crash: bool = True, mutant: str | None = "forgetful"
) -> Schedule:
    steps = [ScheduleStep(400 * MILLISECOND_NS, 0, "register", "svc-1/10.0.0.25:8080", "r1", "n1")]
    if kill_at_ms is not None:
        kill = ScheduleStep(kill_at_ms * MILLISECOND_NS, -1, "kill", actions=(Kill(("n1",)),))
        steps.append(kill)
    test = Test(nodes=NODES, nemesis=("kill",), concurrency=1, minimum_acknowledged=1, mutant=mutant)
    return Schedule(
        plan=Plan(test=test, fault_rates=RATES),
        until=SECOND_NS,
        steps=tuple(steps),
        scheduled_faults=(CRASH,) if crash else (),
    )


def always() -> bool:
    return True


def curve(one: Schedule, checker: str) -> Curve:
    return Curve(one, checker, taped(one).choices, always, lambda _: None)


def test_to_write_choices_down_changes_nothing() -> None:
    one = schedule(kill_at_ms=700)
    assert digest_of(taped(one).ran) == digest_of(play(one))


def test_a_branch_at_the_end_is_the_run_itself() -> None:
    one = schedule(kill_at_ms=700)
    tape = taped(one)
    assert digest_of(branch(one, tape.choices, len(tape.choices), 7)) == digest_of(tape.ran)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
def test_a_branch_shares_its_beginning_and_goes_on_by_another_chance(part: float) -> None:
    one = schedule(crash=False, mutant=None)
    tape = taped(one)
    moment = round(part * len(tape.choices))
    runs = [branch(one, tape.choices, moment, seed) for seed in (0, 0, 1)]
    assert digest_of(runs[0]) == digest_of(runs[1]) != digest_of(runs[2])
    at = tape.choices[moment].at
    for ran in runs:
        for name, lives in ran.traces.items():
            begun = [line for line in tape.ran.traces[name][0] if line.at < at]
            assert lives[0][: len(begun)] == begun


def test_faults_stand_among_the_choices_and_no_branch_before_them_has_them() -> None:
    one = schedule(kill_at_ms=700)
    choices = taped(one).choices
    places = [place for place, choice in enumerate(choices) if choice.place in (NEMESIS_STEP, SCHEDULED)]
    assert [choices[place].what for place in places] == [
        "n2 loses power before its effect 72, for 167 ms",
        "kill n1",
    ]
    lives = [ends(branch(one, choices, moment, 3)) for moment in (places[0], places[0] + 1, places[1] + 1)]
    assert lives == [[], ["n2"], ["n1", "n2"]]


def ends(ran: object) -> list[str]:
    lives = getattr(ran, "lives", ())
    return sorted({life.node for life in lives if life.ended_by in ("power-loss", "kill")})


def test_the_one_fault_that_matters_is_where_the_share_jumps() -> None:
    found = curve(schedule(kill_at_ms=900), "term-monotonic")
    moments = found.measure()
    (jump,) = found.jumps()
    assert jump.what == "n2 loses power before its effect 72, for 167 ms"
    assert (jump.before.violations, jump.after.violations) == (0, jump.after.runs)
    assert [moment.share for moment in moments if moment.at > jump.at] == [1.0] * sum(
        moment.at > jump.at for moment in moments
    )
    assert found.is_whole


def test_a_curve_that_ran_out_of_time_says_so() -> None:
    one = schedule()
    stopped = Curve(one, "term-monotonic", taped(one).choices, lambda: False, lambda _: None)
    assert stopped.measure() == ()
    assert stopped.jumps() == ()
    assert not stopped.is_whole


def test_the_twin_lacks_the_last_thing_that_matters() -> None:
    """The kill comes later, but n1 never starts again: without it the run is still invalid."""
    one = schedule(kill_at_ms=900)
    twin = twin_of(one, "term-monotonic", taped(one).choices, always)
    assert twin is not None
    assert twin.without == "n2 loses power before its effect 72, for 167 ms"
    assert "loses power" in twin.failing
    assert "loses power" not in twin.twin


def test_where_nothing_left_out_helps_there_is_no_twin() -> None:
    start = ScheduleStep(950 * MILLISECOND_NS, -1, "kill")
    steps = [*schedule(kill_at_ms=600).steps, start]
    both = msgspec.structs.replace(schedule(), steps=tuple(steps))
    assert twin_of(both, "no-such-thing-is-asked", taped(both).choices, lambda: False) is None


def test_messages_are_named_by_what_they_say() -> None:
    one = schedule(crash=False, mutant=None)
    names = names_of_messages(one)
    said = {name.partition(" ")[0] for name in names.values()}
    assert {"PreVote", "PreVoteReply", "RequestVote", "RequestVoteReply", "AppendEntries"} <= said
    (link, n), name = next(item for item in names.items() if item[1].startswith("RequestVoteReply"))
    assert name == "RequestVoteReply of term 1 (granted)"
    lost = Overrides(messages=(MessageOverride(*link, n, ()),))
    line = f"{name} from {link[0]} to {link[1]} is lost"
    assert line in whole_story(msgspec.structs.replace(one, overrides=lost))


def called(arguments: Sequence[str]) -> Result:
    return CliRunner().invoke(cli, ["cause", *arguments])


def test_the_command_shows_shares_cause_and_twin_and_draws_them(tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    shrunk(1, SeedOptions(mutant="forgetful"), file, quiet=True)
    ended = called([str(file)])
    assert ended.exit_code == 1, ended.output
    assert "0 of 40 before, 40 of 40 after" in ended.stdout
    assert "The run without a violation that differs last lacks this" in ended.stdout
    drawing = (tmp_path / "small.cause.svg").read_text(encoding="utf-8")
    assert drawing.startswith("<svg")
    assert "loses power" in drawing
    diagram = (tmp_path / "small.cause.mmd").read_text(encoding="utf-8")
    assert diagram.startswith("sequenceDiagram\n")
    assert ": 0.269 s it became likely, n2 loses power" in diagram
    assert "a run differs that shows no violation#59; it lacks, n2 loses power" in diagram
    again = called([str(file), "--json"])
    result = json.loads(again.stdout)["result"]
    assert [jump["before"]["violations"] for jump in result["jumps"]] == [0]


def test_a_file_that_shows_no_violation_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    shrunk(1, SeedOptions(mutant="forgetful"), file, quiet=True)
    plain = json.loads(file.read_bytes())
    plain["schedule"]["scheduled_faults"] = []
    file.write_text(json.dumps(plain))
    ended = called([str(file), "--anyway"])
    assert "finds no violation in this run" in str(ended.exception)
