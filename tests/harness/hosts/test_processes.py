from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from harness.hosts import processes
from harness.hosts.processes import (
    Identity,
    NoProcError,
    carrying,
    identify,
    is_alive,
    is_stopped,
    send_signal,
)


def eventually(holds: Callable[[], bool], bound_s: float = 5.0) -> bool:
    deadline = time.monotonic() + bound_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"], env={"MARK": "m1"}) as process:
        yield process
        process.kill()


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    found = identify(process.pid)
    assert found is not None
    return found


def test_a_process_is_known_until_it_ends_even_if_it_is_not_reaped(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    assert is_alive(identity)
    assert send_signal(identity, signal.SIGKILL)
    assert eventually(lambda: not is_alive(identity)), "a zombie is not alive"
    sleeper.wait()
    assert identify(sleeper.pid) is None
    assert not send_signal(identity, signal.SIGKILL)


@pytest.mark.parametrize("change", [{"started": "1"}, {"boot": "another"}])
def test_a_stranger_with_the_same_number_is_never_signalled(
    sleeper: subprocess.Popen[bytes], change: dict[str, str]
) -> None:
    earlier = msgspec.structs.replace(identity_of(sleeper), **change)
    assert not is_alive(earlier)
    assert not send_signal(earlier, signal.SIGKILL)
    assert is_alive(identity_of(sleeper))


def test_a_stopped_process_is_seen_as_such(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    assert not is_stopped(identity)
    send_signal(identity, signal.SIGSTOP)
    assert eventually(lambda: is_stopped(identity))
    send_signal(identity, signal.SIGCONT)
    assert eventually(lambda: not is_stopped(identity))


def test_processes_and_their_children_are_found_by_their_environment(tmp_path: Path) -> None:
    started = tmp_path / "child"
    script = f"/bin/sleep 60 & echo $! > {started}; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], env={"MARK": "of this test"}) as parent:
        try:
            assert eventually(lambda: started.exists() and started.read_text() != "")
            child = int(started.read_text())
            assert eventually(
                lambda: {p.pid for p in carrying("MARK", "of this test")} == {parent.pid, child}
            )
            assert carrying("MARK", "of this tes") == []
        finally:
            for process in carrying("MARK", "of this test"):
                send_signal(process, signal.SIGKILL)


def test_a_command_name_with_parentheses_and_spaces_does_not_confuse(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        identity = identity_of(process)
        assert is_alive(identity)
        assert int(identity.started) > 0
        process.kill()


def test_without_proc_ps_shows_the_same_and_the_environment_stays_unknown(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PROC", Path("/nonexistent"))
    identity = identity_of(sleeper)
    assert is_alive(identity)
    assert not is_alive(msgspec.structs.replace(identity, started="another day"))
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert eventually(lambda: is_stopped(identity))
    with pytest.raises(NoProcError):
        carrying("MARK", "m1")
    assert send_signal(identity, signal.SIGKILL)
    assert eventually(lambda: not is_alive(identity))
