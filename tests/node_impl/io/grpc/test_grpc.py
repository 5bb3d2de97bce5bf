"""A node that is started with `--grpc`, spoken to message by message."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")

from tests import REPOSITORY
from tests.node_impl.io.grpc.speaking import Speaker
from tests.node_impl.node_processes import NodeProcess, free_port, nodes, wait_for_leader

TOKENS = "read a-token-that-may-read-only\nwrite a-token-that-may-write-too\n"


@pytest.fixture
def speak(tmp_path: Path) -> Any:
    """Starts one node; calls a function with the number of its gRPC port."""

    def run(talk: Callable[[int, NodeProcess], Awaitable[None]], *options: str) -> None:
        with nodes(tmp_path, 1) as (node,):
            port = free_port()
            node.arguments += ["--grpc", str(port), *options]
            node.start()
            wait_for_leader([node])
            asyncio.run(asyncio.wait_for(_talk(talk, port, node), 60))
            assert node.end() == 0

    return run


async def _talk(talk: Callable[[int, NodeProcess], Awaitable[None]], port: int, node: NodeProcess) -> None:
    await talk(port, node)


@asynccontextmanager
async def speaker(port: int) -> AsyncIterator[Speaker]:
    one = Speaker(port)
    await one.set_up()
    try:
        yield one
    finally:
        await one.close()


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await ask():  # noqa: ASYNC110 - it asks another process
            await asyncio.sleep(0.02)


def test_an_instance_lives_as_long_as_its_connection(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as other:
            async with speaker(port) as one:
                assert (await one.register("web", "10.0.0.1")).body["success"]
                await asyncio.sleep(2.2)  # longer than the silence after which it would be removed
                assert await other.listed("web") == ["10.0.0.1"]

            async def is_gone() -> bool:
                return await other.listed("web") == []

            await until(is_gone)

    speak(talk, "--beat-interval-ms", "100", "--beat-timeout-ms", "1000", "--beat-delete-ms", "1500")


def test_a_connection_that_closes_leaves_what_was_registered_elsewhere_since(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as newer:
            async with speaker(port) as older:
                await older.register("web", "10.0.0.1", metadata={"by": "older"})
                await older.register("web", "10.0.0.2")
                await newer.register("web", "10.0.0.1", metadata={"by": "newer"})

            async def are_the_olders_gone() -> bool:
                return "10.0.0.2" not in await newer.listed("web")

            await until(are_the_olders_gone)
            assert await newer.listed("web") == ["10.0.0.1"]
            assert node.lookup("10.0.0.1").json()["metadata"] == {"by": "newer"}

    speak(talk)


def test_a_connection_whose_instance_was_removed_elsewhere_is_closed(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one, speaker(port) as other:
            await one.register("web", "10.0.0.1")
            await other.deregister("web", "10.0.0.1")
            assert await one.stream_has_ended()
            assert (await one.ask("HealthCheckRequest")).body["errorCode"] == 301, "it is to connect again"
            assert await other.listed("web") == []

    speak(talk, "--beat-interval-ms", "100")


def test_a_deregistered_instance_does_not_end_its_connection(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            for _ in range(20):
                await one.register("web", "10.0.0.1")
                await one.deregister("web", "10.0.0.1")
                await asyncio.sleep(0.01)
            assert (await one.ask("HealthCheckRequest")).body["success"]

    speak(talk, "--beat-interval-ms", "60")


def test_a_subscriber_is_shown_each_change_and_nothing_once_it_has_unsubscribed(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            asked: dict[str, Any] = {"serviceName": "web", "groupName": "DEFAULT_GROUP", "clusters": ""}
            begun = await one.ask("SubscribeServiceRequest", subscribe=True, requestId="7", **asked)
            assert begun.body["serviceInfo"]["hosts"] == []
            assert begun.body["requestId"] == "7"
            await asyncio.to_thread(node.register, "10.0.0.9")
            last = begun.body["serviceInfo"]["lastRefTime"]
            while True:
                pushed = await one.pushed()
                info = pushed.body["serviceInfo"]
                assert pushed.type == "NotifySubscriberRequest"
                assert (info["name"], info["groupName"]) == ("web", "DEFAULT_GROUP")
                if [host["ip"] for host in info["hosts"]] == ["10.0.0.9"]:
                    break
            assert info["lastRefTime"] > last
            await one.ask("SubscribeServiceRequest", subscribe=False, **asked)
            await asyncio.to_thread(node.register, "10.0.0.10")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(one.pushed(), 0.5)

    speak(talk)


def test_a_batch_is_all_that_a_connection_has_of_the_service(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            for wanted in (["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.3"], []):
                instances = [{"ip": ip, "port": 80} for ip in wanted]
                said = await one.ask(
                    "BatchInstanceRequest",
                    type="batchRegisterInstance",
                    serviceName="web",
                    instances=instances,
                )
                assert said.body["success"]
                assert await one.listed("web") == wanted

    speak(talk)


def test_persistent_instances_outlive_their_connection(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            said = await one.ask(
                "PersistentInstanceRequest",
                type="registerInstance",
                serviceName="web",
                instance={"ip": "10.0.0.1", "port": 80},
            )
            assert said.body["success"]
        async with speaker(port) as other:
            await other.register("web", "10.0.0.2")
            assert await other.listed("web") == ["10.0.0.1", "10.0.0.2"]
            services = await other.ask("ServiceListRequest", serviceName="", pageNo=1, pageSize=10)
            assert (services.body["count"], services.body["serviceNames"]) == (1, ["web"])

    speak(talk)


def test_a_listener_is_shown_that_a_configuration_changed(speak: Any) -> None:
    named: dict[str, Any] = {"dataId": "settings", "group": "DEFAULT_GROUP", "tenant": "public"}

    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            assert (await one.ask("ConfigQueryRequest", **named)).body["errorCode"] == 300
            assert (await one.ask("ConfigPublishRequest", content="a", **named)).body["success"]
            found = (await one.ask("ConfigQueryRequest", **named)).body
            assert found["content"] == "a"
            held: dict[str, Any] = {"listen": True, "configListenContexts": [{**named, "md5": ""}]}
            changed = await one.ask("ConfigBatchListenRequest", **held)
            assert changed.body["changedConfigs"] == [named]
            held["configListenContexts"] = [{**named, "md5": found["md5"]}]
            assert (await one.ask("ConfigBatchListenRequest", **held)).body["changedConfigs"] == []
            over_http = {"dataId": "settings", "group": "DEFAULT_GROUP", "content": "b"}
            await asyncio.to_thread(node.ask, "POST", "/nacos/v1/cs/configs", over_http)
            pushed = await one.pushed()
            assert pushed.type == "ConfigChangeNotifyRequest"
            assert {name: pushed.body[name] for name in named} == named
            refused = await one.ask("ConfigPublishRequest", content="c", casMd5=found["md5"], **named)
            assert refused.body["errorCode"] == 409
            assert (await one.ask("ConfigRemoveRequest", **named)).body["success"]
            assert (await one.ask("ConfigQueryRequest", **named)).body["errorCode"] == 300

    speak(talk)


def test_what_is_no_proper_message_is_refused_and_nothing_is_proposed(speak: Any) -> None:
    async def talk(port: int, node: NodeProcess) -> None:
        stranger = Speaker(port)
        assert (await stranger.ask("ServerCheckRequest")).body["connectionId"]
        assert (await stranger.ask("HealthCheckRequest")).body["errorCode"] == 301
        assert (await stranger.register("web", "10.0.0.1")).body["errorCode"] == 301
        assert (await stranger.send(b"\xff")).body["errorCode"] == 400
        assert (await stranger.ask("LockOperationRequest")).body["errorCode"] == 302
        await stranger.close()
        async with speaker(port) as one:
            said = await one.register("web", "not an address")
            assert said.type == "InstanceResponse"
            assert said.body["errorCode"] == 400
            assert "nothing was proposed" in said.body["message"]
        assert (await asyncio.to_thread(node.status))["services"] == 0

    speak(talk)


def test_a_message_needs_a_token_with_its_role(speak: Any, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text(TOKENS)

    async def talk(port: int, node: NodeProcess) -> None:
        async with speaker(port) as one:
            for token, may_write in (
                (None, False),
                ("a-token-of-another-cluster", False),
                ("a-token-that-may-read-only", False),
                ("a-token-that-may-write-too", True),
            ):
                headers = {} if token is None else {"accessToken": token}
                asked: dict[str, Any] = {
                    "type": "registerInstance",
                    "instance": {"ip": "10.0.0.1", "port": 80},
                }
                said = await one.ask("InstanceRequest", headers, serviceName="web", **asked)
                assert said.body["success"] is may_write
                assert may_write or said.body["errorCode"] == 403
                assert await one.listed("web") == (["10.0.0.1"] if may_write else [])

    speak(talk, "--tokens", str(tokens), "--anonymous", "read")


def test_instances_stay_through_the_death_of_the_leader_and_of_their_node(tmp_path: Path) -> None:
    beats = ["--beat-interval-ms", "200", "--beat-timeout-ms", "1000", "--beat-delete-ms", "2000"]

    async def talk(ports: dict[str, int], members: list[NodeProcess]) -> None:
        leader = wait_for_leader(members)
        here, other = (member for member in members if member is not leader)
        async with speaker(ports[other.name]) as watcher, speaker(ports[here.name]) as one:
            theirs = Speaker(ports[leader.name])
            await theirs.set_up()
            await one.register("web", "10.0.0.1")
            await theirs.register("web", "10.0.0.2")
            leader.end(signal.SIGKILL)

            async def is_the_dead_nodes_gone() -> bool:
                said = await watcher.ask("ServiceQueryRequest", serviceName="web")
                return bool(said.body["success"]) and len(said.body["serviceInfo"]["hosts"]) == 1

            await until(is_the_dead_nodes_gone)
            assert await watcher.listed("web") == ["10.0.0.1"]
            assert (await watcher.register("web", "10.0.0.2")).body["success"]
            assert await watcher.listed("web") == ["10.0.0.1", "10.0.0.2"]
            await theirs.close()

    with nodes(tmp_path, 3) as members:
        ports = {member.name: free_port() for member in members}
        for member in members:
            member.arguments += ["--grpc", str(ports[member.name]), *beats]
            member.start()
        asyncio.run(asyncio.wait_for(talk(ports, members), 60))


def test_a_node_without_the_option_does_not_load_the_library() -> None:
    program = "import sys, node_impl.io.server; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, timeout=30).returncode == 0


def test_a_node_whose_library_is_missing_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ImportError('none here')")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from node_impl.io.server import main; "
    arguments = ["--name", "n1", "--listen", str(free_port()), "--peer-listen", str(free_port()), "--grpc"]
    arguments += ["--data", str(tmp_path / "data"), "--trace", str(tmp_path / "trace")]
    done = subprocess.run(
        [sys.executable, "-c", f"{program}sys.exit(main({arguments!r}))"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 64
    assert "pip install 'ackproof[grpc]'" in done.stderr


def test_an_address_that_is_taken_ends_the_node_with_a_reason(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as (node,):
        node.arguments += ["--grpc", str(node.peer_port)]
        node.start()
        assert node.ended() == 69
        assert any("--grpc" in line for line in node.lines())
