"""Every fault's effect is proved by what the nodes or the system show, not by a command's exit code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.cluster.local import LocalWorld
from harness.cluster.netns import NetnsWorld
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.hosts import agent
from harness.hosts.host import POLL_S, HostError
from harness.nemesis.faults.clock.clock import ResetClock, SetClock
from harness.nemesis.faults.cluster.ambush import LieInWait
from harness.nemesis.faults.cluster.membership import ChangeMembership
from harness.nemesis.faults.network.loss import EndLoss, Lose
from harness.nemesis.faults.network.shapes import between
from harness.nemesis.faults.processes.lifecycle import Kill, Start, Terminate
from harness.nemesis.faults.processes.slow import EndSlow, Slow
from harness.nemesis.mechanisms.cluster import MemberChange
from harness.nemesis.outcome import Outcome
from harness.systems.reference_node import ReferenceNode
from history import read_trace
from tests.harness.cluster.busy import busy
from tests.harness.hosts.namespaces import needs_namespaces

NAMES = ("n1", "n2", "n3")
BOUND_S = 15.0
needs_faketime = pytest.mark.skipif(agent.faketime() is None, reason="no libfaketime here")


def in_world(
    folder: Path,
    body: Callable[[HostedWorld], Awaitable[None]],
    kind: type[HostedWorld] = LocalWorld,
    names: tuple[str, ...] = NAMES,
    faults: tuple[str, ...] = (),
    system: ReferenceNode | None = None,
) -> HostedWorld:
    """Run a body in a world of some nodes; afterwards nothing is left."""
    world = kind(
        system or ReferenceNode(),
        names,
        folder / "nodes",
        time.monotonic_ns,
        faults=faults,
        seed=1,
        ledgers=folder / "ledgers",
    )

    async def run() -> None:
        async with asyncio.timeout(60), world:
            await world.wait_for_leader(BOUND_S)
            await body(world)

    asyncio.run(run())
    assert list((folder / "ledgers").iterdir()) == []
    return world


async def took(world: HostedWorld, action: object) -> None:
    outcome = await world.carry_out(action)  # type: ignore[arg-type]
    assert (outcome.took_effect, outcome.error) == (True, None)


def share_of_time(pid: int, samples: int = 400) -> float:
    """The share of half a second during which a process is stopped, as /proc shows it."""
    stopped = 0
    for _ in range(samples):
        stopped += Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        time.sleep(0.5 / samples)
    return stopped / samples


def test_a_slow_node_is_stopped_for_the_share_of_time_asked_for_and_still_answers(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        pid = world.lives()[0].pid
        assert share_of_time(pid) == 0
        await took(world, Slow(("n1",), 80))
        assert 0.6 < share_of_time(pid) < 0.95
        view = (await world.observe()).nodes["n1"]
        assert not view.paused, "slow is not paused"
        assert not (await world.carry_out(Slow(("n1",), 80))).took_effect, "it is slow already"
        await took(world, EndSlow(NAMES))
        assert share_of_time(pid) == 0
        assert not (await world.carry_out(EndSlow(NAMES))).took_effect
        await took(world, Slow(("n1",), 50))
        await took(world, Kill(("n1",)))
        await took(world, Start(NAMES))
        assert share_of_time(world.lives()[1].pid) == 0, "the next life is not slow"

    world = in_world(tmp_path, body)
    assert sorted(life.ended_by or "unexpected" for life in world.lives()) == ["kill", *["teardown"] * 3]


def test_a_terminated_node_ends_in_order_and_comes_back(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        await took(world, Terminate(("n2",)))
        assert not (await world.observe()).nodes["n2"].running
        assert not (await world.carry_out(Terminate(("n2",)))).took_effect
        await took(world, Start(NAMES))

    world = in_world(tmp_path, body)
    (ended,) = [life for life in world.lives() if life.ended_by == "terminate"]
    assert (ended.node, ended.status) == ("n2", 0)
    assert '"event":"stop"' in (tmp_path / "nodes" / "n2" / "trace" / "0001.jsonl").read_text()


async def shown_time(world: HostedWorld, node: str) -> float:
    """How far a node's clock is ahead, as it tells a client."""
    async with HttpTransport(2, world.sockets) as transport:
        reply = await transport.send(world.address(node), HttpRequest("GET", "/v1/admin/status"))
    assert isinstance(reply, HttpReply)
    return parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()


