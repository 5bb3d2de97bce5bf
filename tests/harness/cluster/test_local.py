"""The local world with real nodes: the reported effect of a fault is what the nodes show."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.client.net import Net
from harness.cluster import local
from harness.cluster.local import LocalWorld
from harness.cluster.mechanisms.processes import last_words
from harness.cluster.ports import free_ports
from harness.errors import CouldNotRun
from harness.hosts.host import POLL_S, eventually
from harness.hosts.links import links
from harness.hosts.local import LocalHost
from harness.hosts.processes import identify
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.network.shapes import between
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.view import ClusterView, NodeView
from harness.run.test import Test
from harness.run.worlds import world_of
from harness.systems.base import Launch, NodeStatus, Place
from harness.systems.reference_node import ReferenceNode
from history import read_trace

NAMES = ("n1", "n2", "n3")
LEADER_BOUND_S = 15.0
SECRET_GIVEN = re.compile(rb"ACKPROOF_PEER_SECRET=([0-9a-f]{64})\0")


def world_in(folder: Path, system: ReferenceNode | None = None, base_port: int | None = None) -> LocalWorld:
    return LocalWorld(
        system or ReferenceNode(),
        NAMES,
        folder / "nodes",
        time.monotonic_ns,
        seed=1,
        base_port=base_port,
        ledgers=folder / "ledgers",
    )


def with_world(folder: Path, body: Callable[[LocalWorld], Awaitable[None]]) -> LocalWorld:
    """Run a body in a world of three nodes; afterwards nothing of it is left."""

    async def run() -> LocalWorld:
        async with asyncio.timeout(60), world_in(folder) as world:
            await body(world)
        return world

    world = asyncio.run(run())
    assert_nothing_left(folder, world)
    return world


def assert_nothing_left(folder: Path, world: LocalWorld) -> None:
    assert [life for life in world.lives() if life.ended_at is None or identify(life.pid) is not None] == []
    assert list((folder / "ledgers").iterdir()) == []


async def view_where(world: LocalWorld, holds: Callable[[ClusterView], bool]) -> ClusterView:
    """Observe until something holds."""
    async with asyncio.timeout(LEADER_BOUND_S):
        while not holds(view := await world.observe()):  # noqa: ASYNC110 (it must be asked)
            await asyncio.sleep(POLL_S)
    return view


def leader_in(view: ClusterView) -> tuple[str, NodeView]:
    leader = view.leader()
    assert leader is not None
    return leader, view.nodes[leader]


def test_a_killed_leader_is_gone_replaced_and_returns_with_its_data(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        old = await world.wait_for_leader(LEADER_BOUND_S)
        term = (await world.observe()).nodes[old].term
        outcome = await world.carry_out(Kill((old,)))
        assert (outcome.took_effect, outcome.error) == (True, None)
        assert (await world.observe()).nodes[old] == NodeView(running=False)
        assert not (await world.carry_out(Kill((old,)))).took_effect, "nothing is there to be killed"

        new = await world.wait_for_leader(LEADER_BOUND_S)
        assert new != old
        new_term = (await world.observe()).nodes[new].term
        assert term is not None
        assert new_term is not None
        assert new_term > term

        outcome = await world.carry_out(Start(NAMES))
        assert outcome.details["changed"] == [old], "those that run are left alone"
        view = await world.observe()
        assert view.nodes[old].running
        assert view.nodes[old].role is not None, "it answers when the start is reported to have taken effect"
        await view_where(world, lambda view: len({node.term for node in view.nodes.values()}) == 1)

    world = with_world(tmp_path, body)
    lives = world.lives()
    assert sorted(life.ended_by or "unexpected" for life in lives) == ["kill", *["teardown"] * 3]
    (killed,) = [life for life in lives if life.ended_by == "kill"]
    assert killed.status == -signal.SIGKILL
    assert [life.life for life in lives if life.node == killed.node] == [1, 2]
    traces = read_trace(tmp_path / "nodes" / killed.node / "trace", killed.node)
    assert [life for life, _ in traces.lives()] == [1, 2], "lives are numbered as in the trace"
    assert [(life.node, life.status) for life in lives if life.ended_by == "teardown" and life.status] == []


def test_an_isolated_leader_is_replaced_in_a_higher_term_and_rejoins_after_the_heal(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        old = await world.wait_for_leader(LEADER_BOUND_S)
        term = (await world.observe()).nodes[old].term or 0
        others = tuple(name for name in NAMES if name != old)
        outcome = await world.carry_out(Cut(between((old,), others)))
        assert (outcome.took_effect, outcome.error) == (True, None)

        def others_agree(view: ClusterView) -> bool:
            leaders = {view.nodes[name].leader for name in others}
            return len(leaders) == 1 and leaders <= set(others)

        view = await view_where(world, others_agree)
        new = view.nodes[others[0]].leader
        assert new is not None
        assert (view.nodes[new].term or 0) > term
        assert view.nodes[old].leader != new, "the isolated one has not heard of it"

        healed = await world.carry_out(Heal())
        assert healed.took_effect
        assert healed.details["swallowed_messages"] > 0
        assert healed.details["swallowed_bytes"] > healed.details["swallowed_messages"]
        view = await view_where(
            world,
            lambda view: len({(n.leader, n.term) for n in view.nodes.values()}) == 1 and bool(view.leader()),
        )
        assert (leader_in(view)[1].term or 0) > term
        assert not (await world.carry_out(Heal())).took_effect, "nothing is cut any more"

    with_world(tmp_path, body)


def test_a_paused_leader_is_stopped_replaced_and_steps_down_when_resumed(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        old = await world.wait_for_leader(LEADER_BOUND_S)
        assert (await world.carry_out(Pause((old,)))).took_effect
        assert (await world.observe()).nodes[old] == NodeView(running=True, paused=True)
        assert not (await world.carry_out(Pause((old,)))).took_effect
        new = await world.wait_for_leader(LEADER_BOUND_S)
        assert new != old
        assert (await world.carry_out(Resume(NAMES))).details["changed"] == [old]
        await view_where(world, lambda view: view.nodes[old].leader == view.leader() is not None)

    with_world(tmp_path, body)


def test_a_node_that_dies_by_itself_is_seen_and_counted_as_unexpected(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        victim = world.lives()[0]
        os.kill(victim.pid, signal.SIGABRT)
        await view_where(world, lambda view: not view.nodes[victim.node].running)

    world = with_world(tmp_path, body)
    life = world.lives()[0]
    assert (life.status, life.ended_by) == (-signal.SIGABRT, None)


def test_paused_nodes_are_ended_too_and_so_is_everything_after_an_error(tmp_path: Path) -> None:
    worlds: list[LocalWorld] = []

    async def body(world: LocalWorld) -> None:
        worlds.append(world)
        await world.carry_out(Pause(NAMES))
        raise RuntimeError("the run fails")

    with pytest.raises(RuntimeError, match="the run fails"):
        with_world(tmp_path, body)
    assert_nothing_left(tmp_path, worlds[0])
    assert [life.ended_by for life in worlds[0].lives()] == ["teardown"] * 3


def test_everything_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    worlds: list[LocalWorld] = []

    async def run() -> None:
        async with world_in(tmp_path) as world:
            worlds.append(world)
            await asyncio.sleep(60)

    async def interrupt() -> None:
        task = asyncio.create_task(run())
        assert await eventually(lambda: bool(worlds), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(interrupt())
    assert_nothing_left(tmp_path, worlds[0])


def test_clients_reach_nodes_at_their_address_also_across_a_partition(tmp_path: Path) -> None:
    async def body(world: LocalWorld) -> None:
        await world.carry_out(Cut(between(("n1",), ("n2", "n3"))))
        async with HttpTransport(2) as transport:
            reply = await transport.send(world.address("n1"), HttpRequest("GET", "/v1/admin/status"))
        assert isinstance(reply, HttpReply)
        assert msgspec.json.decode(reply.body)["name"] == "n1"

    with_world(tmp_path, body)


def test_a_port_in_use_stops_the_start_and_is_named(tmp_path: Path) -> None:
    base = free_ports(6)[0]

    async def run() -> None:
        async with world_in(tmp_path, base_port=base):
            pass

    with (
        socket.create_server(("127.0.0.1", base)),
        pytest.raises(CouldNotRun, match=f"port {base} is in use"),
    ):
        asyncio.run(run())


class Script(ReferenceNode, frozen=True):
    """A node whose process runs a line of Python instead."""

    script: str = ""

    def launch(self, place: Place) -> Launch:
        return Launch.of(sys.executable, "-c", self.script)


def test_a_node_that_ends_at_its_start_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    async def run() -> None:
        async with world_in(tmp_path, Script(script="import sys; sys.exit('no disk in the drive')")):
            pass

    same = "^cannot start the nodes: n1, n2, n3: ended at its start with status 1: no disk in the drive$"
    with pytest.raises(CouldNotRun, match=same):
        asyncio.run(run())
    assert list((tmp_path / "ledgers").iterdir()) == []


def test_nodes_that_end_at_their_start_for_different_reasons_are_named_apart(tmp_path: Path) -> None:
    script = "import os, sys; sys.exit('no disk' if os.getcwd().endswith('n2') else 'no memory')"

    async def run() -> None:
        async with world_in(tmp_path, Script(script=script)):
            pass

    with pytest.raises(CouldNotRun, match=r"n1, n3: ended .*: no memory; n2: ended .*: no disk$"):
        asyncio.run(run())


ENDED = """2995 [main] ERROR QuorumPeer - Unable to load database on disk
java.lang.RuntimeException: Unable to run quorum server
	at org.apache.zookeeper.server.quorum.QuorumPeer.start(QuorumPeer.java:1135)
