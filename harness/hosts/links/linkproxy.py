"""A link for every ordered pair of nodes: node i dials a port here, which forwards to node j.

Runs as a process of its own (`python -m harness.hosts.links.linkproxy`), so that its load and the
harness's do not delay each other. Commands come on standard input, replies go to standard output
(linkmessages.py); it ends when its input does, so it cannot outlive the harness. Loopback only.

**What a cut link does.** It swallows everything in silence, like a network that loses every packet: what the
dialler sends is read, counted and thrown away; nothing flows back; neither end learns of the
other's bytes, end or absence. New connections are taken and swallowed too. What had not yet left
this process's kernel when the link was cut never arrives: a side for which there was any is reset at
once, otherwise it is left open and silent. At the heal every connection that was cut is
reset on both sides, since its stream has a hole; the dialler dials again and gets a clean one.

**What a bad link does** is shaping.py's: messages late, lost, twice, overtaken or broken; a stream late,
slow, stalled or reset.

On a link that is neither, bytes pass both ways with back-pressure, an end or a reset of one side ends
the other, and a dialler whose target does not listen is reset at once.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import socket
import struct
import sys
from collections import Counter
from typing import Any, cast

import msgspec

from harness.hosts.links.framing import FrameCounter, Framing
from harness.hosts.links.linkmessages import (
    Command,
    CommandRefused,
    ConfigureCommand,
    CutCommand,
    EndImpairmentCommand,
    HealCommand,
    ImpairCommand,
    LinkImpairment,
    LinkName,
    LinkState,
    LinkStates,
    LinkTarget,
    NumberedCommand,
    NumberedReply,
    Reply,
    StatisticsCommand,
)
from harness.hosts.links.shaping import Shaper

LOOPBACK = "127.0.0.1"
REACH_BOUND_S = 1.0
_SIOCOUTQNSD = 0x894B
"""The ioctl that asks Linux how many bytes of a socket have not been sent."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, for 0 s: see socket(7)


