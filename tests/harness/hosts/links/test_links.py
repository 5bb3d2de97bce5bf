"""A real proxy process, between a dialler and a listener that the test holds in its hands."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.hosts.host import POLL_S, eventually, within
from harness.hosts.ledger import Ledger
from harness.hosts.links.framing import Framing
from harness.hosts.links.linkmessages import LinkImpairment, LinkState
from harness.hosts.links.links import LinkError, LinkProxies, start_links
from harness.hosts.local import EssentialEndedError, LocalHost

AB, BA = ("a", "b"), ("b", "a")
SILENCE_S = 0.15
"""How long nothing must come for a link to count as silent."""


class Listener:
    """A node's peer port: what arrives, and on how many connections."""

    def __init__(self) -> None:
        self.received: list[bytearray] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.ended: list[int] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4096)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.received)
        self.received.append(bytearray())
        self.writers.append(writer)
        try:
            while True:
                await self.reading.wait()
                data = await reader.read(4096)
                if not data:
                    break
                self.received[number] += data
        except ConnectionError:
            pass
        self.ended.append(number)
        writer.close()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self.writers:
            writer.transport.abort()


class Rig:
    """Two nodes, a and b, with a link each way."""

    def __init__(
        self, links: LinkProxies, ports: dict[tuple[str, str], int], listeners: dict[str, Listener]
    ) -> None:
        self.links = links
        self.ports = ports
        self.listeners = listeners

    async def dial(self, link: tuple[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.ports[link])

    async def state(self, link: tuple[str, str]) -> LinkState:
        return next(state for state in await self.links.states() if state.link == link)

    async def state_where(self, link: tuple[str, str], holds: Callable[[LinkState], bool]) -> LinkState:
        async with asyncio.timeout(5):
            while not holds(state := await self.state(link)):  # noqa: ASYNC110 (it must be asked)
                await asyncio.sleep(POLL_S)
            return state


@asynccontextmanager
async def rig(folder: Path, framing: Framing | None = None) -> AsyncIterator[Rig]:
    with Ledger("test", folder / "ledgers") as ledger:
        async with LocalHost(ledger, time.monotonic_ns) as host:
            listeners = {"a": Listener(), "b": Listener()}
            links = await start_links(host, folder / "links.log")
            targets = {AB: await listeners["b"].listen(), BA: await listeners["a"].listen()}
            yield Rig(links, await links.configure(targets, framing), listeners)
            for listener in listeners.values():
                listener.close()
    assert (folder / "links.log").read_text() == "", "the proxy had nothing to complain of"


def with_rig(folder: Path, body: Callable[[Rig], Awaitable[None]], framing: Framing | None = None) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), rig(folder, framing) as made:
            await body(made)

    asyncio.run(run())


