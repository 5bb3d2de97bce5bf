"""Makes namespaces with processes and cut links in them, and goes on until it is killed: for test_netns.py.

python -m tests.harness.hosts.doomed_network LEDGERS FOLDER
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from harness.hosts.ledger import Ledger
from harness.hosts.links.nftlinks import LinkEnd, NftLinks
from harness.hosts.local import LocalHost
from harness.hosts.netns import make_network
from tests.harness.hosts.doomed_harness import tell

NAMES = ("n1", "n2")


async def main(ledgers: Path, folder: Path) -> None:
    ledger = Ledger("doomed", ledgers)
    tell(ledger.token)
    while True:
        async with AsyncExitStack() as stack:
            machine = await stack.enter_async_context(LocalHost(ledger, time.monotonic_ns))
            network = await make_network(NAMES, ledger, machine, stack)
            tell("made")
            hosts = {}
            for name in NAMES:
                host = LocalHost(ledger, time.monotonic_ns, network.entering(name))
                hosts[name] = await stack.enter_async_context(host)
                await host.start(f"sleeper in {name}", ["sleep", "60"], log=folder / "log", folder=folder)
                tell("started")
            links = NftLinks(
                f"ackproof_{ledger.token[:8]}",
                {name: LinkEnd(hosts[name], network.addresses[name], 8849) for name in NAMES},
            )
            await links.cut([NAMES])
            tell("cut")
            await links.heal()
            tell("healed")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
