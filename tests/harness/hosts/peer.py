"""A node for tests of links: dials another, sends a line every 10 ms, and logs what it hears and loses.

python peer.py OWN_ADDRESS PORT OTHER_ADDRESS

Log lines: `heard N` for the Nth line that arrived, `in lost WHY` and `out lost WHY` for connections.
"""

from __future__ import annotations

import asyncio
import sys

HEARD = 0


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (its log)


async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global HEARD
    try:
        while await reader.readline():
            HEARD += 1
            tell(f"heard {HEARD}")
        tell("in lost closed")
    except ConnectionError as error:
        tell(f"in lost {type(error).__name__}")
    writer.close()


async def speak(address: str, port: int) -> None:
    while True:
        try:
            async with asyncio.timeout(0.3):
                reader, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05)
            continue
        lost = asyncio.create_task(reader.read())
        while not lost.done():
            writer.write(b"line\n")
            await asyncio.sleep(0.01)
        error = lost.exception()
        tell(f"out lost {type(error).__name__ if error else 'closed'}")
        writer.close()


async def main(own: str, port: int, other: str) -> None:
    async with await asyncio.start_server(hear, own, port):
        await speak(other, port)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
