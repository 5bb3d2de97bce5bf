"""How long writes stop while a snapshot is taken, a member changes, or a follower is slow.

    python benchmarks/node/pauses.py [--seconds 8] [--instances 20000]

Five reference nodes as processes on loopback, with fsync and full traces, and a sixth that is added and
removed. Ten clients write all the time, two at each voter. For each disturbance: the longest time in which no
write was acknowledged, and the longest that one write took through a node that is not disturbed itself.

Exits 1 if either is longer than one election time-out, or if a disturbance did not take place.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import aiohttp
from clusters import ELECTION_MS, BenchmarkCluster, attempt, nodes, running, wait_for_leader

VOTERS, NEW = 5, 5
SNAPSHOT_ENTRIES = 500
CLIENTS = 10
LOADERS = 100
STOPPED_S, RUNNING_S = 0.3, 0.03
"""How a slow follower is made: it is stopped and goes on in turn."""
Disturb = Callable[[float], Awaitable[int]]
"""Disturbs until a time, and returns how often."""


class Bench:
    """The cluster, and who writes to it."""

    def __init__(self, cluster: BenchmarkCluster, session: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self.session = session
        self.leader = 0
        self.spared: int | None = None
        """The node whose own clients' latency does not count."""

    async def play(self, seconds: float, disturb: Disturb) -> tuple[float, float, int, int]:
        """(longest time without an acknowledgement, longest write, how often disturbed, writes)."""
        end = time.perf_counter() + seconds
        begun = time.perf_counter()
        acknowledged: list[float] = []
        longest = 0.0

        async def client(number: int) -> None:
            nonlocal longest
            at = number % VOTERS
            writes = 0
            while (sent := time.perf_counter()) < end:
                done = await attempt(
                    self.cluster, self.session, self.cluster.urls[at], f"p{number}-{writes % 500}"
                )
                now = time.perf_counter()
                if at != self.spared:
                    longest = max(longest, now - sent)
                if done:
                    acknowledged.append(now)
                writes += 1

        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(client(number))
            times = await disturb(end - 1.0)
        moments = [begun, *sorted(acknowledged), time.perf_counter()]
        gap = max(after - before for before, after in pairwise(moments))
        return gap, longest, times, len(acknowledged)

    async def load(self, instances: int) -> None:
        """Register that number of instances, so that a snapshot is large."""
        numbers = iter(range(instances))

        async def loader() -> None:
            for number in numbers:
                done = False
                while not done:  # a write that fails, as the leader changes or is busy, is tried again
                    done = await attempt(
                        self.cluster, self.session, self.cluster.urls[self.leader], f"l{number}"
                    )

        await asyncio.gather(*[loader() for _ in range(LOADERS)])

    async def change(self, method: str) -> bool:
        """Ask the leader for one change of the new member."""
        url = f"{self.cluster.urls[self.leader]}/v1/admin/members"
        async with self.session.request(method, url, params={"node": f"n{NEW}"}) as reply:
            await reply.read()
            return reply.status == 200

    # ---- disturbances ------------------------------------------------------------------------------

    async def nothing(self, until: float) -> int:
        """Let the writers write."""
        await asyncio.sleep(until - time.perf_counter())
        return 1

    async def snapshots(self, until: float) -> int:
        """Snapshots are taken by the number of entries; count those of the leader."""
        before = self._snapshots()
        await asyncio.sleep(until - time.perf_counter())
        return self._snapshots() - before

    def _snapshots(self) -> int:
        folder = self.cluster.folder / f"n{self.leader}" / "trace"
        return sum(file.read_bytes().count(b'"event":"snapshot"') for file in folder.glob("*.jsonl"))

    async def changes(self, until: float) -> int:
        """A member is added as a learner, promoted and removed, again and again; the number of changes."""
        done = 0
        while time.perf_counter() < until:
            for method in ("POST", "PUT", "DELETE"):
                while not await self.change(method):
                    if time.perf_counter() > until + 5:
                        return done
                    await asyncio.sleep(0.05)  # the learner has not caught up, or a change is under way
                done += 1
        return done

    async def slow_follower(self, until: float) -> int:
        """A follower runs a tenth of the time."""
        self.spared = (self.leader + 1) % VOTERS
        pid, times = self.cluster.members[self.spared].pid, 0
        try:
            while time.perf_counter() < until:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(STOPPED_S)
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(RUNNING_S)
                times += 1
        finally:
            os.kill(pid, signal.SIGCONT)
        return times


async def measure(cluster: BenchmarkCluster, seconds: float, instances: int) -> bool:
    """Play all disturbances, and print a line for each; whether all keep the bound."""
    kept = True
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(10)) as session:
        bench = Bench(cluster, session)
        bench.leader = await wait_for_leader(cluster, session)
        await bench.load(instances)
        for name, disturb in (
            ("nothing", bench.nothing),
            ("snapshots", bench.snapshots),
            ("changes of members", bench.changes),
            ("a slow follower", bench.slow_follower),
        ):
            bench.leader = await wait_for_leader(cluster, session)
            gap, longest, times, writes = await bench.play(seconds, disturb)
            fits = max(gap, longest) <= ELECTION_MS / 1000 and times > 0
            kept &= fits
            print(
                f"{name:20} {times:3} times: {writes:6} writes; none acknowledged for at most "
                f"{gap * 1000:5.0f} ms, longest write {longest * 1000:5.0f} ms"
                f"{'' if fits else '  <- over the bound, or nothing happened'}",
                flush=True,
            )
    return kept


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="for each disturbance")
    parser.add_argument("--instances", type=int, default=20_000, help="registered beforehand")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; election time-out {ELECTION_MS} ms", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        cluster = nodes(VOTERS + 1, Path(folder))
        voters = ",".join(f"n{number}" for number in range(VOTERS))
        for argv in cluster.argv:
            argv += ["--voters", voters, "--snapshot-entries", str(SNAPSHOT_ENTRIES)]
        with running(cluster):
            kept = asyncio.run(measure(cluster, given.seconds, given.instances))
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
