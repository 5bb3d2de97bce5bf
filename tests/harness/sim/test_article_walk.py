"""The walk through a small cluster's life from the article that this project began from, on real processes.

The article departs from Raft at two points, and the correct way is asserted here: a leader that
returns keeps its term (it does not go back to 0), and its old role is never shown as current by others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.registry import RegistryCodec
from harness.client.http import HttpTransport
from harness.cluster.local import LocalWorld
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.systems.reference_node import ReferenceNode
from history import Operation, read_trace

T = TypeVar("T")
A, B, C = "n1", "n2", "n3"
PATIENCE_S = 15.0
CODEC = RegistryCodec()


class NodeStatus(msgspec.Struct):
    """What the admin endpoint says."""

    name: str
    role: str
    term: int
    vote: str | None
    leader: str | None
    commit: int
    applied: int
    last: int
    members: tuple[str, ...]


class Cluster:
    """Three nodes, asked as a client and an operator would ask them."""

    def __init__(self, world: LocalWorld, transport: HttpTransport) -> None:
        self.world = world
        self._transport = transport
        self._operations = 0

    async def kill(self, *nodes: str) -> None:
        outcome = await self.world.carry_out(Kill(nodes))
        assert outcome.took_effect, outcome

    async def start(self, *nodes: str) -> None:
        outcome = await self.world.carry_out(Start(nodes))
        assert outcome.took_effect, outcome

    async def status(self, node: str) -> NodeStatus | None:
        """None if the node is DOWN."""
        reply = await self._transport.send(self.world.address(node), HttpRequest("GET", "/v1/admin/status"))
        return msgspec.json.decode(reply.body, type=NodeStatus) if isinstance(reply, HttpReply) else None

    async def do(self, node: str, f: str, key: str, value: str | None = None) -> Operation:
        self._operations += 1
        invocation = Operation(
            index=self._operations, time=0, process=0, type="invoke", f=f, key=key, value=value, node=node
        )
        reply = await self._transport.send(self.world.address(node), CODEC.encode(invocation))
        return CODEC.decode(invocation, reply)

    async def reply(self, node: str, operation: Operation) -> HttpReply | NoReply:
        return await self._transport.send(self.world.address(node), CODEC.encode(operation))


@asynccontextmanager
async def three_nodes(tmp_path: Path) -> AsyncIterator[Cluster]:
    system = ReferenceNode(heartbeat_ms=50, election_ms=300, request_timeout_ms=1000)
    began = time.monotonic_ns()
    world = LocalWorld(
        system, (A, B, C), tmp_path / "nodes", lambda: time.monotonic_ns() - began, seed=1, ledgers=tmp_path
    )
    async with world, HttpTransport(3.0) as transport:
        yield Cluster(world, transport)


async def until(claim: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Wait until a claim holds (is neither None nor False), within bounds."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = await claim()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}"
        await asyncio.sleep(0.02)


async def follows(cluster: Cluster, node: str, leader: str) -> NodeStatus:
    async def claim() -> NodeStatus | None:
        status, led = await cluster.status(node), await cluster.status(leader)
        if status is None or led is None:
            return None
        same = status.role == "follower" and status.leader == leader and status.term == led.term
        return status if same and status.applied == led.applied else None

    return await until(claim, f"{node} follows {leader} and has applied as much")


async def leads(cluster: Cluster, among: tuple[str, ...]) -> NodeStatus:
    async def claim() -> NodeStatus | None:
        found = [status for node in among if (status := await cluster.status(node)) is not None]
        leading = [status for status in found if status.role == "leader"]
        return leading[0] if len(leading) == 1 and leading[0].commit == leading[0].last else None

    return await until(claim, f"one of {among} leads, and has committed in its term")


def test_the_articles_walk(tmp_path: Path) -> None:
    async def walk() -> None:
        async with three_nodes(tmp_path) as cluster:
            # All DOWN.
            await cluster.kill(A, B, C)
            assert [await cluster.status(node) for node in (A, B, C)] == [None, None, None]

            # One up: a candidate, never a leader; it refuses writes. It asks before it stands (pre-vote), so
            # its term stays, where the article's would grow.
            await cluster.start(A)
            first = await cluster.status(A)
            assert first is not None
            alone = await until(lambda: _candidate(cluster, A), "the lone node seeks election")
            assert alone.term == first.term
            refused = await cluster.do(A, "register", "svc/10.0.0.1:80", "r0")
            assert refused.type == "fail"
            assert "no leader is known" in str(refused.error)

            # Two up: a leader is elected, and serves.
            await cluster.start(B)
            leader = await leads(cluster, (A, B))
            assert (await cluster.do(leader.name, "register", "svc/10.0.0.1:80", "r1")).type == "ok"

            # Three up: the third joins as follower and has everything.
            await cluster.start(C)
            await follows(cluster, C, leader.name)
            assert (await cluster.do(C, "lookup", "svc/10.0.0.1:80")).value == "r1"

            # A follower-side registration is forwarded, and seen everywhere once it is acknowledged.
            forwarded = await cluster.do(C, "register", "svc/10.0.0.2:80", "r2")
            assert forwarded.type == "ok"
            assert forwarded.raft_index is not None
            for node in (A, B, C):
                assert (await cluster.do(node, "lookup", "svc/10.0.0.2:80")).value == "r2"

            # The leader is killed: a new one in a higher term; nobody shows the old one as current.
            old = await cluster.status(leader.name)
            assert old is not None
            rest = tuple(node for node in (A, B, C) if node != old.name)
            await cluster.kill(old.name)
            new = await leads(cluster, rest)
            assert new.term > old.term
            for node in rest:
                await until(partial(_names_leader, cluster, node, new.name), f"{node} names {new.name}")
            assert (await cluster.do(new.name, "register", "svc/10.0.0.3:80", "r3")).type == "ok"

            # The old leader returns as follower; its term is not reset, and its log is repaired.
            await cluster.start(old.name)
            returned = await follows(cluster, old.name, new.name)
            assert returned.term >= new.term > old.term
            assert (await cluster.do(old.name, "lookup", "svc/10.0.0.3:80")).value == "r3"
            restarts = [
                e
                for e in read_trace(tmp_path / "nodes" / old.name / "trace", old.name).events
                if e.event == "restart"
            ]
            assert restarts[-1].term >= old.term, "the returning node had forgotten its term"

            # Fewer than a majority: writes are refused, or their outcome said to be unknown; never ok.
            await cluster.kill(*(node for node in (A, B, C) if node != old.name))
            lonely = await cluster.do(old.name, "register", "svc/10.0.0.4:80", "r4")
            assert lonely.type in ("fail", "info")
            assert (await cluster.do(old.name, "lookup", "svc/10.0.0.1:80")).type == "fail"

            # All up again: what was acknowledged is there.
            await cluster.start(A, B, C)
            last = await leads(cluster, (A, B, C))
            found = await cluster.do(last.name, "list", "svc")
            assert {
                "10.0.0.1:80": "r1",
                "10.0.0.2:80": "r2",
                "10.0.0.3:80": "r3",
            }.items() <= found.value.items()
            if lonely.type == "fail":
                assert "10.0.0.4:80" not in found.value

    asyncio.run(walk())


async def _candidate(cluster: Cluster, node: str) -> NodeStatus | None:
    status = await cluster.status(node)
    return status if status is not None and status.role == "candidate" else None


async def _names_leader(cluster: Cluster, node: str, leader: str) -> bool:
    status = await cluster.status(node)
    return status is not None and status.leader == leader


def test_an_unacknowledging_follower_is_retried_until_it_equals_the_leader(tmp_path: Path) -> None:
    async def walk() -> None:
        async with three_nodes(tmp_path) as cluster:
            leader = await leads(cluster, (A, B, C))
            away = next(node for node in (A, B, C) if node != leader.name)
            await cluster.kill(away)
            for number in range(50):
                done = await cluster.do(leader.name, "register", f"svc/10.0.1.{number}:80", f"r{number}")
                assert done.type == "ok"
            await cluster.start(away)
            status = await follows(cluster, away, leader.name)
            assert status.last >= 51
            local = await cluster.do(away, "final-local", "svc")
            assert len(local.value) == 50

    asyncio.run(walk())
