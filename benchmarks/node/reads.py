"""Linearizable reads of the reference node next to etcd's: by read index, and under a leader's lease.

    python benchmarks/node/reads.py [--members 5] [--rounds 8] [--seconds 1] [--etcd PATH]

As benchmarks/node/etcd.py does for writes: real processes, the same Python client for both, short rounds that
alternate, client i of round r at the member r + i places after the leader. Each read asks for one of a
hundred registrations (etcd: keys) of 100 bytes. etcd reads by read index.

Exits 1 if the node's median ratio is below 1 at some number of clients; 2 if there is no etcd.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import aiohttp
import numpy as np
from clusters import BenchmarkCluster, attempt, etcd, etcd_program, nodes, running, wait_for_leader
from etcd import CLIENTS, duel, spread

READ = 100
LEASE = ("--lease", "--clock-drift-bound", "10")


def key_of(key: str) -> str:
    """The registered key that a client's key stands for."""
    return f"r{crc32(key.encode()) % READ}"


def reading(cluster: BenchmarkCluster) -> BenchmarkCluster:
    """The same cluster, whose clients read."""

    async def of_node(session: aiohttp.ClientSession, url: str, key: str) -> bool:
        query = {"serviceName": "bench", "ip": key_of(key), "port": "80"}
        async with session.get(f"{url}/nacos/v1/ns/instance", params=query) as reply:
            await reply.read()
            return reply.status == 200

    async def of_etcd(session: aiohttp.ClientSession, url: str, key: str) -> bool:
        body = {"key": base64.b64encode(key_of(key).encode()).decode()}
        async with session.post(f"{url}/v3/kv/range", json=body) as reply:
            answer = await reply.json(content_type=None)
            return reply.status == 200 and len(answer.get("kvs", ())) == 1

    return replace(cluster, put=of_etcd if cluster.name == "etcd" else of_node)


async def register(cluster: BenchmarkCluster) -> None:
    """Write what is read later."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        leader = await wait_for_leader(cluster, session)
        done = [await attempt(cluster, session, cluster.urls[leader], f"r{number}") for number in range(READ)]
    if not all(done):
        raise SystemExit(f"{cluster.name} did not take the registrations; its logs are in {cluster.folder}")


def main() -> int:
    """Run all three and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--etcd", help="the etcd program")
    options = parser.parse_args()
    binary = etcd_program(options.etcd)
    is_slower = False
    for name, more in (("read index", ()), ("lease", LEASE)):
        with tempfile.TemporaryDirectory() as scratch:
            folders = [Path(tempfile.mkdtemp(dir=scratch)) for _ in range(2)]
            ours = nodes(options.members, folders[0], name)
            for argv in ours.argv:
                argv += more
            theirs = etcd(binary, options.members, folders[1])
            with running(ours), running(theirs):
                for cluster in (ours, theirs):
                    asyncio.run(register(cluster))
                print(f"{options.members} members each, the node by {name}; load {os.getloadavg()[0]:.1f}")
                for clients in CLIENTS:
                    pair = reading(ours), reading(theirs)
                    ratios = duel(*pair, clients, options.rounds, options.seconds, "read")
                    is_slower |= bool(np.median(ratios.rate) < 1)
                    print(f"{clients:3} clients: {spread(ratios.rate)} times etcd's reads a second (bound 1)")
                    print(
                        f"{clients:3} clients: {spread(ratios.cost)} of its processor time a read", flush=True
                    )
    print(f"load {os.getloadavg()[0]:.1f}")
    return int(is_slower)


if __name__ == "__main__":
    sys.exit(main())
