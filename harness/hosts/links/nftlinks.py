"""Cuts links between nodes by packets: an nftables table of our own on each node's host.

A link (i, j) is the connection on which i's messages go to j: i dials j's peer port. Cutting it means
that j's host drops every packet that comes *from i to that port*, before j's TCP sees it:

- i's messages do not arrive, are not acknowledged, and are sent again and again by i's TCP until i gives
  up (TCP_USER_TIMEOUT, or many minutes by default); a new connection cannot be made on it;
- the link (j, i) is another connection, on which j sends to i's port and i acknowledges *from* that port;
  it is not touched. So a one-way cut is one-way for messages, for systems whose nodes dial each other. For
  a system that sends both ways over one connection, cutting either link cuts that connection.

What differs from the link proxy (linkproxy.py): there a dialler on a cut link is still connected,
and its messages vanish although its TCP got them acknowledged; here it notices that no
acknowledgements come, as on a real network. Packets are counted, not messages.

**The heal** deletes the table, and then resets what was connected on the cut links before, on both ends
(`ss --kill`), or a connection might stay silent for as long as TCP's back-off has grown, or half-open
for good. Only our own table is ever added, listed or deleted; no other rules are flushed.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from harness.hosts.host import Host, HostError
from harness.hosts.links.linkmessages import LinkName
from harness.hosts.links.links import Healed, LinkError

CHAIN = "input"
T = TypeVar("T")


@dataclass(frozen=True)
class LinkEnd:
    """The end of a link, by the address and port that packet filters see."""

    host: Host
    address: str
    peer_port: int | None
    """The port that peers dial, one connection a direction; None for all ports, both ways."""


class _Counter(msgspec.Struct, frozen=True):
    packets: int
    bytes: int


class _Expression(msgspec.Struct, frozen=True):
    counter: _Counter | None = None


class _Rule(msgspec.Struct, frozen=True):
    expr: tuple[_Expression, ...]
    comment: str = ""


class _Item(msgspec.Struct, frozen=True):
    rule: _Rule | None = None


class _Listing(msgspec.Struct, frozen=True):
    """The part of the output of `nft --json list chain` that is used (libnftables-json(5))."""

    nftables: tuple[_Item, ...]


class NftLinks:
    """Links between nodes that are cut by packet filters.

    Args:
        table: a name of the run's own.
        loss_percent: lose this share of packets, at random; 100 cuts. Where fewer are lost connections
            live on, and the heal resets none.
    """

    def __init__(self, table: str, ends: Mapping[str, LinkEnd], loss_percent: int = 100) -> None:
        self.table = table
        self._ends = ends
        self._loss_percent = loss_percent
        self._cut: dict[LinkName, None] = {}

    async def cut(self, links: Iterable[LinkName]) -> tuple[LinkName, ...]:
        """Drop what comes over these links, in addition to those cut already.

        Returns:
            All links that are cut now, as the hosts show.

        Raises:
            LinkError: a host refused, or is lost.
        """
        new = [link for link in dict.fromkeys(links) if link not in self._cut]
        self._cut.update(dict.fromkeys(new))  # so that the heal also looks at hosts where this fails half-way
        await self._on_hosts({to for _, to in new}, lambda to: self._add(to, [a for a, b in new if b == to]))
        return await self._shown()

    async def heal(self) -> Healed:
        """Let everything through again.

        Raises:
            LinkError: a host refused, or is lost; the others are healed all the same.
        """
        were_cut = tuple(self._cut)
        to_reset = were_cut if self._loss_percent == 100 else ()
        connected = await asyncio.gather(*[self._connections(link) for link in to_reset])
        found = await self._on_hosts({to for _, to in were_cut}, self._remove)
        resets = await asyncio.gather(
            *[self._reset(*known) for known in zip(to_reset, connected, strict=True)]
        )
        self._cut.clear()
        counted = [count for count in resets if count is not None]
        return Healed(
            links=were_cut,
            swallowed_packets=sum(counter.packets for counters in found for counter in counters),
            swallowed_bytes=sum(counter.bytes for counters in found for counter in counters),
            connections_reset=sum(counted) if counted else None,
        )

    async def _add(self, to: str, senders: Iterable[str]) -> None:
        end = self._ends[to]
        script = [
            f"add table inet {self.table}",
            f"add chain inet {self.table} {CHAIN} {{ type filter hook input priority -150; policy accept; }}",
        ]
        chance = "" if self._loss_percent == 100 else f"numgen random mod 100 < {self._loss_percent} "
        for sender in senders:
            address = self._ends[sender].address
            family = "ip6" if ipaddress.ip_address(address).version == 6 else "ip"
            script.append(
                f"add rule inet {self.table} {CHAIN} {family} saddr {address} tcp dport {end.peer_port} "
                f'{chance}counter drop comment "{sender}"'
            )
        await self._nft(to, "\n".join(script))

    async def _shown(self) -> tuple[LinkName, ...]:
        """The links for which rules are in place now."""
        cut_at = sorted({to for _, to in self._cut})
        listed = await self._on_hosts(cut_at, self._rules)
        return tuple((rule.comment, to) for to, rules in zip(cut_at, listed, strict=True) for rule in rules)

    async def _rules(self, to: str) -> list[_Rule]:
        done = await self._ends[to].host.run(["nft", "--json", "list", "chain", "inet", self.table, CHAIN])
        if done.status:
            raise HostError(f"nft cannot list our table: {done.complaint()}")
        listing = msgspec.json.decode(done.output, type=_Listing)
        return [item.rule for item in listing.nftables if item.rule is not None]

    async def _remove(self, to: str) -> list[_Counter]:
        """Delete the table of a host; what its rules have counted."""
        tables = await self._ends[to].host.run(["nft", "list", "tables", "inet"])
        if f"table inet {self.table}" not in tables.output.splitlines():
            return []
        rules = await self._rules(to)
        await self._nft(to, f"delete table inet {self.table}")
        return [e.counter for rule in rules for e in rule.expr if e.counter is not None]

    async def _connections(self, link: LinkName) -> frozenset[int] | None:
        """The dialler's ports of what is connected on a link; None if `ss` cannot show them here.

        Each end is asked, since a connection may be there on one end only.
        """
        dialler, target = (self._ends[name] for name in link)
        port = target.peer_port
        at_dialler = await _ss(dialler.host, f"dport = :{port} and dst {target.address}")
        at_target = await _ss(target.host, f"sport = :{port} and dst {dialler.address}")
        if at_dialler is None or at_target is None:
            return None
        ours = [line.split()[3] for line in at_dialler] + [line.split()[4] for line in at_target]
        return frozenset(int(address.rpartition(":")[2]) for address in ours)

    async def _reset(self, link: LinkName, ports: frozenset[int] | None) -> int | None:
        """Reset connections on a link on both ends, except those made since; how many ends were reset."""
        if not ports:
            return None if ports is None else 0
        dialler, target = (self._ends[name] for name in link)
        port = target.peer_port
        at_dialler = " or ".join(f"sport = :{known}" for known in sorted(ports))
        at_target = " or ".join(f"dport = :{known}" for known in sorted(ports))
        ended = (
            await _ss(target.host, f"sport = :{port} and dst {dialler.address} and ( {at_target} )", "-K"),
            await _ss(dialler.host, f"dport = :{port} and dst {target.address} and ( {at_dialler} )", "-K"),
        )
        return None if None in ended else sum(len(lines or ()) for lines in ended)

    async def _nft(self, node: str, script: str) -> None:
        done = await self._ends[node].host.run(["nft", "-f", "-"], given=script + "\n")
        if done.status:
            raise HostError(f"nft refused: {done.complaint()}")

    async def _on_hosts(self, nodes: Iterable[str], act: Callable[[str], Awaitable[T]]) -> list[T]:
        """Act for each node at once, to the end even if it fails for some; results in the order of names."""
        names = sorted(nodes)
        done = await asyncio.gather(*[act(name) for name in names], return_exceptions=True)
        wrong: list[str] = []
        results: list[T] = []
        for name, result in zip(names, done, strict=True):
            match result:
                case HostError():
                    wrong.append(f"{name}: {result}")
                case BaseException():
                    raise result
                case _:
                    results.append(result)
        if wrong:
            raise LinkError("; ".join(wrong))
        return results


async def _ss(host: Host, connections: str, *options: str) -> list[str] | None:
    """Lines of `ss` about these TCP connections; None where there is no `ss`, or a kernel that refuses."""
    try:
        done = await host.run(["ss", "-H", "-t", "-n", *options, *connections.split()])
    except HostError:
        return None  # the nodes' own time-outs must suffice; the heal's details then name no reset
    return None if done.status or done.errors.strip() else done.output.splitlines()
