"""Leases that are kept alive, and a leader that is paused: does it end them when it goes on?

    python scripts/found/etcd_paused_leader.py PATH_OF_ETCD [--leases 100] [--rounds 20] [--pause 4.5]
        [ARGUMENT_OF_ETCD...]

Three members on loopback. A client keeps leases of 4 s alive at a member that does not lead, and each lease
holds one key. In each round the leader is stopped (SIGSTOP) and goes on (SIGCONT) after the pause; the others
elect a leader meanwhile, which grants that the leases go on. A lease was ended wrongly if a linearizable read
lacks its key and ended within the time to live after the client had *asked* for the last grant
(docs/found.md). A round takes some 10 s; the first that shows it ends the script, with status 1. Pauses of
1 s, shorter than the time to live, must show nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from etcd_members import PORTS, Members, ask, keys, put, until, version_of
from saying import end_in_order, say

TTL_S = 4
BEAT_S = 0.8
LOOKS_S = 3.0
"""For how long the keys are read after the pause."""
WORKERS = 16


class Leases:
    """Leases that a thread keeps alive at one member, and until when each lives by the client's clock."""

    def __init__(self, number: int) -> None:
        self.at = ""
        self.ends_at: dict[str, float] = {}
        """By key: the time to live after the last granted question was asked."""
        self._ids: dict[str, str] = {}
        self._number = number
        self._made = 0
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS)

    def fill(self) -> None:
        """Grant what is missing, each with a key."""
        missing = [f"key-{self._made + one:05}" for one in range(self._number - len(self._ids))]
        self._made += len(missing)
        list(self._pool.map(self._grant, missing))

    def forget(self, lost: Sequence[str]) -> None:
        """Keep these alive no longer."""
        for key in lost:
            self._ids.pop(key, None)
            self.ends_at.pop(key, None)

    def begin(self) -> None:
        """Keep them alive, in a thread, until `end`."""
        threading.Thread(target=self._keep, daemon=True).start()

    def end(self) -> None:
        """Keep none alive any longer."""
        self._ended.set()
        self._pool.shutdown(cancel_futures=True)

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                list(self._pool.map(self._keep_one, tuple(self._ids.items())))
            except RuntimeError:  # the pool was shut down in between
                return

    def _grant(self, key: str) -> None:
        asked_at = time.monotonic()
        granted = ask(self.at, "/v3/lease/grant", {"TTL": str(TTL_S)})
        if granted is not None and put(self.at, key, lease=granted["ID"]):
            self.ends_at[key] = asked_at + TTL_S
            self._ids[key] = granted["ID"]

    def _keep_one(self, one: tuple[str, str]) -> None:
        key, lease = one
        asked_at = time.monotonic()
        answer = ask(self.at, "/v3/lease/keepalive", {"ID": lease}, bound_s=BEAT_S)
        granted: dict[str, Any] = (answer or {}).get("result", {})
        if int(granted.get("TTL", 0)) > 0:
            self.ends_at[key] = asked_at + TTL_S


def leader() -> str | None:
    """The member that says of itself that it leads, if there is one."""
    for name in PORTS:
        status = ask(name, "/v3/maintenance/status", {}) or {}
        if "leader" in status and status["leader"] == status["header"]["member_id"]:
            return name
    return None


def wrongly_ended(leases: Leases, reader: str) -> tuple[set[str], set[str]]:
    """The keys that a read lacked although their leases lived, and all that were lacking."""
    wrong: set[str] = set()
    lacking: set[str] = set()
    deadline = time.monotonic() + LOOKS_S
    while time.monotonic() < deadline:
        shown = keys(reader)
        now = time.monotonic()
        if shown is None:
            continue
        missing = {key for key in leases.ends_at if key not in shown}
        lacking |= missing
        wrong |= {key for key in missing if now < leases.ends_at[key]}
        time.sleep(0.05)  # between two looks
    return wrong, lacking


def one_round(members: Members, leases: Leases, pause_s: float) -> int | None:
    """How many leases were ended wrongly by one pause; None if there was nothing to see."""
    paused = leader()
    if paused is None:
        return None
    leases.at, reader = [name for name in PORTS if name != paused]
    leases.fill()
    time.sleep(2 * BEAT_S)  # each lease is kept alive at this member before the pause
    members.running[paused].send_signal(signal.SIGSTOP)
    time.sleep(pause_s)  # the fault's own length
    members.running[paused].send_signal(signal.SIGCONT)
    wrong, lacking = wrongly_ended(leases, reader)
    leases.forget(sorted(lacking))
    return len(wrong)


def main() -> int:
    """Carry out the rounds; 1 if a lease that was kept alive was ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--leases", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pause", type=float, default=4.5)
    given, more = parser.parse_known_args()
    end_in_order()
    with tempfile.TemporaryDirectory(prefix="paused-") as text:
        members, leases = Members(given.binary, Path(text), more), Leases(given.leases)
        try:
            for name in PORTS:
                members.start(name)
            if not until(leader):
                sys.stderr.write("the members do not serve\n")
                return 255
            leases.begin()
            subject, looked = f"etcd {version_of(given.binary)}", 0
            for number in range(1, given.rounds + 1):
                wrong = one_round(members, leases, given.pause)
                looked += wrong is not None
                if wrong:
                    seen = f"{wrong} of {given.leases} leases ended while they were kept alive"
                    return say(subject, "paused-leader", True, f"round {number}: {seen}")
            if not looked:
                sys.stderr.write("no round had a leader\n")
                return 255
            return say(subject, "paused-leader", False, f"{looked} rounds: no lease ended wrongly")
        finally:
            leases.end()
            members.kill(*members.running)


if __name__ == "__main__":
    sys.exit(main())
