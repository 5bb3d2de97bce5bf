"""Starts processes as a run does, tells so, and goes on until it is killed: for test_ledger.py.

python -m tests.harness.hosts.doomed_harness LEDGERS FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from harness.hosts.ledger import Ledger
from harness.hosts.links.links import start_links
from harness.hosts.local import LocalHost


async def main(ledgers: Path, folder: Path) -> None:
    ledger = Ledger("doomed", ledgers)
    tell(ledger.token)
    async with LocalHost(ledger, time.monotonic_ns) as host:
        links = await start_links(host, folder / "links.log")
        await links.configure({("a", "b"): 1}, None)
        number = 0
        while True:  # until killed: some processes end, some stay, and there is always one being started
            number += 1
            process = await host.start(
                f"sleeper {number}", ["/bin/sleep", "60"], log=folder / "log", folder=folder
            )
            tell("started")
            if number % 4:
                await host.kill(process, by="kill")


def tell(line: str) -> None:
    """The test counts these."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
