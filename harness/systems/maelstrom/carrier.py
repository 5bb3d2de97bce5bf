"""Carries the messages of one node that speaks Maelstrom's protocol.

    python carrier.py SETTINGS.json

It starts the user's program, sends it `init` (and `topology`, if there is one), and hands on what it
writes: to other nodes over TCP, to the services, and to clients. A node's messages go out after the latency
of the settings; those from and to clients have none, as in Maelstrom. A message to a node that cannot be
reached is lost. What breaks the protocol ends the node with status 76 and one line that names it.

`counts.json` in the node's data folder says how many messages the node has sent to whom, over all its lives.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

SERVICES = ("lin-kv", "seq-kv", "lww-kv", "lin-tso")
HARNESS = "c0"
"""The client that sends `init` and `topology`."""
LONGEST_LINE = 64 * 1024 * 1024
EX_PROTOCOL = 76
"""The exit status for a node that broke the protocol (sysexits.h)."""
WAITING_AT_MOST = 10_000
"""How many messages wait for a connection; a later one is lost."""
CONNECT_S = 1.0
COUNT_EVERY_S = 0.5
SHOWN = 200


class Peer:
    """The messages to one other node, or to the services: one connection, made again when it breaks."""

    def __init__(self, address: str, carrier: Carrier) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._carrier = carrier
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_AT_MOST)
        self._task = asyncio.create_task(self._send_all())

    def send(self, message: bytes) -> None:
        """Send a message, if it can be sent at all."""
        if not self._waiting.full():
            self._waiting.put_nowait(message)

    async def _send_all(self) -> None:
        writer: asyncio.StreamWriter | None = None
        while True:
            message = await self._waiting.get()
            try:
                if writer is None or writer.is_closing():
                    async with asyncio.timeout(CONNECT_S):
                        reader, writer = await asyncio.open_connection(self._host, self._port)
                    asyncio.create_task(self._take(reader, writer))  # noqa: RUF006 - it ends with its stream
                writer.write(len(message).to_bytes(4, "big") + message)
                await writer.drain()
            except (OSError, TimeoutError):
                writer = None  # the message is lost

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._carrier.take_frames(reader)
        writer.close()


class Carrier:
    """One node and its connections."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.name: str = settings["name"]
        self._random = random.Random(settings["seed"])
        self._clients: dict[str, asyncio.StreamWriter] = {}
        self._peers: dict[str, Peer] = {}
        self._counts_file = Path(settings["counts"])
        self._counts: Counter[str] = Counter(_read_counts(self._counts_file))
        self._greetings: list[dict[str, Any]] = []
        self._unanswered: set[int] = set()
        self._lines = 0
        self.ready = False
        self._node: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Carry messages until the node ends; the exit status."""
        settings = self.settings
        self._node = await asyncio.create_subprocess_exec(
            *settings["argv"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            cwd=settings["folder"],
        )
        for name, address in settings["peers"].items():
            self._peers[name] = Peer(address, self)
        if settings["services"]:
            services = Peer(settings["services"], self)
            self._peers.update(dict.fromkeys(SERVICES, services))
        host, _, port = settings["peer_listen"].rpartition(":")
        await asyncio.start_server(self._take_peer, host, int(port))
        host, _, port = settings["client_listen"].rpartition(":")
        await asyncio.start_server(self._take_client, host, int(port), limit=LONGEST_LINE)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        counting = asyncio.create_task(self._count())
        self._greet()
        await self._read_node()
        status = await self._node.wait()
        counting.cancel()
        self._write_counts()
        return status

    def _greet(self) -> None:
        names = sorted([self.name, *self.settings["peers"]], key=lambda name: (len(name), name))
        self._greetings = [{"type": "init", "msg_id": 1, "node_id": self.name, "node_ids": names}]
        if self.settings["topology"]:
            self._greetings.append({"type": "topology", "msg_id": 2, "topology": self.settings["topology"]})
        self._next_greeting()

    def _next_greeting(self) -> None:
        if not self._greetings:
            self.ready = True
            return
        body = self._greetings.pop(0)
        self._to_node({"src": HARNESS, "dest": self.name, "body": body})

    def _to_node(self, message: dict[str, Any]) -> None:
        node = self._node
        if node is not None and node.stdin is not None and not node.stdin.is_closing():
            node.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read_node(self) -> None:
        assert self._node is not None
        assert self._node.stdout is not None
        while True:
            try:
                line = await self._node.stdout.readline()
            except ValueError:
                self._broke(f"it wrote a line of over {LONGEST_LINE} bytes")
            if not line:
                return
            self._lines += 1
            if line.strip():
                self._route(self._checked(line))

    def _checked(self, line: bytes) -> dict[str, Any]:
        """The message of a line that the node wrote; a line that is none ends the node."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._broke(f"line {self._lines} of its output is no JSON: {_shown(line)}")
        if not isinstance(message, dict):
            self._broke(f"line {self._lines} of its output is no JSON object: {_shown(line)}")
        dest = message.get("dest")
        if not isinstance(message.get("src"), str):
            self._broke(f"line {self._lines} of its output has no src: {_shown(line)}")
        if not isinstance(dest, str) or not self._is_known(dest):
            self._broke(f"line {self._lines} of its output goes to no node or client: {_shown(line)}")
        if not isinstance(message.get("body"), dict):
            self._broke(f"line {self._lines} of its output has no object as its body: {_shown(line)}")
        return message

    def _is_known(self, dest: str) -> bool:
        return dest == self.name or dest in self._peers or (dest[:1] == "c" and dest[1:].isdecimal())

    def _broke(self, what: str) -> NoReturn:
        sys.stderr.write(f"ERROR: node {self.name} broke Maelstrom's protocol: {what}\n")
        sys.stderr.flush()
        self._write_counts()
        if self._node is not None:
            self._node.kill()
        os._exit(EX_PROTOCOL)

    def _route(self, message: dict[str, Any]) -> None:
        dest = message["dest"]
        if dest == HARNESS:
            if message["body"].get("type") == "error":
                self._broke(f"it answered its first messages with {message['body']!r}")
            self._next_greeting()
        elif dest == self.name:
            self._to_node(message)
        elif dest in self._peers:
            self._counts["services" if dest in SERVICES else "servers"] += 1
            text = json.dumps(message).encode()
            delay_s = self._latency_s()
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._peers[dest].send, text)
            else:
                self._peers[dest].send(text)
        else:
            self._counts["clients"] += 1
            client = self._clients.get(dest)
            if client is not None and not client.is_closing():
                client.write(json.dumps(message).encode() + b"\n")

    def _latency_s(self) -> float:
        """How long a message between nodes takes: constant, uniform up to twice the mean, or exponential."""
        mean = self.settings["latency_ms"] / 1000
        match self.settings["latency_dist"]:
            case "constant":
                return float(mean)
            case "uniform":
                return self._random.uniform(0, 2 * mean)
        return float(-mean * math.log(1 - self._random.random()))

    async def _take_peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.take_frames(reader)
        writer.close()

    async def take_frames(self, reader: asyncio.StreamReader) -> None:
        """Give the node what comes over a connection, until the connection ends."""
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                if size > LONGEST_LINE:
                    return
                message = json.loads(await reader.readexactly(size))
                # The sender has let its own messages wait; what the services answer waits here.
                delay_s = self._latency_s() if message.get("src") in SERVICES else 0
                asyncio.get_running_loop().call_later(delay_s, self._to_node, message)
        except (OSError, EOFError, ValueError):
            return

    async def _take_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client's connection: each line a message; or a question for the node's state."""
        mine: set[str] = set()
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if message == "status":
                    writer.write(json.dumps({"ready": self.ready, **self._counts}).encode() + b"\n")
                    continue
                if "hello" in message:
                    mine.add(message["hello"])
                    self._clients[message["hello"]] = writer
                    continue
                self._counts["from clients"] += 1
                self._to_node(message)
        except (OSError, ValueError, KeyError):
            pass
        for name in mine:
            if self._clients.get(name) is writer:
                del self._clients[name]
        writer.close()

    def _stop(self) -> None:
        self._write_counts()
        if self._node is not None:
            self._node.kill()
        os._exit(0)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            self._write_counts()

    def _write_counts(self) -> None:
        new = self._counts_file.with_suffix(".new")
        new.write_text(json.dumps(self._counts))
        new.replace(self._counts_file)


def _read_counts(file: Path) -> dict[str, int]:
    """What an earlier life of the node counted."""
    try:
        return {str(name): int(count) for name, count in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").strip()
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


if __name__ == "__main__":
    sys.exit(asyncio.run(Carrier(json.loads(Path(sys.argv[1]).read_text())).run()))
