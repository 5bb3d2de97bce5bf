"""A program for tests of clocks: tells what its own clocks show beside the host's, as JSON lines.

python ticking.py loop SECONDS      an event loop sleeps so long, again and again; each time one line
python ticking.py threads           two threads read the clock as fast as they can; a line at its end

The host's clock is /proc/uptime's, which no library comes between.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path


def host_s() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def tell(**what: float) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 (its log)


async def loop(seconds: float) -> None:
    while True:
        own, host, used = time.monotonic(), host_s(), time.process_time()
        await asyncio.sleep(seconds)
        tell(
            own=time.monotonic() - own,
            host=host_s() - host,
            used=time.process_time() - used,
            at=own,
            host_at=host,
        )


class Reader(threading.Thread):
    """Reads the clock again and again; how far it went back, and how often it was read."""

    def __init__(self, ended: list[bool]) -> None:
        super().__init__()
        self.reads, self.back_s, self.leap_s = 0, 0.0, 0.0
        self._ended = ended

    def run(self) -> None:
        last = time.monotonic()
        while not self._ended:
            now = time.monotonic()
            self.back_s = max(self.back_s, last - now)
            self.leap_s = max(self.leap_s, now - last)
            self.reads += 1
            last = now


def threads() -> None:
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    readers = [Reader(ended) for _ in range(2)]
    began, host = time.monotonic(), host_s()
    for reader in readers:
        reader.start()
    tell(begun=1)
    while not ended:
        time.sleep(0.05)
    tell(own=time.monotonic() - began, host=host_s() - host)
    for reader in readers:
        reader.join()
        tell(reads=reader.reads, back=reader.back_s, leap=reader.leap_s)


if __name__ == "__main__":
    if sys.argv[1] == "loop":
        asyncio.run(loop(float(sys.argv[2])))
    else:
        threads()
