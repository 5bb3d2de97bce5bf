"""The namespace world: every node in a network namespace of its own on this machine. Needs root.

Nodes have addresses of their own and all the same ports; links are cut by nftables inside the
namespaces. The harness's clients make their sockets in the namespace of the bridge.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from harness.cluster.layout import LOSS_PERCENT, Layout
from harness.cluster.places import places_of, usual_ports
from harness.cluster.world import HostedWorld
from harness.hosts.agent import handle_of
from harness.hosts.ledger import Ledger
from harness.hosts.links.netem import NetemLinks
from harness.hosts.links.nftlinks import LinkEnd, NftLinks
from harness.hosts.local import LocalHost
from harness.hosts.netns import make_network
from harness.systems.base import peer_port


class NetnsWorld(HostedWorld):
    """Nodes of one system as local processes, each in its own network namespace."""

    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        facts = self._able_here(with_proxies=False)
        machine = await stack.enter_async_context(LocalHost(ledger, self._clock))
        network = await make_network(self._names, ledger, machine, stack)
        hosts = {
            name: await stack.enter_async_context(LocalHost(ledger, self._clock, network.entering(name)))
            for name in self._names
        }
        ports = usual_ports(self._system, self._base_port)
        places = places_of(
            self._system,
            network.addresses,
            dict.fromkeys(self._names, ports),
            self._folder.__truediv__,
            self._seed,
        )
        dialled = peer_port(self._system)
        ends = {
            name: LinkEnd(hosts[name], at, None if dialled is None else ports[dialled])
            for name, at in network.addresses.items()
        }
        table = f"ackproof_{ledger.token[:8]}"
        return Layout(
            hosts,
            places,
            NftLinks(table, ends),
            lossy=NftLinks(f"{table}_loss", ends, LOSS_PERCENT),
            bad=NetemLinks(handle_of(table), ends),
            faketime=self._faketime(facts),
            sockets=network.sockets(),
            entering=network.entered,
        )
