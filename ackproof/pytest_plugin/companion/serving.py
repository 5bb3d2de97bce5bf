"""Reads requests, lets each go on by itself, and writes the answers."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import IO, Any

import msgspec

from ackproof.pytest_plugin.companion.requests import Requests
from harness.errors import CouldNotRun
from harness.nemesis.mechanisms.world import MechanismError
from harness.recording.protocol import Refusal
from history import HistoryError
from history.files import RefusedFile

REFUSED = (CouldNotRun, ValueError, HistoryError, Refusal, RefusedFile, MechanismError, OSError)
"""What goes wrong because of what was asked for, or of the machine: the message is for people."""
LARGEST_REQUEST_BYTES = 64 << 20


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request."""

    number: int
    request: str
    arguments: dict[str, Any]


async def serve(requests: IO[bytes], write: Callable[[bytes], object]) -> None:
    """Answer all requests to the last; then end every cluster that is left."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(LARGEST_REQUEST_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), requests)
    handlers = Requests()
    going_on: set[asyncio.Task[None]] = set()
    try:
        while line := await reader.readline():
            task = asyncio.create_task(_answer(handlers, line, write))
            going_on.add(task)
            task.add_done_callback(going_on.discard)
    finally:
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)
        await handlers.close()


async def _answer(handlers: Requests, line: bytes, write: Callable[[bytes], object]) -> None:
    asked = msgspec.json.decode(line, type=Asked)
    answer: dict[str, Any] = {"number": asked.number}
    try:
        answer["result"] = await handlers.handle(asked.request, asked.arguments)
    except REFUSED as error:
        answer["error"] = str(error)
    except Exception:  # noqa: BLE001 - the test that asked gets it, and the others go on
        answer["error"] = f"this is a bug of ackproof itself, please report it:\n{traceback.format_exc()}"
    write(msgspec.json.encode(answer) + b"\n")
