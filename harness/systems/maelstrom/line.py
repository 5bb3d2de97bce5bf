"""The connections of one client of a Maelstrom node, over the carriers of all nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.client.clients import NotDone, Site

CONNECT_S = 0.5
LONGEST_ANSWER = 64 * 1024 * 1024


class Closed(Exception):
    """The node ended before it answered."""


class Line:
    """Asks one node, and waits for the answer.

    Another node may answer than the one that was asked, since a node may pass a client's request on, under
    the client's name. So the client listens at the carriers of all nodes.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        # Each client has a name of its own: answers are known by the name and the number of the request.
        nodes = list(site.members)
        self.name = f"c{site.process * len(nodes) + nodes.index(site.node) + 1}"
        self._sent = 0
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._answers: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._listening: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Connect to the node's carrier; those of other nodes may be down.

        Raises:
            OSError: the node's own carrier cannot be reached.
        """
        await self._connect(self._site.node)
        await self._connect_to_others()

    async def _connect_to_others(self) -> None:
        absent = [node for node in self._site.members if node not in self._writers]
        async with asyncio.timeout(CONNECT_S):
            await asyncio.gather(*map(self._connect, absent), return_exceptions=True)

    async def _connect(self, node: str) -> None:
        host, _, port = self._site.at(node=node).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=LONGEST_ANSWER)
        writer.write(msgspec.json.encode({"hello": self.name}) + b"\n")
        self._writers[node] = writer
        self._listening[node] = asyncio.create_task(self._listen(node, reader))

    async def _listen(self, node: str, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._answers.put_nowait(msgspec.json.decode(line)["body"])
        except (OSError, ValueError):
            pass  # the carrier has ended
        self._writers.pop(node).close()
        if node == self._site.node:
            self._answers.put_nowait(None)

    async def ask(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """The body of the answer to a request; the caller bounds the time.

        Raises:
            NotDone: the request was not sent.
            Closed: the node ended before it answered.
        """
        if len(self._writers) < len(self._site.members):
            await self._connect_to_others()
        self._sent += 1
        message = {"src": self.name, "dest": self._site.node, "body": {**body, "msg_id": self._sent}}
        writer = self._writers.get(self._site.node)
        if writer is None:
            raise NotDone("the node has ended")
        writer.write(msgspec.json.encode(message) + b"\n")
        while (answer := await self._answers.get()) is not None:
            if answer.get("in_reply_to") == self._sent:
                return answer
        raise Closed

    def close(self) -> None:
        """Let go of the connections."""
        for task in self._listening.values():
            task.cancel()
        for writer in self._writers.values():
            writer.close()
