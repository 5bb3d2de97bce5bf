"""The local world: every node a process on this machine, every link between them a proxy on loopback.

Nodes listen on ports of their own; each dials each other at the port of the link that leads there, so
cutting links needs no root. Nodes of a system whose members are known by their addresses dial each other
directly: such a cluster has no links that could be cut, and only its processes, disks and clocks fail.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from harness.cluster.layout import LOSS_PERCENT, Layout
from harness.cluster.places import places_of
from harness.cluster.ports import LOOPBACK, free_ports
from harness.cluster.world import HostedWorld
from harness.hosts.ledger import Ledger
from harness.hosts.links.links import ProxyLoss, start_links
from harness.hosts.local import LocalHost
from harness.systems.base import framing, peer_port


class LocalWorld(HostedWorld):
    """Nodes of one system as local processes on loopback."""

    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        facts = self._able_here(with_proxies=True)
        names, system = self._names, self._system
        numbers = iter(free_ports(len(names) * len(system.ports), self._base_port))
        by_port = {port: dict(zip(names, numbers, strict=False)) for port in system.ports}
        ports = {name: {port: by_port[port][name] for port in system.ports} for name in names}
        host = await stack.enter_async_context(LocalHost(ledger, self._clock))
        links, dialled = None, peer_port(system)
        peers: dict[tuple[str, str], str] | None = None
        if system.links == "proxies" and dialled is not None:
            links = await start_links(host, self._folder / "links.log")
            pairs = [(a, b) for a in names for b in names if a != b]
            targets = {(a, b): ports[b][dialled] for a, b in pairs}
            proxies = await links.configure(targets, framing(system))
            peers = {link: f"{LOOPBACK}:{port}" for link, port in proxies.items()}
        places = places_of(
            system,
            dict.fromkeys(names, LOOPBACK),
            ports,
            self._folder.__truediv__,
            self._seed,
            peers=peers,
        )
        return Layout(
            dict.fromkeys(names, host),
            places,
            links,
            lossy=None if links is None else ProxyLoss(links, LOSS_PERCENT),
            bad=links,
            faketime=self._faketime(facts),
        )
