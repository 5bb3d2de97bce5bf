"""A harness that is killed while it breaks a cluster leaves nothing that the next start does not remove."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.hosts import agent
from harness.hosts.clocks import ownclock
from harness.hosts.netns import reasons_against
from harness.hosts.processes import carrying
from history import read_history
from tests.campaigns.ackproof import ACKPROOF

pytestmark = pytest.mark.campaign

SEED = 20261122
AT_ONCE = 5
KILLS = {"local": 25, "netns": 25}
"""Fifty in all; see `FAULTS`."""
FAULTS = {
    "local": "kill,pause,partition,slow,storm",
    "netns": "kill,pause,partition,slow,loss",
}
DISK = "power,slow-disk"
"""Added where file systems can be made: they are mounts, which a kill must not leave."""
CLOCK = "clock"
"""Also looked at where there is libfaketime, which keeps the begin of its clocks in shared memory."""
RATE = "rate"
"""Added in namespaces where the kernel can: qdiscs."""
LONGEST_S = 6.0
"""From when the run's folder is there: some kills come while nodes are being started, most under faults."""
START_BOUND_S = 60.0


def disk_is_usable() -> bool:
    """Whether this machine has FUSE."""
    return os.path.exists("/dev/fuse") and shutil.which("fusermount3") is not None


OTHERS_S = 300.0
"""How long what other tests have may stay."""


def that_stays(look: Callable[[], set[str]], before: set[str]) -> set[str]:
    """What was not there before, and does not go away: what other tests have meanwhile goes with them."""
    deadline = time.monotonic() + OTHERS_S
    more = look() - before
    while more and time.monotonic() < deadline:
        time.sleep(1)  # between two looks; other tests may take minutes to end
        more &= look()
    return more


def network_of_the_machine() -> set[str]:
    """What a forgotten namespace, link, rule or mount would add, line by line."""
    commands = {
        "namespaces": ["ip", "netns"],
        "links": ["ip", "-br", "link"],
        "rules": ["nft", "list", "ruleset"],
    }
    found = {
        f"{name}: {line}"
        for name, argv in commands.items()
        for line in subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()
    }
    return found | {f"mounts: {line}" for line in Path("/proc/self/mounts").read_text().splitlines()}


def shared_memory() -> set[str]:
    """What of ours lies where shared memory is kept."""
    return {name for name in os.listdir(ownclock.SHARED) if agent.SHARED_NAME in name}


def faults_of(hosts: str) -> str:
    """All that this machine can do."""
    more = [DISK] if disk_is_usable() else []
    more += [CLOCK] if agent.faketime() else []
    more += [RATE] if hosts == "netns" and agent.can_shape("pfifo") else []
    return ",".join([FAULTS[hosts], *more])


def killed_in_mid_run(hosts: str, folder: Path, after_s: float) -> tuple[bool, list[str]]:
    """Start a run and kill -9 it; (whether it left anything running, what is wrong after the clean-up)."""
    state = folder / "state"
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    argv = [
        str(ACKPROOF),
        "run",
        "--nodes",
        "3",
        "--world",
        hosts,
        "--nemesis",
        faults_of(hosts),
        "--rate",
        "60",
    ]
    run = subprocess.Popen(
        [*argv, "--time-limit", "300", "--store", str(folder / "store")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + START_BOUND_S
    while not (folder / "store" / "latest").exists():
        assert time.monotonic() < deadline, "the run never began"
        time.sleep(0.02)
    time.sleep(after_s)  # the instant is what is drawn; nothing is waited for
    wrong = [] if run.poll() is None else [f"it had ended by itself: {(run.stderr or b'')!r}"]
    run.send_signal(signal.SIGKILL)
    run.communicate()
    left = bool(carrying("XDG_STATE_HOME", str(state)))
    cleaned = subprocess.run(
        [ACKPROOF, "clean", "--store", str(folder / "store")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    if cleaned.returncode:
        wrong.append(f"clean ended with {cleaned.returncode}: {cleaned.stdout} {cleaned.stderr}")
    if still := carrying("XDG_STATE_HOME", str(state)):
        wrong.append(f"processes still run: {still}")
    if ledgers := sorted(state.rglob("*.jsonl")):
        wrong.append(f"ledgers are left: {ledgers}")
    for history in folder.rglob("history.jsonl"):
        read_history(history)  # raises if what was recorded cannot be analysed
    return left, wrong


@pytest.mark.parametrize("hosts", KILLS)
@pytest.mark.timeout(400 + 2 * OTHERS_S)
def test_kill_9_of_a_run_at_any_instant_leaves_nothing_behind(hosts: str, tmp_path: Path) -> None:
    if hosts == "netns" and reasons_against():
        pytest.skip("; ".join(reasons_against()))
    chance = random.Random(f"{SEED} {hosts}")
    before = network_of_the_machine() if hosts == "netns" else set()
    shared = shared_memory()
    instants = [chance.uniform(0, LONGEST_S) for _ in range(KILLS[hosts])]
    folders = [tmp_path / str(number) for number in range(len(instants))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(
            pool.map(lambda one: killed_in_mid_run(hosts, *one), zip(folders, instants, strict=True))
        )
    wrong = {instants[number]: what for number, (_, what) in enumerate(ended) if what}
    assert not wrong, f"by seconds into the run: {wrong}"
    assert sum(left for left, _ in ended) > KILLS[hosts] // 2, "most kills came while something ran"
    if hosts == "netns":
        assert that_stays(network_of_the_machine, before) == set()
    assert that_stays(shared_memory, shared) == set()
