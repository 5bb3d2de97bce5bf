"""Bad links between real nodes: what the nodes themselves show of them, and that they go on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from harness.client.codecs.registry import RegistryCodec
from harness.client.http import HttpTransport
from harness.cluster.netns import NetnsWorld
from harness.cluster.world import HostedWorld
from harness.errors import CouldNotRun
from harness.hosts import agent
from harness.hosts.host import POLL_S, eventually
from harness.nemesis.faults.network.impairments import EndImpairment, Impair
from harness.nemesis.faults.network.loss import EndLoss, Lose
from harness.nemesis.faults.network.shapes import between
from history import Operation
from tests.harness.cluster.busy import busy
from tests.harness.cluster.test_faults import BOUND_S, NAMES, in_world, took
from tests.harness.hosts.links.test_netem import needs_netem, needs_shaping
from tests.harness.hosts.namespaces import needs_namespaces

ALL = between(("n1",), ("n2", "n3")) + between(("n2",), ("n3",))


async def write_takes_s(world: HostedWorld, number: int) -> float:
    """How long the leader needs for a write, the shortest of three."""
    leader = await world.wait_for_leader(BOUND_S)
    took_s = []
    async with HttpTransport(10, world.sockets) as transport:
        for attempt in range(3):
            key = f"svc/10.1.0.1:{3 * number + attempt + 1}"
            operation = Operation(3 * number + attempt, 0, 99, "invoke", "register", key, "r", None, leader)
            began = time.monotonic()
            reply = await transport.send(world.address(leader), RegistryCodec().encode(operation))
            done = RegistryCodec().decode(operation, reply)
            assert done.type == "ok", done
            took_s.append(time.monotonic() - began)
    return min(took_s)


@pytest.mark.parametrize("how", [{"delay_ms": 150}, {"rate_bytes_s": 2_000}], ids=["delay", "rate"])
def test_a_write_takes_longer_by_what_the_links_take_longer(tmp_path: Path, how: dict[str, int]) -> None:
    async def body(world: HostedWorld) -> None:
        before = await write_takes_s(world, 0)
        await took(world, Impair(ALL, "fault", 1, **how))  # type: ignore[arg-type]
        assert await write_takes_s(world, 1) > before + 0.05
        healed = await world.carry_out(EndImpairment("fault"))
        assert healed.details["struck"] > 0
        assert not (await world.carry_out(EndImpairment("fault"))).took_effect

    in_world(tmp_path, body, faults=("delay",))


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ({"corrupted_percent": 100}, "disconnected n1 from the peer port: "),
        ({"reset_percent": 100}, None),
        ({"is_stalled": True}, None),
    ],
    ids=["corrupt", "reset", "stall"],
)
def test_a_leader_that_is_not_understood_is_replaced(
    tmp_path: Path, how: dict[str, int], shown: str | None
) -> None:
    """What reaches the others is refused, never taken for something else: they elect another leader."""

    async def body(world: HostedWorld) -> None:
        leader = await world.wait_for_leader(BOUND_S)
        links = tuple((leader, name) for name in NAMES if name != leader)
        await took(world, Impair(links, "fault", 1, **how))  # type: ignore[arg-type]
        async with asyncio.timeout(BOUND_S):
            while (await world.observe()).leader() == leader:  # noqa: ASYNC110 (it must be asked)
                await asyncio.sleep(POLL_S)
        if shown is not None:
            logs = [tmp_path / "nodes" / name / "log.txt" for name in NAMES if name != leader]
            line = shown.replace("n1", leader)
            assert await eventually(lambda: all(line in log.read_text() for log in logs), 5)
        await took(world, EndImpairment("fault"))
        await world.wait_for_leader(BOUND_S)

    world = in_world(tmp_path, body, faults=("corrupt",))
    assert {life.ended_by for life in world.lives()} == {"teardown"}, "no node has ended of it"


def test_nodes_agree_although_messages_are_lost_repeated_and_overtaken(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await took(world, Impair(ALL, "duplicate", 1, repeated_percent=50))
            await took(world, Impair(ALL, "reorder", 2, overtaken_percent=50))
            await took(world, Lose(ALL))
            await asyncio.sleep(1)
            assert (await world.carry_out(EndLoss())).details["swallowed_messages"] > 10
            assert (await world.carry_out(EndImpairment("reorder"))).details["struck"] > 10
            assert (await world.carry_out(EndImpairment("duplicate"))).details["struck"] > 10
        await write_takes_s(world, 0)

    in_world(tmp_path, body, faults=("duplicate", "reorder", "loss"))


@needs_shaping
def test_where_links_are_packets_a_write_takes_longer_by_what_their_rate_leaves(tmp_path: Path) -> None:
    async def body(world: HostedWorld) -> None:
        before = await write_takes_s(world, 0)
        await took(world, Impair(ALL, "rate", 1, rate_bytes_s=2_000))
        async with busy(world):  # until what htb lets through at first has passed
            await asyncio.sleep(1)
        assert await write_takes_s(world, 1) > before + 0.05
        healed = await world.carry_out(EndImpairment("rate"))
        assert healed.details["struck"] > 0
        assert not (await world.carry_out(EndImpairment("rate"))).took_effect
        await world.wait_for_leader(BOUND_S)

    in_world(tmp_path, body, kind=NetnsWorld, faults=("rate",))


@needs_netem
@pytest.mark.parametrize(
    "how",
    [
        {"delay_ms": 20, "jitter_ms": 20},
        {"repeated_percent": 50},
        {"overtaken_percent": 50},
        {"corrupted_percent": 20},
    ],
    ids=["delay", "duplicate", "reorder", "corrupt"],
)
def test_nodes_agree_on_links_whose_packets_are_bad(tmp_path: Path, how: dict[str, int]) -> None:
    async def body(world: HostedWorld) -> None:
        async with busy(world):
            await took(world, Impair(ALL, "fault", 1, **how))  # type: ignore[arg-type]
            await asyncio.sleep(1)
            assert (await world.carry_out(EndImpairment("fault"))).details["struck"] > 0
        await write_takes_s(world, 0)

    in_world(tmp_path, body, kind=NetnsWorld, faults=("corrupt",))


@needs_namespaces
@pytest.mark.parametrize(
    ("fault", "missing"), [("delay", "tc's netem, htb and u32"), ("rate", "tc's htb and u32")]
)
def test_a_kernel_without_what_packets_need_is_refused_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, missing: str
) -> None:
    monkeypatch.setattr(agent, "can_shape", lambda leaf: False)

    async def body(world: HostedWorld) -> None:
        raise AssertionError("it was accepted")

    with pytest.raises(CouldNotRun, match=f"{fault} needs a kernel with {missing} .* which this one lacks"):
        in_world(tmp_path, body, kind=NetnsWorld, faults=(fault,))