async def is_reset(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends with a reset soon."""
    try:
        async with asyncio.timeout(5):
            return await reader.read(1) == b"" and False
    except ConnectionResetError:
        return True


def frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


def test_bytes_pass_both_ways_and_an_end_ends_the_other_side(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        reader, writer = await rig.dial(AB)
        b = rig.listeners["b"]
        writer.write(b"to b")
        assert await eventually(lambda: b.received == [b"to b"], 5)
        b.writers[0].write(b"to a")
        assert await reader.readexactly(4) == b"to a"
        writer.close()
        assert await eventually(lambda: b.ended == [0], 5)
        state = await rig.state(AB)
        assert (state.forwarded_bytes, state.swallowed_bytes, state.connections) == (8, 0, 0)

    with_rig(tmp_path, body)


def test_a_cut_link_swallows_in_silence_while_the_other_direction_carries_on(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        ab_reader, ab_writer = await rig.dial(AB)
        _, ba_writer = await rig.dial(BA)
        a, b = rig.listeners["a"], rig.listeners["b"]
        ab_writer.write(b"before")
        ba_writer.write(b"before")
        assert await eventually(lambda: a.received == b.received == [b"before"], 5)

        assert await rig.links.cut([AB]) == (AB,)
        ab_writer.write(b"lost")
        b.writers[0].write(b"lost answer")
        ba_writer.write(b", after")
        assert await eventually(lambda: a.received == [b"before, after"], 5)
        assert not await within(SILENCE_S, ab_reader.read(1)), "the dialler sees neither bytes nor an end"
        assert b.received == [b"before"]
        assert b.ended == []
        state = await rig.state(AB)
        assert state.swallowed_bytes == len(b"lost" + b"lost answer")

        healed = await rig.links.heal()
        assert healed.links == (AB,)
        assert healed.swallowed_bytes == len(b"lost" + b"lost answer")
        assert await is_reset(ab_reader), "a stream with a hole is reset, so that the node dials again"
        assert await eventually(lambda: b.ended == [0], 5)
        assert a.ended == [], "a link that was not cut keeps its connections"
        _, again = await rig.dial(AB)
        again.write(b"clean")
        assert await eventually(lambda: b.received == [b"before", b"clean"], 5)

    with_rig(tmp_path, body)


def test_a_connection_made_while_cut_is_taken_swallowed_and_reset_at_the_heal(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.links.cut([AB])
        reader, writer = await rig.dial(AB)
        writer.write(b"hello?")
        assert not await within(SILENCE_S, reader.read(1))
        assert rig.listeners["b"].received == [], "the target is not even dialled"
        assert (await rig.links.heal()).swallowed_bytes == 6
        assert await is_reset(reader)

    with_rig(tmp_path, body)


def test_neither_side_of_a_cut_link_learns_of_the_others_end(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        b = rig.listeners["b"]
        pairs = []
        for number in (1, 2):
            pairs.append(await rig.dial(AB))
            pairs[-1][1].write(b"x")
            expected = [b"x"] * number
            assert await eventually(lambda: b.received == expected, 5)  # noqa: B023 (used before it changes)
        await rig.links.cut([AB])
        b.writers[0].transport.abort()
        pairs[1][1].transport.abort()
        assert not await within(SILENCE_S, pairs[0][0].read(1))
        assert 1 not in b.ended
        await rig.links.heal()
        assert await is_reset(pairs[0][0])
        assert await eventually(lambda: 1 in b.ended, 5)
        assert (await rig.state(AB)).connections == 0

    with_rig(tmp_path, body)


def test_what_was_in_flight_at_the_cut_never_arrives_later(tmp_path: Path) -> None:
    """The listener reads nothing, so bytes pile up in the proxy and its kernel; the cut must drop them."""

    async def body(rig: Rig) -> None:
        b = rig.listeners["b"]
        _, writer = await rig.dial(AB)
        writer.write(b"x")
        assert await eventually(lambda: b.received == [b"x"], 5)
        b.reading.clear()
        sent = 64 << 20
        writer.write(b"y" * sent)
        assert not await within(0.3, writer.drain()), "back-pressure reaches the dialler"
        before = await rig.state(AB)
        assert before.forwarded_bytes < sent
        await rig.links.cut([AB])
        assert await eventually(lambda: writer.transport.get_write_buffer_size() == 0, 10), (
            "now all is swallowed"
        )
        await rig.state_where(AB, lambda now: now.forwarded_bytes + now.swallowed_bytes == sent + 1)
        await rig.links.heal()
        b.reading.set()
        assert await eventually(lambda: b.ended == [0], 10)
        arrived = len(b.received[0])
        assert arrived <= before.forwarded_bytes
        after = await rig.state(AB)
        assert after.forwarded_bytes == before.forwarded_bytes
        assert after.forwarded_bytes + after.swallowed_bytes == sent + 1

    with_rig(tmp_path, body)


def test_a_slow_listener_gets_every_byte_in_order(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        b = rig.listeners["b"]
        b.reading.clear()
        _, writer = await rig.dial(AB)
        data = os.urandom(8 << 20)
        writer.write(data)
        assert await eventually(lambda: len(b.writers) == 1, 5)
        b.reading.set()
        writer.close()
        assert await eventually(lambda: b.ended == [0], 20)
        assert b.received[0] == data

    with_rig(tmp_path, body)


def test_a_dialler_is_reset_at_once_where_no_process_listens(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.listeners["b"].close()
        try:
            reader, _ = await rig.dial(AB)
        except ConnectionResetError:
            return  # so much at once that the dialler has not yet noticed being connected
        assert await is_reset(reader)

    with_rig(tmp_path, body)


def test_a_listener_that_dies_takes_the_dialler_with_it(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        reader, writer = await rig.dial(AB)
        writer.write(b"x")
        b = rig.listeners["b"]
        assert await eventually(lambda: b.received == [b"x"], 5)
        end = b.writers[0].get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        b.writers[0].transport.abort()
        assert await is_reset(reader)

    with_rig(tmp_path, body)


def test_whole_messages_are_counted_where_the_framing_is_known(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        _, writer = await rig.dial(AB)
        writer.write(b"PRE" + frame(b"hello") + frame(b"one") + frame(b"two")[:5])
        assert await eventually(lambda: len(rig.listeners["b"].received) == 1, 5)
        expected = 3 + 9 + 7 + 5
        assert await eventually(lambda: len(rig.listeners["b"].received[0]) == expected, 5)
        await rig.links.cut([AB])
        writer.write(frame(b"two")[5:] + frame(b"three") + frame(b"four")[:2])
        await writer.drain()

        state = await rig.state_where(AB, lambda state: state.swallowed_bytes == 2 + 9 + 2)
        assert state.forwarded_messages == 1, "a greeting is no message"
        assert state.swallowed_messages == 2, "a message cut in half is lost"
        assert (await rig.links.heal()).swallowed_messages == 2
        assert (await rig.links.heal()).swallowed_messages == 0, "since the last heal"

    with_rig(tmp_path, body, Framing(preface_bytes=3, header_bytes=4, greetings=1))


def test_an_unknown_link_is_refused_and_nothing_is_cut(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        with pytest.raises(LinkError, match="there is no link a -> c"):
            await rig.links.cut([AB, ("a", "c")])
        assert not (await rig.state(AB)).is_cut

    with_rig(tmp_path, body)


def test_a_late_answer_is_not_taken_for_the_next(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        for _ in range(20):
            asking = asyncio.create_task(rig.links.cut([AB]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert await rig.links.cut([BA]) in ((AB, BA), (BA,))
            await rig.links.heal()
            assert not (await rig.state(AB)).is_cut

    with_rig(tmp_path, body)


def test_the_proxy_ends_with_its_standard_input(tmp_path: Path) -> None:
    """So it cannot outlive a harness that was killed, even while a connection waits on a silent target."""

    async def body(rig: Rig) -> None:
        await rig.dial(AB)
        assert rig.links.process.stdin is not None
        rig.links.process.expect_end(0, "this test")
        rig.links.process.stdin.close()
        assert await within(5, rig.links.process.exited.wait())
        assert rig.links.process.status == 0

    with_rig(tmp_path, body)


def test_a_proxy_that_dies_ends_the_run_with_a_clear_error(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        os.kill(rig.links.process.pid, signal.SIGKILL)
        await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup) as raised:
        with_rig(tmp_path, body)
    assert raised.group_contains(EssentialEndedError, match="the link proxy ended with status -9")


def test_a_bad_link_strikes_messages_one_way_until_it_is_good_again(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        b = rig.listeners["b"]
        _, writer = await rig.dial(AB)
        writer.write(frame(b"1"))
        assert await eventually(lambda: b.received == [frame(b"1")], 5)
        assert await rig.links.impair([AB], LinkImpairment(repeated_percent=100), "duplicate", 7) == 1
        writer.write(frame(b"2"))
        assert await eventually(lambda: b.received == [frame(b"1") + 2 * frame(b"2")], 5)
        _, back = await rig.dial(BA)
        back.write(frame(b"0"))
        assert await eventually(lambda: rig.listeners["a"].received == [frame(b"0")], 5)
        await rig.links.impair([AB], LinkImpairment(is_stalled=True), "stall", 7)
        writer.write(frame(b"3"))
        assert await silent_for(rig, b)
        assert await rig.links.struck("stall") == 1
        assert await rig.links.end_impairment("stall") == 1
        assert await eventually(lambda: b.received[0].endswith(2 * frame(b"3")), 5)
        assert await rig.links.end_impairment("duplicate") == 2
        assert await rig.links.end_impairment("duplicate") is None
        writer.write(frame(b"4"))
        assert await eventually(lambda: b.received[0].endswith(frame(b"3") + frame(b"4")), 5)

    with_rig(tmp_path, body, Framing(preface_bytes=0, header_bytes=4))


async def silent_for(rig: Rig, listener: Listener) -> bool:
    before = [len(data) for data in listener.received]
    await asyncio.sleep(SILENCE_S)
    return before == [len(data) for data in listener.received]


def test_a_stream_of_unknown_messages_may_be_late_or_reset_and_nothing_else(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        for how in (
            LinkImpairment(lost_percent=1),
            LinkImpairment(repeated_percent=1),
            LinkImpairment(corrupted_percent=1),
        ):
            with pytest.raises(LinkError, match="messages cannot be distinguished, and TCP loses"):
                await rig.links.impair([AB], how, "fault", 1)
        reader, writer = await rig.dial(AB)
        await rig.links.impair([AB], LinkImpairment(delay_ms=100), "delay", 1)
        began = asyncio.get_running_loop().time()
        writer.write(b"late")
        writer.close()
        assert await eventually(lambda: rig.listeners["b"].ended == [0], 5), "an end is not held back"
        assert rig.listeners["b"].received == [b"late"]
        assert asyncio.get_running_loop().time() - began < 5
        reader, writer = await rig.dial(AB)
        await rig.links.impair([AB], LinkImpairment(reset_percent=100), "reset", 1)
        writer.write(b"reset")
        assert await is_reset(reader)
        assert await rig.links.struck("reset") == 1

    with_rig(tmp_path, body)