class ProxiedLink:
    """One ordered pair: its connections, and whether it is cut."""

    def __init__(self, target: LinkTarget, framing: Framing | None, group: asyncio.TaskGroup) -> None:
        self.name = target.link
        self.target_port = target.port
        self.framing = framing
        self.group = group
        self.is_cut = False
        self.pairs: set[_Pair] = set()
        self.forwarded_bytes = self.forwarded_messages = 0
        self.swallowed_bytes = self.swallowed_messages = 0
        self.impairments: dict[str, LinkImpairment] = {}
        self.struck: Counter[str] = Counter()
        self.chance = random.Random()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).dialler, LOOPBACK, 0)

    def close(self) -> None:
        """Stop listening for connections."""
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Swallow everything from now on."""
        self.is_cut = True
        for pair in tuple(self.pairs):
            pair.cut()

    def heal(self) -> None:
        """Let through from now on, on new connections."""
        self.is_cut = False
        for pair in tuple(self.pairs):
            if pair.is_cut:
                pair.reset()

    def impair(self, how: LinkImpairment, by: str, draw: int) -> None:
        """Be bad from now on; which messages are struck follows from `draw`."""
        self.impairments[by] = how
        self.chance.seed(f"{draw} {self.name}")

    def end_impairment(self, by: str) -> None:
        """End what one fault did; what was held back goes on."""
        if self.impairments.pop(by, None) is not None:
            for pair in tuple(self.pairs):
                pair.release()

    def state(self) -> LinkState:
        """The state of the link, for replies."""
        assert self._server is not None
        return LinkState(
            link=self.name,
            listens=self._server.sockets[0].getsockname()[1],
            is_cut=self.is_cut,
            connections=len(self.pairs),
            forwarded_bytes=self.forwarded_bytes,
            forwarded_messages=self.forwarded_messages,
            swallowed_bytes=self.swallowed_bytes,
            swallowed_messages=self.swallowed_messages,
            impaired_by=tuple(self.impairments),
            impaired=dict(self.struck),
        )


class _Pair:
    """A connection that was dialled and the one that goes on to the target.

    Once cut it stays cut, even if its ends close, until the link is healed.
    """

    def __init__(self, link: ProxiedLink) -> None:
        self.link = link
        self.is_cut = link.is_cut
        self.dialler = _End(self)
        self.target = _End(self)
        self._counter = None if link.framing is None else FrameCounter(link.framing)
        self._has_begun = False
        """Whether the beginning of a message has gone on, whose rest must follow it as it is."""
        self._shapers = {end: self._shaper(end) for end in (self.dialler, self.target)}
        link.pairs.add(self)

    def _shaper(self, end: _End) -> Shaper:
        """What the link does to the bytes from one end."""

        def deliver(data: bytes) -> None:
            other = self._other(end)
            assert other.was_made, "nothing is read from the dialling node before its target is reached"
            other.write(data)

        return Shaper(
            self.link.impairments,
            self.link.struck,
            self.link.chance,
            deliver=deliver,
            throttle=lambda full: end.block("held") if full else end.unblock("held"),
            reset=self.reset,
        )

    def dialled(self) -> None:
        """Connect to the target, now that the dialler is connected."""
        if not self.is_cut:
            self.link.group.create_task(self._reach_target(), name=f"reach {self.link.name}")

    async def _reach_target(self) -> None:
        loop = asyncio.get_running_loop()
        if self.is_cut:
            return
        # Here, and not where the dialler connects: asyncio before 3.11.4 begins to read after that, whatever
        # it was asked by then. A task's first step comes next, before anything can have been read.
        self.dialler.block("not reached")
        try:
            async with asyncio.timeout(REACH_BOUND_S):
                await loop.create_connection(lambda: self.target, LOOPBACK, self.link.target_port)
        except OSError:  # the target does not listen, or too late: the dialler learns it as without a proxy
            if not self.is_cut:
                self.reset()
            return
        if self.is_cut or self.dialler.is_lost:
            self.target.reset()
        else:
            self.dialler.unblock("not reached")

    def received(self, end: _End, data: bytes) -> None:
        """Pass bytes from one end on to the other, or swallow them."""
        link = self.link
        ends = self._counter.ends(data) if self._counter and end is self.dialler else None
        messages = sum(is_message for _, is_message in ends or ())
        shaper = self._shapers[end]
        if self.is_cut:
            link.swallowed_bytes += len(data)
            link.swallowed_messages += messages
        else:
            link.forwarded_bytes += len(data)
            link.forwarded_messages += messages
            if link.impairments or not shaper.is_idle:
                shaper.take(data, ends, is_begun=self._has_begun and end is self.dialler)
                self._has_begun = self._has_begun and not ends
            else:
                self._other(end).write(data)
                if ends is not None:
                    self._has_begun = ends[-1][0] < len(data) if ends else True

    def release(self) -> None:
        """Let held-back bytes go on, since an impairment has ended."""
        for shaper in self._shapers.values():
            shaper.release()

    def ended(self, end: _End, by_reset: bool) -> None:
        """Close the other end too, unless the link is cut: then it must not learn that one end is gone."""
        other = self._other(end)
        if not self.is_cut:
            if by_reset:
                other.reset()
            else:
                self._shapers[end].finish()
                other.close()
        self._shapers[other].drop()
        if self.dialler.is_lost and (other.is_lost or not other.was_made):
            self.link.pairs.discard(self)

    def writable(self, end: _End, is_writable: bool) -> None:
        """Apply back-pressure: do not read what the other end does not take."""
        if not self.is_cut:
            other = self._other(end)
            if is_writable:
                other.unblock("unwritable")
            else:
                other.block("unwritable")

    def cut(self) -> None:
        """Swallow everything from now on; what is still buffered here must not leave later."""
        self.is_cut = True
        for end in (self.dialler, self.target):
            self.link.swallowed_bytes += self._shapers[end].drop()
            end.unblock_all()
            if end.has_unsent():
                end.reset()

    def reset(self) -> None:
        """End both sides with a reset."""
        for shaper in self._shapers.values():
            shaper.drop()
        self.dialler.reset()
        self.target.reset()

    def _other(self, end: _End) -> _End:
        return self.target if end is self.dialler else self.dialler


class _End(asyncio.Protocol):
    """One of a pair's two connections."""

    def __init__(self, pair: _Pair) -> None:
        self._pair = pair
        self._transport: asyncio.Transport | None = None
        self.was_made = False
        self.is_lost = False
        self._blocked_by: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.was_made = True
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self is self._pair.dialler:
            self._pair.dialled()

    def data_received(self, data: bytes) -> None:
        self._pair.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.is_lost = True
        self._pair.ended(self, by_reset=exc is not None)

    def pause_writing(self) -> None:
        self._pair.writable(self, False)

    def resume_writing(self) -> None:
        self._pair.writable(self, True)

    def block(self, reason: str) -> None:
        """Stop reading until no reason for that is left."""
        self._blocked_by.add(reason)
        if self._transport is not None:
            self._transport.pause_reading()

    def unblock(self, reason: str) -> None:
        self._blocked_by.discard(reason)
        if self._transport is not None and not self._blocked_by:
            self._transport.resume_reading()

    def unblock_all(self) -> None:
        for reason in tuple(self._blocked_by):
            self.unblock(reason)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def has_unsent(self) -> bool:
        """Whether bytes wait to be sent, here or in this end's kernel; True where that is not known."""
        if self._transport is None:
            return False
        if self._transport.get_write_buffer_size() or sys.platform != "linux":
            return True
        file = self._transport.get_extra_info("socket").fileno()
        return bool(struct.unpack("i", fcntl.ioctl(file, _SIOCOUTQNSD, struct.pack("i", 0)))[0])

    def close(self) -> None:
        """End after what is buffered has gone."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """End at once; what is buffered is dropped, here and in the kernel."""
        if self._transport is not None:
            end = self._transport.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()


class Proxy:
    """All links, and the commands that change them."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._links: dict[LinkName, ProxiedLink] = {}

    async def carry_out(self, command: Command) -> Reply:
        """Do what a command says; the reply holds the links' state afterwards."""
        match command:
            case ConfigureCommand(targets, framing):
                if self._links:
                    return CommandRefused("the links are configured already")
                for target in targets:
                    link = self._links[target.link] = ProxiedLink(target, framing, self._group)
                    await link.listen()
            case CutCommand(links):
                refused = self._reason_against(links)
                if refused is not None:
                    return CommandRefused(refused)
                for name in links:
                    self._links[name].cut()
            case HealCommand():
                for link in self._links.values():
                    link.heal()
            case ImpairCommand(links, how, by, draw):
                refused = self._reason_against(links, how)
                if refused is not None:
                    return CommandRefused(refused)
                for name in links:
                    self._links[name].impair(how, by, draw)
            case EndImpairmentCommand(by):
                for link in self._links.values():
                    link.end_impairment(by)
            case StatisticsCommand():
                pass
        return LinkStates(tuple(link.state() for link in self._links.values()))

    def _reason_against(self, links: tuple[LinkName, ...], how: LinkImpairment | None = None) -> str | None:
        unknown = [name for name in links if name not in self._links]
        if unknown:
            return f"there is no link {unknown[0][0]} -> {unknown[0][1]}"
        if (
            how is not None
            and how.needs_messages
            and any(self._links[name].framing is None for name in links)
        ):
            return (
                "this system's messages cannot be distinguished, and TCP loses, repeats and reorders no bytes"
            )
        return None

    def close(self) -> None:
        """Stop listening and end every connection."""
        for link in self._links.values():
            link.close()
            for pair in tuple(link.pairs):
                pair.reset()


async def serve() -> None:
    """Carry out commands from standard input until it ends."""
    commands = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    decoder = msgspec.json.Decoder(NumberedCommand)
    asyncio.get_running_loop().set_exception_handler(_end_on_error)
    async with asyncio.TaskGroup() as group:
        proxy = Proxy(group)
        while line := await commands.readline():
            asked = decoder.decode(line)
            answer = NumberedReply(asked.number, await proxy.carry_out(asked.command))
            _write_all(sys.stdout.fileno(), msgspec.json.encode(answer) + b"\n")
        proxy.close()


def _end_on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """End the proxy after a defect in a callback, since it might forward wrongly."""
    loop.default_exception_handler(context)
    os._exit(70)


def _write_all(file: int, data: bytes) -> None:
    """Write all bytes, blocking, and so in order; the harness reads each reply before its next command."""
    while data:
        data = data[os.write(file, data) :]


if __name__ == "__main__":
    asyncio.run(serve())
