"""Campaigns that learn: which states count, what going on means, and that a first seed says it all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.sim.command import many_guided
from harness.sim.judging import Judged
from harness.sim.plan.swarm import Plan, Turn, Wishes
from harness.sim.run import run
from harness.sim.schedule.schedule import play, record
from harness.sim.seeds.coverage import states_of
from harness.sim.seeds.guided import FRESH, ROUND, Guide, Origin, Tried, guided
from node_impl.core.events import Trace

MS = 1_000_000
SHORT = Wishes(nodes=3, time_limit_s=1, rate=20, nemesis=("kill:leader",))


def turned(at: int, seed: int) -> Plan:
    return Origin(5, (Turn(at, seed),)).plan(SHORT)


def lines_before(traces: dict[str, list[list[Trace]]], at: int) -> list[object]:
    return [
        (node, life, line)
        for node, lives in traces.items()
        for life, lines in enumerate(lives)
        for line in lines
        if line.at < at
    ]


# ---- going on in another way -----------------------------------------------------------------------------


@pytest.mark.parametrize("at", [300 * MS, 900 * MS])
def test_a_run_with_a_turn_is_the_seeds_own_up_to_it_and_another_after(at: int) -> None:
    own, other = run(Origin(5).plan(SHORT)), run(turned(at, 77))
    assert lines_before(own.traces, at) == lines_before(other.traces, at)
    assert own.traces != other.traces
    assert run(turned(at, 78)).traces != other.traces
    assert run(turned(at, 77)).traces == other.traces


def test_a_run_with_a_turn_can_be_recorded_and_played_as_any() -> None:
    schedule, ran = record(turned(400 * MS, 77))
    again = play(schedule)
    assert again.traces == ran.traces
    assert again.disks == ran.disks


# ---- what counts as a state --------------------------------------------------------------------------------


def test_states_are_the_same_numbers_each_time_and_come_at_moments_of_the_run() -> None:
    ran = run(Origin(5).plan(SHORT))
    states = states_of(ran)
    assert states == states_of(run(Origin(5).plan(SHORT)))
    assert len(states) > 10
    assert all(0 <= at <= ran.ended_at for at in states.values())


def test_a_state_does_not_know_the_names_of_nodes() -> None:
    ran = run(Origin(5).plan(SHORT))
    others = {"n1": "n3", "n2": "n1", "n3": "n2"}
    traces = {others[name]: lives for name, lives in ran.traces.items()}
    lives = tuple(msgspec.structs.replace(life, node=others[life.node]) for life in ran.lives)
    assert states_of(msgspec.structs.replace(ran, traces=traces, lives=lives)).keys() == states_of(ran).keys()


def test_longer_runs_of_one_kind_bring_ever_fewer_new_states() -> None:
    """Since the set is finite: terms and indices that only grow make no new ones."""
    calm = Wishes(nodes=3, rate=40, nemesis=(), time_limit_s=2)
    short = run(Origin(4).plan(calm))
    long = run(Origin(4).plan(msgspec.structs.replace(calm, time_limit_s=8)))
    assert max(line.last for line in long.traces["n1"][-1]) > 2 * max(
        line.last for line in short.traces["n1"][-1]
    )
    assert len(states_of(long)) < 2 * len(states_of(short))


# ---- choosing ----------------------------------------------------------------------------------------------


def test_what_is_gone_on_with_was_new_and_turns_where_it_was() -> None:
    guide = Guide(100)
    first = guide.round(0)
    assert [origin.seed for origin in first] == list(range(100, 100 + ROUND))
    assert guide.count(first[0], [(1, 10), (2, 20)]) == ((1, 10), (2, 20))
    assert guide.count(first[1], [(2, 5), (1, 5)]) == ()
    second = guide.round(1)
    assert [origin.seed for origin in second[:FRESH]] == list(range(100 + ROUND, 100 + ROUND + FRESH))
    assert all(origin.seed == 100 and origin.turns[0].at in (10, 20) for origin in second[FRESH:])
    assert len({origin.turns for origin in second[FRESH:]}) == ROUND - FRESH


def test_a_campaign_depends_on_its_first_seed_alone_and_goes_on_where_it_was_stopped() -> None:
    def campaign(done: list[Tried], jobs: int, most: int) -> list[Tried]:
        found: list[Tried] = []

        def take(tried: Tried, is_new: bool, states: int) -> bool:
            assert is_new == (tried.number >= len(done))
            judged = msgspec.structs.replace(tried.judged, wall_ns=0)
            found.append(msgspec.structs.replace(tried, judged=judged))
            return True

        guided(7, most, SHORT, jobs=jobs, done=done, take=take)
        return found

    whole = campaign([], 1, ROUND + FRESH + 2)
    assert [tried.number for tried in whole] == list(range(ROUND + FRESH + 2))
    assert [bool(tried.start.turns) for tried in whole[-2:]] == [True, True]
    assert campaign(whole[: ROUND + 3], 1, ROUND + FRESH + 2) == whole
    assert campaign([], 2, ROUND + FRESH + 2) == whole


# ---- the command -------------------------------------------------------------------------------------------


def test_the_command_resumes_its_own_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "guided.jsonl"
    options = {"jobs": 1, "quiet": True, "stop_at_first": False}
    many_guided(3, 2, SHORT, file, **options)  # type: ignore[arg-type]
    before = file.read_bytes()
    summary, found = many_guided(3, 4, SHORT, file, **options)  # type: ignore[arg-type]
    assert file.read_bytes().startswith(before)
    assert len(found) == summary.seeds == 4
    with pytest.raises(CouldNotRun, match="other options"):
        many_guided(4, 2, SHORT, file, **options)  # type: ignore[arg-type]


def test_a_violation_is_named_by_the_options_that_repeat_it(tmp_path: Path) -> None:
    file = tmp_path / "guided.jsonl"
    base = ["sim", "--nodes", "3", "--time-limit", "2", "--rate", "20", "--nemesis", "kill:all"]
    base += ["--mutant", "forgetful", "--jobs", "1"]
    done = CliRunner().invoke(
        cli, [*base, "--seeds", "6", "--guided", "--stop-at-first", "--results", str(file)]
    )
    assert done.exit_code == 1, done.output
    assert "protocol states" in done.output
    *_, last = file.read_bytes().splitlines()
    tried = msgspec.json.decode(last, type=Tried)
    assert tried.judged.validity is Validity.INVALID
    assert f"--seed {tried.start.seed}" in done.output
    assert isinstance(tried.judged, Judged)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--seed", "1", "--turn", "x"], "'x' is not NANOSECONDS:SEED"),
        (["--seed", "1", "--turn", "9:1", "--turn", "3:1"], "in order of time"),
        (["--turn", "9:1"], "--turn needs the --seed"),
        (["--seed", "1", "--guided"], "--guided is for --seeds"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(arguments: list[str], what: str) -> None:
    done = CliRunner().invoke(cli, ["sim", *arguments])
    assert done.exit_code == 2  # of click; `main` makes it 254
    assert what in done.output