Caused by: java.io.IOException: No snapshot found, but there are log entries. Something is broken!
	at org.apache.zookeeper.server.persistence.FileTxnSnapLog.restore(FileTxnSnapLog.java:290)
	... 4 more
2996 [main] INFO ZKAuditProvider - ZooKeeper audit is disabled.
3049 [main] ERROR ServiceUtils - Exiting JVM with code 1
"""


def test_the_last_words_of_a_node_begin_with_the_error_that_ended_it() -> None:
    cause, *last = last_words(ENDED.splitlines()).split(" | ")
    assert cause.endswith(
        "java.io.IOException: No snapshot found, but there are log entries. Something is broken!"
    )
    assert [line.partition(" - ")[2] for line in last] == [
        "ZooKeeper audit is disabled.",
        "Exiting JVM with code 1",
    ]
    assert last_words(["first", "", "loading", "no such file"]) == "loading | no such file"
    assert last_words(["panic: no snapshot", "", "goroutine 1 [running]:", "main.main()"]) == (
        "panic: no snapshot | goroutine 1 [running]: | main.main()"
    )
    assert last_words(["at its start", "ValueError: no colour"]) == "at its start | ValueError: no colour"
    assert last_words([]) == "(the log is empty)"


@pytest.mark.parametrize(
    "refusal",
    [
        "flag provided but not defined: -wrong",
        "nats-server: flag provided but not defined: -wrong",
        'invalid value "much" for flag -heartbeat-interval: parse error',
        "Unrecognized option: -Xwrong",
        "error: unexpected argument '--wrong' found",
        "/usr/bin/node: bad option: --wrong",
        "sort: unrecognized option '--wrong'",
    ],
)
def test_the_last_words_name_an_argument_that_is_refused_before_the_usage(refusal: str) -> None:
    usage = ["Usage:", "", *[f"  server --option-{number}" for number in range(40)]]
    assert last_words([refusal, *usage]) == f"{refusal} | server --option-38 | server --option-39"
    assert last_words([refusal, *usage], 3).count(" | ") == 3


def test_last_words_take_no_line_of_a_usage_for_a_refusal() -> None:
    usage = ["--max-value  the largest value", "unknown peers are refused", "serving", "listening"]
    assert last_words(usage) == "serving | listening"


@pytest.mark.parametrize("fate", ["dies", "never answers"])
def test_a_link_proxy_that_fails_at_the_start_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    argv = {"dies": ["/bin/false"], "never answers": ["/bin/sleep", "60"]}[fate]
    monkeypatch.setattr(links, "REPLY_BOUND_S", 0.2)

    async def start_broken_links(host: LocalHost, log: Path) -> links.LinkProxies:
        process = await host.start(
            "the link proxy", argv, log=log, folder=log.parent, with_pipes=True, essential=True
        )
        return links.LinkProxies(process)

    monkeypatch.setattr(local, "start_links", start_broken_links)

    async def run() -> None:
        with pytest.raises(
            CouldNotRun, match=r"the link proxy (has ended|ended with status 1|gave no answer)"
        ):
            async with world_in(tmp_path):
                pass
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0, "nothing of the failure is left in the caller's task"

    asyncio.run(run())
    assert list((tmp_path / "ledgers").iterdir()) == []


def test_a_cluster_without_a_leader_is_reported_in_one_line_with_the_last_lines_of_a_node(
    tmp_path: Path,
) -> None:
    async def body(world: LocalWorld) -> None:
        await world.carry_out(Kill(("n1", "n2")))
        await world.wait_for_leader(0.5)

    with pytest.raises(CouldNotRun) as ended:
        with_world(tmp_path, body)
    said = str(ended.value)
    assert re.match(r"no leader within 0.5 s: n1 ended with status -9; n2 ended with status -9; n3 is ", said)
    assert re.search(r"; the end of \S+/n1/log\.txt: \S", said)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("role", "leader", "advice"),
    [
        ("follower", None, "each gives a status, and none says that it leads: look at "),
        ("leader", "n2", "no majority names the same leader in one term"),
    ],
)
def test_a_status_that_never_names_a_leader_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, leader: str | None, advice: str
) -> None:
    async def status(_: ReferenceNode, place: Place, net: Net) -> NodeStatus:
        del net
        return NodeStatus(role, place.number, leader)

    monkeypatch.setattr(ReferenceNode, "status", status)

    async def body(world: LocalWorld) -> None:
        await world.wait_for_leader(0.2)

    with pytest.raises(CouldNotRun) as ended:
        with_world(tmp_path, body)
    names = "" if leader is None else f" and names {leader}"
    assert str(ended.value).startswith(
        f"no leader within 0.2 s: n1 is {role} in term 1{names}; n2 is {role} in term 2{names}; n3 is "
    )
    assert advice in str(ended.value)
    assert "\n" not in str(ended.value)


def test_a_world_is_made_of_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    async def run() -> None:
        test = Test(nodes=("a",), workload="registry", request_timeout_ms=1000)
        async with world_of(
            test, ReferenceNode.of(test.options()), tmp_path / "nodes", time.monotonic_ns
        ) as world:
            assert await world.wait_for_leader(LEADER_BOUND_S) == "a"
            assert len(list((tmp_path / "state" / "ackproof" / "ledger").iterdir())) == 1

    asyncio.run(run())
    assert list((tmp_path / "state" / "ackproof" / "ledger").iterdir()) == []


def shown(process: int, file: str) -> bytes:
    """What the kernel shows of a process in this file."""
    return Path(f"/proc/{process}/{file}").read_bytes()


def test_each_run_has_a_secret_of_its_own_and_writes_it_nowhere(tmp_path: Path) -> None:
    found: list[set[bytes]] = []

    async def body(world: LocalWorld) -> None:
        await world.wait_for_leader(LEADER_BOUND_S)
        processes = [life.pid for life in world.lives()]
        found.append({SECRET_GIVEN.findall(shown(process, "environ"))[0] for process in processes})
        arguments = [shown(process, "cmdline") for process in processes]
        assert not any(secret in one for secret in found[-1] for one in arguments)

    for folder in (tmp_path / "first", tmp_path / "second"):
        with_world(folder, body)
    [[first], [second]] = found
    assert first != second
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 12, "logs, traces and data of six nodes"
    assert not any(secret in content for secret in (first, second) for content in written)
