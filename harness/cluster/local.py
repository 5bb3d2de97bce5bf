"""The local world: every node a process on this machine, every link between them a proxy on loopback.

Nodes listen on ports of their own; each dials each other at the port of the link that leads there, so
cutting links needs no root.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from harness.cluster.layout import LOSS_PERCENT, Layout
from harness.cluster.ports import LOOPBACK, free_ports
from harness.cluster.world import HostedWorld
from harness.hosts.ledger import Ledger
from harness.hosts.links.links import ProxyLoss, start_links
from harness.hosts.local import LocalHost
from harness.systems.base import NodePlace


class LocalWorld(HostedWorld):
    """Nodes of one system as local processes on loopback."""

    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        facts = self._able_here(with_proxies=True)
        names, count = self._names, len(self._names)
        ports = free_ports(2 * count, self._base_port)
        client_ports = dict(zip(names, ports[:count], strict=True))
        peer_ports = dict(zip(names, ports[count:], strict=True))
        host = await stack.enter_async_context(LocalHost(ledger, self._clock))
        links = await start_links(host, self._folder / "links.log")
        pairs = [(a, b) for a in names for b in names if a != b]
        dialled = await links.configure({(a, b): peer_ports[b] for a, b in pairs}, self._system.framing)
        places = {
            name: NodePlace(
                name=name,
                host=LOOPBACK,
                client_port=client_ports[name],
                peer_port=peer_ports[name],
                peers={peer: f"{LOOPBACK}:{dialled[name, peer]}" for peer in names if peer != name},
                data=self._folder / name / "data",
                trace=self._folder / name / "trace",
                log=self._folder / name / "log.txt",
                seed=self._seed + number,
            )
            for number, name in enumerate(names)
        }
        return Layout(
            dict.fromkeys(names, host),
            places,
            links,
            lossy=ProxyLoss(links, LOSS_PERCENT),
            bad=links,
            faketime=self._faketime(facts),
        )
