"""The Redis serialization protocol (RESP 2), as far as a client needs it."""

from __future__ import annotations

import asyncio
from typing import Any

LONGEST_BYTES = 16 * 1024 * 1024


class Refused(Exception):
    """The server refused a command. Its first word is a code, such as READONLY."""

    @property
    def code(self) -> str:
        """The code: the first word."""
        return str(self).partition(" ")[0]


def encode(*words: object) -> bytes:
    """A command as bytes."""
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


async def read_reply(reader: asyncio.StreamReader) -> Any:
    """One reply: text, a whole number, None, or a list of these.

    Raises:
        Refused: it is an error; an error inside of a list stands in the list instead.
        OSError, EOFError, ValueError: the connection ended, or what came is not the protocol.
    """
    line = await reader.readuntil(b"\r\n")
    kind, rest = line[:1], line[1:-2].decode()
    match kind:
        case b"+":
            return rest
        case b"-":
            raise Refused(rest)
        case b":":
            return int(rest)
        case b"$":
            return await _text(reader, int(rest))
        case b"*":
            return await _list(reader, int(rest))
    raise ValueError(f"no reply of Redis: {line[:80]!r}")


async def _text(reader: asyncio.StreamReader, length: int) -> str | None:
    if length < 0:
        return None
    if length > LONGEST_BYTES:
        raise ValueError(f"a reply of {length} bytes")
    return (await reader.readexactly(length + 2))[:-2].decode()


async def _list(reader: asyncio.StreamReader, length: int) -> list[Any] | None:
    if length < 0:
        return None
    items: list[Any] = []
    for _ in range(length):
        try:
            items.append(await read_reply(reader))
        except Refused as refusal:
            items.append(refusal)
    return items


class Connection:
    """One connection to a Redis or a Sentinel. Each command waits for the reply to the one before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, address: str) -> Connection:
        """Connect to `host:port`.

        Raises:
            OSError: it cannot be made.
        """
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def do(self, *words: object) -> Any:
        """Send a command, and read its reply.

        Raises:
            Refused: the server refused it.
            OSError, EOFError, ValueError: there is no proper reply.
        """
        self._writer.write(encode(*words))
        await self._writer.drain()
        return await read_reply(self._reader)

    def close(self) -> None:
        """Close the connection; replies that are on the way are lost."""
        self._writer.close()
