"""A process is slowed down together with what it started, and runs all the time again afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

from harness.hosts.processes import Identity, family_of, identify, is_stopped, send_signal
from harness.hosts.programs import slowing

BOUND_S = 10.0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + BOUND_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.003)
    return True


def test_a_script_is_stopped_and_goes_on_together_with_the_server_that_it_started() -> None:
    script = ["/bin/sh", "-c", "/bin/sleep 60 & wait"]
    with subprocess.Popen(script, start_new_session=True) as started:
        leader = identify(started.pid)
        assert leader is not None
        assert eventually(lambda: len(family_of(leader)) == 2)
        family = family_of(leader)
        with subprocess.Popen([sys.executable, "-c", slowing.SOURCE, str(started.pid), "60"]) as slows:
            assert eventually(lambda: all(map(is_stopped, family)))
            assert eventually(lambda: not any(map(is_stopped, family)))
            slows.send_signal(signal.SIGTERM)
            slows.wait(timeout=BOUND_S)
        assert never_stopped(family)
        for member in family:
            assert send_signal(member, signal.SIGKILL)


def never_stopped(family: tuple[Identity, ...]) -> bool:
    """Whether all of them run, for as long as two periods."""
    return not any(_any_stopped_later(family) for _ in range(20))


def _any_stopped_later(family: tuple[Identity, ...]) -> bool:
    time.sleep(slowing.PERIOD_S / 10)
    return any(map(is_stopped, family))