@needs_faketime
@pytest.mark.parametrize("offset_s", [3600, -60])
def test_a_nodes_clock_jumps_and_jumps_back_and_no_others(tmp_path: Path, offset_s: int) -> None:
    async def body(world: HostedWorld) -> None:
        leader = await world.wait_for_leader(BOUND_S)
        term = (await world.observe()).nodes[leader].term
        await took(world, SetClock((leader,), offset_s))
        for name in NAMES:
            expected = offset_s if name == leader else 0
            assert abs(await shown_time(world, name) - expected) < 2.5
        assert not (await world.carry_out(SetClock((leader,), offset_s))).took_effect, "it is so already"
        await asyncio.sleep(1.5)
        view = await world.observe()
        assert (view.leader(), view.nodes[leader].term) == (leader, term), "no election hangs on it"
        await took(world, Kill((leader,)))
        await took(world, Start(NAMES))
        assert abs(await shown_time(world, leader) - offset_s) < 2.5, "it belongs to the node, not to a life"
        await took(world, ResetClock(NAMES))
        assert abs(await shown_time(world, leader)) < 2.5

    in_world(tmp_path, body, faults=("clock",))


def test_without_libfaketime_a_run_with_clock_faults_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "faketime", lambda: None)

    async def body(world: HostedWorld) -> None:
        raise AssertionError("it started")

    with pytest.raises((CouldNotRun, HostError), match=r"clock needs libfaketime: apt-get install"):
        in_world(tmp_path, body, faults=("clock",))


@needs_namespaces
def test_bad_links_lose_some_packets_and_carry_the_others(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        await took(world, Lose(between(("n1",), ("n2", "n3"))))
        began = asyncio.get_running_loop().time()
        async with busy(world):  # an idle cluster of today sends too few packets to lose some for sure
            await asyncio.sleep(2)
        healed = await world.carry_out(EndLoss())
        assert healed.took_effect
        lost = healed.details["swallowed_packets"]
        assert lost > 5
        assert "connections_reset" not in healed.details
        assert not (await world.carry_out(EndLoss())).took_effect
        async with asyncio.timeout(BOUND_S - (asyncio.get_running_loop().time() - began)):
            while len({node.leader for node in (await world.observe()).nodes.values()}) != 1:  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)

    in_world(tmp_path, body, kind=NetnsWorld)


def test_a_change_of_membership_shows_in_what_every_member_says(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        leader = (await world.observe()).leader()
        assert leader is not None
        node = next(name for name in NAMES if name != leader)
        others = tuple(name for name in NAMES if name != node)

        async def ask(change: MemberChange) -> Outcome:
            return await world.carry_out(ChangeMembership((node,), change, leader))

        async def all_say(voters: tuple[str, ...], learners: tuple[str, ...], by: tuple[str, ...]) -> None:
            async with asyncio.timeout(BOUND_S):
                while True:
                    views = (await world.observe()).nodes
                    if all((views[name].members, views[name].learners) == (voters, learners) for name in by):
                        return
                    await asyncio.sleep(POLL_S)

        assert (await ask("remove")).details["outcome"] == "done"
        await all_say(others, (), by=others)
        again = await ask("remove")
        assert (again.took_effect, again.details["outcome"]) == (False, "refused")
        assert f"{node} is no member" in (again.error or "")
        assert (await ask("add-learner")).took_effect
        await all_say(others, (node,), by=NAMES)
        async with asyncio.timeout(BOUND_S):
            while True:
                if (await ask("promote")).details["outcome"] == "done":
                    break
                await asyncio.sleep(POLL_S)
        await all_say(NAMES, (), by=NAMES)

    in_world(tmp_path, body, faults=("membership",))


def test_a_change_without_an_answer_has_an_unknown_outcome(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        leader = (await world.observe()).leader()
        assert leader is not None
        others = tuple(name for name in NAMES if name != leader)
        await took(world, Kill(others))
        lonely = await world.carry_out(ChangeMembership((others[0],), "remove", leader))
        assert (lonely.took_effect, lonely.details["outcome"]) == (False, "unknown")
        refused = await world.carry_out(ChangeMembership((leader,), "remove", others[0]))
        assert refused.details["outcome"] == "refused", "no process listens there, so nothing was sent"

    in_world(tmp_path, body, faults=("membership",))


def test_a_new_leader_is_struck_as_soon_as_it_is_seen_to_lead(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        view = await world.observe()
        leader = view.leader()
        assert leader is not None
        await took(world, Kill((leader,)))
        outcome = await world.carry_out(LieInWait("new-leader", "kill", view.nodes[leader].term or 0, 10_000))
        assert outcome.took_effect
        assert outcome.details["term"] > (view.nodes[leader].term or 0)

    world = in_world(tmp_path, body, faults=("ambush",))
    (life,) = [life for life in world.lives() if life.ended_by == "ambush"]
    trace = read_trace(tmp_path / "nodes" / life.node / "trace", life.node)
    assert trace.events[-1].role == "leader"
