"""A node for tests of links that sends both ways over one connection, as ZooKeeper and NATS do.

python duplex.py listen|dial OWN_ADDRESS PORT OTHER_ADDRESS

The one that dials does so again whenever the connection ends. Both send a line every 10 ms, and log
`heard N` for the Nth line that arrived; `lost` for a connection that ended. The listener's socket takes
IPv4 and IPv6, as Java's do.
"""

from __future__ import annotations

import asyncio
import socket
import sys

HEARD = 0


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (its log)


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send lines and hear lines until the connection ends."""

    async def speak() -> None:
        while True:
            writer.write(b"line\n")
            await asyncio.sleep(0.01)

    global HEARD
    speaking = asyncio.create_task(speak())
    try:
        while await reader.readline():
            HEARD += 1
            tell(f"heard {HEARD}")
    except OSError:
        pass
    tell("lost")
    speaking.cancel()
    writer.close()


async def main(role: str, own: str, port: int, other: str) -> None:
    if role == "listen":
        both = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        await (await asyncio.start_server(talk, sock=both)).serve_forever()
    while True:
        try:
            async with asyncio.timeout(0.3):
                reader, writer = await asyncio.open_connection(other, port, local_addr=(own, 0))
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05)
            continue
        await talk(reader, writer)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
