"""The namespace world: every node in a network namespace of its own on this machine. Needs root.

Nodes have addresses of their own and all the same ports; links are cut by nftables inside the
namespaces. The harness's clients make their sockets in the namespace of the bridge.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from harness.cluster.layout import LOSS_PERCENT, Layout
from harness.cluster.ports import USUAL_PORT
from harness.cluster.world import HostedWorld
from harness.hosts.agent import handle_of
from harness.hosts.ledger import Ledger
from harness.hosts.links.netem import NetemLinks
from harness.hosts.links.nftlinks import LinkEnd, NftLinks
from harness.hosts.local import LocalHost
from harness.hosts.netns import make_network
from harness.systems.base import NodePlace


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
        port = self._base_port or USUAL_PORT
        at = network.addresses
        places = {
            name: NodePlace(
                name=name,
                host=at[name],
                client_port=port,
                peer_port=port + 1,
                peers={peer: f"{at[peer]}:{port + 1}" for peer in self._names if peer != name},
                data=self._folder / name / "data",
                trace=self._folder / name / "trace",
                log=self._folder / name / "log.txt",
                seed=self._seed + number,
            )
            for number, name in enumerate(self._names)
        }
        ends = {name: LinkEnd(hosts[name], at[name], port + 1) for name in self._names}
        table = f"ackproof_{ledger.token[:8]}"
        return Layout(
            hosts,
            places,
            NftLinks(table, ends),
            lossy=NftLinks(f"{table}_loss", ends, LOSS_PERCENT),
            bad=NetemLinks(handle_of(table), ends),
            faketime=self._faketime(facts),
            sockets=network.sockets(),
        )
