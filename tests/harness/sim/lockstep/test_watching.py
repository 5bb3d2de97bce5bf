"""A core that touches the real machine is named with what it touched, where, and at which event."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ackproof.cli.commands.simulating.lockstep import lockstep
from harness.sim.lockstep.check import watched
from harness.sim.lockstep.protocol import LockstepError
from harness.sim.lockstep.runs import core_of, twice
from harness.sim.lockstep.watching.watch import Watch
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from tests.harness.sim.lockstep.cores import EXAMPLE

TOUCHING = Path(__file__).with_name("touching.py")


def seen(touch: str, *python: str) -> Watch:
    """What a watched run of a core shows that touches that."""
    return watched(core_of(shlex.join([sys.executable, *python, str(TOUCHING), touch])), "register")


@pytest.mark.parametrize(
    ("touch", "what"),
    [
        ("clock", "the clock (time.monotonic)"),
        ("clock-ns", "the clock (time.time_ns)"),
        ("date", "the clock (datetime.now)"),
        ("sleep", "the clock (time.sleep)"),
        ("random", "random numbers that nothing of the event seeds (random)"),
        ("randint", "random numbers that nothing of the event seeds (random)"),
        ("unseeded", "random numbers of the machine (random, without a seed)"),
        ("urandom", "random numbers of the machine (os.urandom)"),
        ("uuid", "random numbers of the machine (os.urandom)"),
        ("file", f"a file {str(TOUCHING)!r} (open)"),
        ("folder", "a folder '/' (os.listdir)"),
        ("socket", "a socket (socket.__new__)"),
        ("thread", "a thread (start_new_thread)"),
        ("process", "a process 'true' (subprocess.Popen)"),
    ],
)
def test_a_core_in_python_is_named_with_what_it_touched_its_line_and_the_event(touch: str, what: str) -> None:
    watch = seen(touch)
    assert watch.is_inside
    first = next(one for one in watch.touched if one.what == what)
    assert first.where is not None
    assert first.where.startswith("touching.py line ")
    assert '"event":"request"' in first.event


@pytest.mark.parametrize("touch", ["nothing", "seeded"])
def test_what_comes_before_the_first_event_and_seeded_random_numbers_are_nothing(touch: str) -> None:
    watch = seen(touch)
    assert watch.is_inside
    assert watch.touched == []


@pytest.mark.parametrize(
    ("touch", "what"),
    [
        ("held-file", f"a file ({TOUCHING})"),
        ("held-socket", "a socket (TCP, listens on 127.0.0.1:"),
        ("held-random", "random numbers of the machine (/dev/urandom)"),
        ("held-process", "a process (sleep)"),
    ],
)
def test_from_outside_a_core_in_any_language_is_named_with_what_it_holds(touch: str, what: str) -> None:
    """An isolated Python is as closed as a program in Go: Linux alone says what it has open."""
    watch = seen(touch, "-I")
    assert not watch.is_inside
    assert any(one.what.startswith(what) and one.where is None for one in watch.touched)
    assert all('"event":"request"' in one.event for one in watch.touched)


def test_the_example_touches_nothing() -> None:
    watch = watched(core_of(shlex.join([sys.executable, str(EXAMPLE)])), "register")
    assert watch.is_inside
    assert (watch.touched, watch.threads) == ([], (1, 1))


def test_two_runs_that_differ_name_what_the_core_touched() -> None:
    core = core_of(shlex.join([sys.executable, str(TOUCHING), "nothing", "answers-it"]))
    options = SeedOptions(nodes=1, nemesis=(), time_limit_s=1, rate=20, workload="register", core=core)
    with pytest.raises(LockstepError, match="another answer to the same event") as caught:
        twice(lambda taken: run(plan_of(1, options), exchanges=taken), core)
    assert "; it touches the clock (time.monotonic_ns) at touching.py line " in str(caught.value)


def test_the_kit_names_it_and_proves_nothing() -> None:
    command = ["check", "--seeds", "0", "--", sys.executable, str(TOUCHING), "clock"]
    shown = CliRunner().invoke(lockstep, command)
    assert shown.exit_code == 2
    assert "  it touches the clock (time.monotonic) at touching.py line " in shown.output
    assert "touches the real machine: see above" in shown.output
    found = json.loads(CliRunner().invoke(lockstep, ["check", "--json", *command[1:]]).stdout)["result"]
    assert [one["what"] for one in found["touched"]] == ["the clock (time.monotonic)"]
    assert found["seen_from_inside"] is True
