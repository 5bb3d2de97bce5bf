"""Ephemeral instances of Nacos: beats are sent until they are stopped, and go to a server that answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from harness.client.clients import Site
from harness.client.codecs.base import HttpReply
from harness.systems.nacos.beats import BeatingClient, Beats, beat_request, is_renewed
from harness.systems.nacos.instances import InstanceCodec
from harness.systems.nacos.versions import V1, V2, V3, Api
from history import Operation

KEY = "svc-0/10.0.0.1:8080"
PATIENCE_S = 20.0
RENEWED = {
    "v1": b'{"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true}',
    "v2": b'{"clientBeatInterval":1000,"code":10200,"lightBeatEnabled":true}',
    "v3": b'{"code":0,"message":"success","data":"ok"}',
}
UNKNOWN = {
    "v1": b'{"clientBeatInterval":1000,"code":20404}',
    "v2": b'{"clientBeatInterval":1000,"code":20404}',
    "v3": b'{"code":21003,"message":"resource not found","data":null}',
}


@pytest.mark.parametrize("api", [V1, V2, V3], ids=lambda api: api.name)
def test_a_beat_names_the_instance_and_has_no_metadata_to_make_it_from(api: Api) -> None:
    request = beat_request(api, KEY)
    assert request.path == api.beat
    names = {name for name, _ in request.query}
    assert {"serviceName", "ip", "port", "ephemeral"} <= names
    assert not names & {"beat", "metadata"}
    assert is_renewed(api, HttpReply(200, {}, RENEWED[api.name]))
    assert not is_renewed(api, HttpReply(200, {}, UNKNOWN[api.name]))
    assert not is_renewed(api, HttpReply(503, {}, b"server is STARTING now"))


def test_an_ephemeral_registration_says_after_how_long_it_expires() -> None:
    request = InstanceCodec(V2, ephemeral=True).encode(operation("register", "r1"))
    query = dict(request.query)
    assert query["ephemeral"] == "true"
    assert '"preserved.ip.delete.timeout":"8000"' in query["metadata"]


def operation(f: str, value: str | None = None) -> Operation:
    return Operation(3, 0, 1, "invoke", f, KEY, value, node="n1")


class Server:
    """A server of Nacos v2 that counts what it is asked; it knows no instance of which `unknown` says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.unknown = 0
        self.refuses = False
        self._news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        is_beat = request.path.endswith("/beat")
        if self.refuses and not is_beat:
            return web.Response(status=500)
        self.asked.append("beat" if is_beat else "register")
        self._news.set()
        if is_beat and self.unknown:
            self.unknown -= 1
            return web.Response(body=UNKNOWN["v2"])
        return web.Response(body=RENEWED["v2"] if is_beat else b'{"code":0,"data":"ok"}')

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self._news.wait()
                self._news.clear()


async def with_server(act: Any) -> None:
    """Act with a server, and a client whose first member cannot be reached."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "{}:{}".format(*runner.addresses[0][:2])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listened on: connections to it are refused
        silent = f"127.0.0.1:{taken.getsockname()[1]}"
        codec = InstanceCodec(V2, ephemeral=True)
        members = {"n0": {"client": silent}, "n1": {"client": address}}
        client = BeatingClient(Site("n1", members, 1, timeout_s=2.0), Beats(codec), codec)
        await client.open()
        try:
            await act(server, client)
        finally:
            await client.close()
            await runner.cleanup()


def test_what_is_registered_gets_beats_until_it_is_deregistered() -> None:
    async def act(server: Server, client: BeatingClient) -> None:
        assert (await client.perform(operation("register", "r1"))).type == "ok"
        await server.until(lambda: server.asked[:1] == ["register"] and "beat" in server.asked)
        asked = len(server.asked)
        assert (await client.perform(operation("deregister"))).type == "ok"
        assert not client._beats._kept
        # One beat may have been on its way; a deregistration itself asks nothing.
        assert server.asked[asked:] in ([], ["beat"])

    asyncio.run(with_server(act))


def test_a_registration_in_doubt_does_not_keep_alive_what_was_deregistered_before_it() -> None:
    async def act(server: Server, client: BeatingClient) -> None:
        server.refuses = True
        assert (await client.perform(operation("register", "r1"))).type == "info"
        assert client._beats._kept == {}, "a beat names the address alone, whatever was registered there"
        server.refuses = False
        await client.perform(operation("register", "r2"))
        server.refuses = True
        assert (await client.perform(operation("register", "r3"))).type == "info"
        assert client._beats._kept == {KEY: "r3"}, "its beats go on; which of both it is stays in doubt"

    asyncio.run(with_server(act))


def test_what_a_server_does_not_know_any_more_is_registered_again() -> None:
    async def act(server: Server, client: BeatingClient) -> None:
        server.unknown = 1
        await client.perform(operation("register", "r1"))
        await server.until(lambda: server.asked[:4] == ["register", "beat", "register", "beat"])

    asyncio.run(with_server(act))
