"""The namespace world with real nodes: the faults are the local world's, the links are packets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.cluster.netns import NetnsWorld
from harness.hosts.host import POLL_S
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.network.shapes import between
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.view import ClusterView, NodeView
from harness.systems.reference_node import ReferenceNode
from tests.harness.hosts.namespaces import needs_namespaces

NAMES = ("n1", "n2", "n3")
BOUND_S = 15.0


@needs_namespaces
def test_nodes_in_namespaces_are_killed_paused_and_partitioned_and_clients_reach_them(tmp_path: Path) -> None:
    world = NetnsWorld(
        ReferenceNode(), NAMES, tmp_path / "nodes", time.monotonic_ns, seed=1, ledgers=tmp_path / "ledgers"
    )

    async def one_leader() -> ClusterView:
        async with asyncio.timeout(BOUND_S):
            while True:
                view = await world.observe()
                if view.leader() and len({(node.leader, node.term) for node in view.nodes.values()}) == 1:
                    return view
                await asyncio.sleep(POLL_S)

    async def run() -> None:
        async with asyncio.timeout(60), world:
            old = await world.wait_for_leader(BOUND_S)
            others = tuple(name for name in NAMES if name != old)

            cut = await world.carry_out(Cut(between((old,), others)))
            assert (cut.took_effect, cut.error) == (True, None)
            async with asyncio.timeout(BOUND_S):
                while (await world.observe()).nodes[others[0]].leader not in others:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_S)
            assert (await world.observe()).nodes[old].leader not in others, "it has not heard of the new one"
            async with HttpTransport(2, world.sockets) as transport:
                reply = await transport.send(world.address(old), HttpRequest("GET", "/v1/admin/status"))
            assert isinstance(reply, HttpReply), "clients are not cut off"

            healed = await world.carry_out(Heal())
            assert healed.details["swallowed_packets"] > 0
            view = await one_leader()

            leader = view.leader()
            assert leader is not None
            assert (await world.carry_out(Kill((leader,)))).took_effect
            assert (await world.observe()).nodes[leader] == NodeView(running=False)
            assert (await world.carry_out(Start(NAMES))).details["changed"] == [leader]
            assert (await world.carry_out(Pause((leader,)))).took_effect
            assert (await world.observe()).nodes[leader] == NodeView(running=True, paused=True)
            assert (await world.carry_out(Resume(NAMES))).details["changed"] == [leader]
            await one_leader()

    asyncio.run(run())
    assert sorted(life.ended_by or "unexpected" for life in world.lives()) == ["kill", *["teardown"] * 3]
    assert list((tmp_path / "ledgers").iterdir()) == []
