"""For tests that need network namespaces: the mark that skips them, and a network with hosts in it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts.ledger import Ledger
from harness.hosts.local import LocalHost
from harness.hosts.netns import NamespaceNetwork, make_network, reasons_against
from harness.hosts.removal import NAMESPACES

needs_namespaces = pytest.mark.skipif(bool(reasons_against()), reason="; ".join(reasons_against()))


@dataclass(frozen=True)
class Bench:
    """Nodes' hosts in namespaces."""

    ledger: Ledger
    network: NamespaceNetwork
    hosts: dict[str, LocalHost]


@asynccontextmanager
async def network_of(folder: Path, names: Sequence[str]) -> AsyncIterator[Bench]:
    """Namespaces with these names, and a host in each; the ledgers lie in `folder`/ledgers."""
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger("test", folder / "ledgers"))
        machine = await stack.enter_async_context(LocalHost(ledger, time.monotonic_ns))
        network = await make_network(names, ledger, machine, stack)
        hosts = {
            name: await stack.enter_async_context(
                LocalHost(ledger, time.monotonic_ns, network.entering(name))
            )
            for name in names
        }
        yield Bench(ledger, network, hosts)


def namespaces_of(token: str) -> list[str]:
    """The namespaces that a run's token names."""
    return [path.name for path in NAMESPACES.glob(f"ackproof-{token[:8]}-*")]
