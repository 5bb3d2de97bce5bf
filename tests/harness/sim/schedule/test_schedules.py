"""Schedules repeat a run exactly, shrink to what matters, and are replayed as they are or not at all."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from checkers.verdict import Validity, Verdict
from harness.errors import CouldNotRun
from harness.nemesis.action import Action
from harness.nemesis.faults.clock.drift import ResetRate, SetRate
from harness.nemesis.faults.cluster.ambush import LieInWait
from harness.nemesis.faults.cluster.membership import ChangeMembership
from harness.nemesis.faults.network.partition import Cut
from harness.sim.command import replayed, shrunk
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.scheduled_faults import CrashAtEffect
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun
from harness.sim.schedule import shrink as shrinking
from harness.sim.schedule.replay import digest_of, load, save
from harness.sim.schedule.schedule import Schedule, ScheduleStep, as_played, play, play_and_clear, record
from harness.sim.schedule.shrink import DoesNotFail, shrink, size, verdict_of, without_node
from harness.sim.schedule.story import step_in_words, story
from harness.sim.seeds.hunting import options_for

FORGETFUL = SeedOptions(nodes=3, time_limit_s=3, rate=20, nemesis=("kill:all",), mutant="forgetful")


@cache
def recorded(seed: int, options: SeedOptions | None = None) -> tuple[Schedule, SimulatedRun]:
    """The schedule and the run of a seed; no test changes them, so tests share them."""
    return record(plan_of(seed, options))


@pytest.mark.parametrize("seed", range(12))
def test_a_recorded_schedule_repeats_its_run(seed: int) -> None:
    schedule, ran = recorded(seed)
    again = play(schedule)
    assert again.traces == ran.traces
    assert again.disks == ran.disks
    clients = [operation for operation in ran.operations if operation.is_client]
    assert [operation for operation in again.operations if operation.is_client] == clients


def test_a_schedule_can_be_kept_and_read_again() -> None:
    schedule, _ = recorded(9)
    assert msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule) == schedule


def test_a_forgetful_node_shrinks_to_one_kill_and_one_start() -> None:
    schedule, _ = recorded(2, FORGETFUL)
    found = shrink(schedule, "term-monotonic", most_runs=300)
    assert found.verdict.validity is Validity.INVALID
    assert size(found.schedule) <= 3 < size(schedule)
    assert len(found.schedule.plan.test.nodes) < 3
    assert verdict_of(play(found.schedule), "term-monotonic") == found.verdict


def test_shrinking_that_is_cut_short_still_gives_a_schedule_that_fails() -> None:
    schedule, _ = recorded(2, FORGETFUL)
    found = shrink(schedule, "term-monotonic", most_runs=5)
    assert found.runs == 5
    assert verdict_of(play(found.schedule), "term-monotonic").validity is Validity.INVALID


def test_shrinking_ends_at_once_where_nothing_more_is_to_be_run() -> None:
    schedule, _ = recorded(2, FORGETFUL)
    answers: list[bool] = []

    def may_go_on() -> bool:
        answers.append(len(answers) < 7)
        return answers[-1]

    assert shrink(schedule, "term-monotonic", may_go_on=may_go_on).runs == 8
    assert answers.count(False) == 1, "candidates were made that nobody runs"


def test_a_deviation_that_nothing_meets_is_cleared_away() -> None:
    schedule, ran = recorded(2)
    shorter = msgspec.structs.replace(schedule, until=0, steps=schedule.steps[:5])
    again, cleared = play_and_clear(shorter)
    assert len(cleared.overrides.messages) < len(schedule.overrides.messages) / 2
    assert digest_of(play(cleared)) == digest_of(again)
    same, whole = play_and_clear(schedule)
    assert whole == schedule
    assert same.traces == ran.traces


def test_what_was_shrunk_has_no_deviation_that_nothing_meets_even_where_it_was_cut_short() -> None:
    schedule, _ = recorded(2, FORGETFUL)
    found = shrink(schedule, "term-monotonic", most_runs=4).schedule
    assert found.overrides.messages
    assert play_and_clear(found)[1].overrides == found.overrides


def test_what_a_whole_client_or_link_did_is_left_out_at_once() -> None:
    """Line by line, after 300 runs, more than a thousand lines of this were left."""
    schedule, _ = record(plan_of(6, options_for("term-not-persisted")))
    found = shrink(schedule, "term-monotonic", most_runs=300)
    assert size(found.schedule) <= 10


def test_a_change_of_membership_that_matters_survives_shrinking() -> None:
    schedule, _ = recorded(5, SeedOptions(mutant="lead-after-removal"))
    found = shrink(schedule, "membership", most_runs=100)
    (action,) = (action for step in found.schedule.steps for action in step.actions)
    assert isinstance(action, ChangeMembership)
    assert action.change == "remove"
    assert size(found.schedule) <= 40


def test_what_does_not_fail_cannot_be_shrunk() -> None:
    schedule, _ = record(plan_of(2, msgspec.structs.replace(FORGETFUL, mutant=None)))
    with pytest.raises(DoesNotFail, match="term-monotonic finds no violation"):
        shrink(schedule, "term-monotonic")


def test_nothing_is_left_of_a_node_that_was_taken_out() -> None:
    schedule, _ = record(plan_of(4, SeedOptions(nodes=4, nemesis=("kill", "partition"))))
    assert b'"n4"' in msgspec.json.encode(schedule)
    assert b'"n4"' not in msgspec.json.encode(without_node(schedule, "n4"))


def test_a_node_is_taken_out_with_the_faults_that_need_it() -> None:
    plan = plan_of(1, SeedOptions(nodes=2, nemesis=("loss", "kill:n2", "kill")))
    less = without_node(Schedule(plan, until=0, steps=()), "n2")
    assert less.plan.test.nemesis == ("kill",)
    play(less)


@cache
def shrunk_files() -> dict[str, str]:
    """What shrinking a forgetful node leaves behind: the text of each file by the end of its name."""
    with TemporaryDirectory() as folder:
        shrunk(2, FORGETFUL, Path(folder) / "small.json", quiet=True)
        return {path.name.removeprefix("small"): path.read_text() for path in Path(folder).iterdir()}


def saved(path: Path) -> Path:
    for ending, text in shrunk_files().items():
        path.with_name(path.stem + ending).write_text(text)
    return path


def test_a_saved_schedule_is_replayed_exactly_and_has_a_picture(tmp_path: Path) -> None:
    file = saved(tmp_path / "small.json")
    assert "term 1" in json.loads(file.read_text())["violation"]
    assert file.with_suffix(".svg").read_text().startswith("<svg")
    assert "✕ must not happen" in file.with_suffix(".mmd").read_text()
    folder, warning = replayed(file, tmp_path / "store", ["test"], anyway=False)
    assert warning is None
    assert (folder.path / "history.jsonl").exists()
    ended = CliRunner().invoke(cli, ["replay", str(file), "--store", str(tmp_path / "store"), "--json"])
    assert ended.exit_code == 1
    wrong = [one["checker"] for one in json.loads(ended.stdout)["verdicts"] if one["validity"] == "invalid"]
    assert "term-monotonic" in wrong


def test_a_schedule_of_other_code_says_what_differs_and_is_not_replayed(tmp_path: Path) -> None:
    file = saved(tmp_path / "small.json")
    changed = json.loads(file.read_text())
    changed["code"]["node_impl/core/raft"] = "0" * 16
    file.write_text(json.dumps(changed))
    with pytest.raises(CouldNotRun, match="node_impl/core/raft changed since"):
        load(file)
    assert load(file, anyway=True).checker == "term-monotonic"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is no schedule"),
        ('{"ackproof_schedule": 99}', "format 99, and this ackproof reads format 2"),
        ('{"ackproof_schedule": 1}', "format 1, .* simulated faults had other names"),
        ('{"ackproof_schedule": 2}', "missing required field `checker`"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(CouldNotRun, match=what):
        load(file)


@pytest.mark.parametrize(
    ("part", "line", "what"),
    [
        (
            "steps",
            {"at": 1, "thread": 0, "f": "lookup", "node": "n9"},
            r"steps\[0\] names a node 'n9', and its",
        ),
        ("steps", {"at": 1, "thread": 99, "f": "lookup", "node": "n1"}, r"steps\[0\] is of thread 99"),
        (
            "steps",
            {"at": 1, "thread": -1, "f": "kill", "actions": [{"type": "Kill", "nodes": ["n1", "n9"]}]},
            r"steps\[0\] names a node 'n9'",
        ),
        (
            "steps",
            {"at": 1, "thread": -1, "f": "cut", "actions": [{"type": "Cut", "links": [["n9", "n1"]]}]},
            r"steps\[0\] names a node 'n9'",
        ),
        (
            "steps",
            {
                "at": 1,
                "thread": -1,
                "f": "change",
                "actions": [{"type": "ChangeMembership", "nodes": [], "change": "remove", "at": "n1"}],
            },
            r"length >= 1 - at `\$.schedule.steps\[0\].actions",
        ),
        (
            "scheduled_faults",
            {"type": "MuteLeader", "node": "n1", "election": 1, "receiver": "n9", "heard": 1, "for_ns": 1},
            r"scheduled_faults\[0\] names a node 'n9'",
        ),
    ],
)
def test_a_line_that_cannot_be_played_is_refused_and_named(
    part: str, line: object, what: str, tmp_path: Path
) -> None:
    file = saved(tmp_path / "small.json")
    changed = json.loads(file.read_text())
    changed["schedule"][part] = [line]
    file.write_text(json.dumps(changed))
    with pytest.raises(CouldNotRun, match=what):
        load(file)


def test_a_deviation_of_a_node_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "small.json")
    changed = json.loads(file.read_text())
    changed["schedule"]["overrides"] = {
        "messages": [{"sender": "n1", "receiver": "n9", "n": 1, "delays": []}]
    }
    file.write_text(json.dumps(changed))
    with pytest.raises(CouldNotRun, match=r"overrides.messages\[0\] names a node 'n9'"):
        load(file)


def test_a_run_that_differs_from_the_recorded_one_is_reported(tmp_path: Path) -> None:
    file = saved(tmp_path / "small.json")
    changed = json.loads(file.read_text())
    changed["run"] = "0" * 16
    file.write_text(json.dumps(changed))
    with pytest.raises(CouldNotRun, match="not the recorded one"):
        replayed(file, tmp_path / "store", ["test"], anyway=False)


def test_every_step_of_what_was_shrunk_says_when_it_is_done() -> None:
    schedule, _ = recorded(5, SeedOptions(mutant="lead-after-removal"))
    small = shrink(schedule, "membership", most_runs=20).schedule
    assert any(step.thread >= 0 for step in small.steps)
    invoked = [operation.time for operation in play(small).operations if operation.type == "invoke"]
    assert [step.at for step in small.steps] == invoked
    early = msgspec.structs.replace(
        small, steps=tuple(msgspec.structs.replace(step, at=0) for step in small.steps)
    )
    assert digest_of(play(as_played(early))) == digest_of(play(early))


def test_a_story_tells_every_line_of_a_schedule(tmp_path: Path) -> None:
    schedule, ran = recorded(9)
    lines = list(story(schedule))
    assert len(lines) >= size(schedule)
    assert lines[0].startswith("3 nodes: n1, n2, n3")
    save(tmp_path / "whole.json", schedule, ran, "durability", "none")
    assert load(tmp_path / "whole.json").schedule == schedule
    assert load(tmp_path / "whole.json").run == digest_of(ran)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (ChangeMembership(("n3",), "remove", "n2"), "ask n2 to remove n3"),
        (ChangeMembership(("n3",), "add-learner", "n2"), "ask n2 to add n3 as a learner"),
        (ChangeMembership(("n3",), "promote", "n2"), "ask n2 to let n3 vote"),
        (SetRate(("n1", "n2"), -20), "make the clocks of n1 n2 20 % slower"),
        (ResetRate(("n1",)), "reset the clock rate of n1"),
        (Cut((("n1", "n2"),)), "cut n1->n2"),
        (
            LieInWait("uncommitted", "kill", 3, 500),
            "kill the leader of a term after 3 once it holds what it has not committed, within 500 ms",
        ),
    ],
)
def test_actions_are_described_in_words(action: Action, words: str) -> None:
    assert step_in_words(ScheduleStep(at=1, thread=-1, f="strike", actions=(action,))) == words


def test_a_crash_after_many_effects_is_brought_forward_so_that_the_steps_before_it_go() -> None:
    """The steps counted only since their effects came before the crash."""
    schedule, _ = record(plan_of(1, SeedOptions(mutant="forgetful")))
    assert 1169 in [fault.effect for fault in _crashes_at_effects(schedule)]
    found = shrink(schedule, "term-monotonic", most_runs=100)
    assert size(found.schedule) <= 3
    assert all(fault.effect < 1169 for fault in _crashes_at_effects(found.schedule))


def _crashes_at_effects(schedule: Schedule) -> list[CrashAtEffect]:
    return [fault for fault in schedule.scheduled_faults if isinstance(fault, CrashAtEffect)]


def test_a_crash_that_must_hit_an_exact_place_is_tried_at_each_of_the_first_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Halving 937 meets no place between: of 1 to 40 only 17 would show the violation, too."""
    plan = plan_of(1, SeedOptions(nodes=3, time_limit_s=1, rate=20, nemesis=("kill",)))
    schedule, _ = record(
        msgspec.structs.replace(plan, scheduled_faults=(CrashAtEffect("n2", 937, False, 1),))
    )

    def judged(ran: SimulatedRun, checker: str) -> Verdict:
        places = [fault.effect for fault in ran.plan.scheduled_faults if isinstance(fault, CrashAtEffect)]
        return Verdict(checker, Validity.INVALID if places in ([17], [937]) else Validity.VALID, "")

    monkeypatch.setattr(shrinking, "verdict_of", judged)
    found = shrink(schedule, "durable-log", most_runs=120)
    assert [fault.effect for fault in _crashes_at_effects(found.schedule)] == [17]
