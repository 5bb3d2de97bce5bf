"""Serves Maelstrom's services to the nodes of a run, on loopback, from a thread of the harness.

They are no nodes: no fault strikes them, and links to them are never cut, as in Maelstrom.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from harness.systems.maelstrom.service import Failed, Service, services

LOOPBACK = "127.0.0.1"
MOST_BYTES = 64 * 1024 * 1024


@contextmanager
def serving(seed: int) -> Iterator[str]:
    """Serve until the context ends; the `host:port`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="Maelstrom's services", daemon=True)
    thread.start()
    try:
        listening = asyncio.run_coroutine_threadsafe(_listen(services(seed)), loop).result()
        host, port = listening.sockets[0].getsockname()
        yield f"{host}:{port}"
        listening.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(offered: dict[str, Service]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                if size > MOST_BYTES:
                    break
                answer = answered(offered, msgspec.json.decode(await reader.readexactly(size)))
                text = msgspec.json.encode(answer)
                writer.write(len(text).to_bytes(4, "big") + text)
        except (OSError, EOFError, msgspec.DecodeError):
            pass  # the node has ended, or was killed
        writer.close()

    return await asyncio.start_server(serve, LOOPBACK, 0)


def answered(offered: dict[str, Service], message: dict[str, Any]) -> dict[str, Any]:
    """The message that answers one of a node."""
    body, name = message["body"], message["dest"]
    try:
        answer = offered[name].answer(message["src"], body)
    except Failed as error:
        answer = error.body()
    return {"src": name, "dest": message["src"], "body": {**answer, "in_reply_to": body.get("msg_id")}}
