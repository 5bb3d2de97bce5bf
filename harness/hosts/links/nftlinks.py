"""Cuts links between nodes by packets: an nftables table of our own on each node's host.

A link (i, j) carries what i sends to j. Cutting it means that j's host drops every packet that comes *from
i's address*, before j's TCP sees it. How many of these packets depends on the system (`LinkEnd.peer_port`):

**All of them**, where nothing is known of its connections (`peer_port` is None). That is right for any
system, whichever port its nodes dial and however many connections they have. Acknowledgements are packets
too, so cutting one way silences the other way soon: j's messages still arrive at i, but i's acknowledgements
of them do not arrive at j, whose TCP then sends no more than its congestion window allows (ten segments on a
fresh connection, RFC 6928) and repeats these. So at first i hears j, and some 20 messages later neither hears
the other, until TCP at i or j gives the connection up. A one-way cut of a real network does the same.

**Those to j's peer port**, where each node dials each other one and sends over the connection that it has
dialled, as the reference node does. The link (j, i) is another connection, on which j sends to i's port and i
acknowledges *from* that port, so it is not touched: a one-way cut is one-way for messages, for good.

tests/harness/hosts/links/test_nftlinks.py measures both.

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
_Ports = tuple[int, int]
"""Of a connection on a link (i, j): the port at i, and the port at j."""


@dataclass(frozen=True)
class LinkEnd:
    """The end of a link, by the address and port that packet filters see."""

    host: Host
    address: str
    peer_port: int | None = None
    """The port that this node's peers dial, where each node sends over the connections that it has dialled.
    None: every packet between the two addresses belongs to the link."""
    spared_port: int | None = None
    """The port at which the harness reaches the host (SSH): nothing to or from it is ever cut, since the
    harness, or the host through which it comes, may have a node's address."""


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

    async def swallowed(self, links: Iterable[LinkName]) -> int:
        """How many packets the rules of these links have dropped so far.

        Raises:
            LinkError: a host refused, or is lost.
        """
        asked = set(links) & set(self._cut)
        counted = await self._counted({to for _, to in asked})
        return sum(counter.packets for link, counter in counted.items() if link in asked)

    async def heal(self) -> Healed:
        """Let everything through again.

        Raises:
            LinkError: a host refused, or is lost; the others are healed all the same.
        """
        were_cut = tuple(self._cut)
        to_reset = were_cut if self._loss_percent == 100 else ()
        connected = await asyncio.gather(*[self._connections(link) for link in to_reset])
        found = await self._by_link({to for _, to in were_cut}, self._remove)
        resets = await asyncio.gather(
            *[self._reset(*known) for known in zip(to_reset, connected, strict=True)]
        )
        self._cut.clear()
        counted = [count for count in resets if count is not None]
        return Healed(
            links=were_cut,
            swallowed_packets=sum(counter.packets for counter in found.values()),
            swallowed_bytes=sum(counter.bytes for counter in found.values()),
            connections_reset=sum(counted) if counted else None,
            by_link={link: found[link].packets if link in found else 0 for link in were_cut},
        )

    async def _add(self, to: str, senders: Iterable[str]) -> None:
        end = self._ends[to]
        script = [
            f"add table inet {self.table}",
            f"add chain inet {self.table} {CHAIN} {{ type filter hook input priority -150; policy accept; }}",
        ]
        if end.peer_port is None:
            spared = [("dport", end)] + [
                ("sport", other) for other in self._ends.values() if other is not end
            ]
            script += dict.fromkeys(
                f"add rule inet {self.table} {CHAIN} tcp {side} {one.spared_port} accept"
                for side, one in spared
                if one.spared_port is not None
            )
        chance = "" if self._loss_percent == 100 else f"numgen random mod 100 < {self._loss_percent} "
        for sender in senders:
            address = self._ends[sender].address
            family = "ip6" if ipaddress.ip_address(address).version == 6 else "ip"
            to_port = "" if end.peer_port is None else f"tcp dport {end.peer_port} "
            script.append(
                f"add rule inet {self.table} {CHAIN} {family} saddr {address} "
                f'{to_port}{chance}counter drop comment "{sender}"'
            )
        await self._nft(to, "\n".join(script))

    async def _shown(self) -> tuple[LinkName, ...]:
        """The links for which rules are in place now."""
        return tuple(await self._counted({to for _, to in self._cut}))

    async def _counted(self, hosts: set[str]) -> dict[LinkName, _Counter]:
        """By link: what the rules that are in place on these hosts have dropped."""
        return await self._by_link(hosts, self._rules)

    async def _by_link(
        self, hosts: set[str], act: Callable[[str], Awaitable[list[_Rule]]]
    ) -> dict[LinkName, _Counter]:
        listed = await self._on_hosts(hosts, act)
        return {
            (rule.comment, to): counter
            for to, rules in zip(sorted(hosts), listed, strict=True)
            for rule in rules
            for counter in [expression.counter for expression in rule.expr]
            if counter is not None
        }

    async def _rules(self, to: str) -> list[_Rule]:
        done = await self._ends[to].host.run(["nft", "--json", "list", "chain", "inet", self.table, CHAIN])
        if done.status:
            raise HostError(f"nft cannot list our table: {done.complaint()}")
        listing = msgspec.json.decode(done.output, type=_Listing)
        return [item.rule for item in listing.nftables if item.rule is not None]

    async def _remove(self, to: str) -> list[_Rule]:
        """Delete the table of a host; its rules, with what they have counted."""
        tables = await self._ends[to].host.run(["nft", "list", "tables", "inet"])
        if f"table inet {self.table}" not in tables.output.splitlines():
            return []
        rules = await self._rules(to)
        await self._nft(to, f"delete table inet {self.table}")
        return rules

    async def _connections(self, link: LinkName) -> frozenset[_Ports] | None:
        """What is connected on a link, by its two ports; None if `ss` cannot show them here.

        Each end is asked, since a connection may be there on one end only.
        """
        sender, target = (self._ends[name] for name in link)
        port = target.peer_port
        at_sender = await _ss(sender.host, _with(target, dport=port))
        at_target = await _ss(target.host, _with(sender, sport=port))
        if at_sender is None or at_target is None:
            return None
        found = [_ports(line) for line in at_sender] + [(b, a) for a, b in map(_ports, at_target)]
        spared = {end.spared_port for end in self._ends.values()}
        return frozenset(ports for ports in found if not spared.intersection(ports))

    async def _reset(self, link: LinkName, connected: frozenset[_Ports] | None) -> int | None:
        """Reset connections on a link on both ends, except those made since; how many ends were reset."""
        if not connected:
            return None if connected is None else 0
        sender, target = (self._ends[name] for name in link)
        at_sender = " or ".join(f"( sport = :{a} and dport = :{b} )" for a, b in sorted(connected))
        at_target = " or ".join(f"( sport = :{b} and dport = :{a} )" for a, b in sorted(connected))
        ended = (
            await _ss(target.host, f"{_with(sender)} and ( {at_target} )", "-K"),
            await _ss(sender.host, f"{_with(target)} and ( {at_sender} )", "-K"),
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


def _with(other: LinkEnd, *, sport: int | None = None, dport: int | None = None) -> str:
    """A host's connections with another one, as `ss` selects them."""
    words = [f"dst {other.address}"]
    words += [f"{name} = :{port}" for name, port in (("sport", sport), ("dport", dport)) if port is not None]
    return " and ".join(words)


def _ports(line: str) -> _Ports:
    """The ports of a connection that `ss` shows: its own end's, and the other's."""
    own, other = (int(address.rpartition(":")[2]) for address in line.split()[3:5])
    return own, other


async def _ss(host: Host, connections: str, *options: str) -> list[str] | None:
    """Lines of `ss` about these TCP connections; None where there is no `ss`, or a kernel that refuses."""
    try:
        done = await host.run(["ss", "-H", "-t", "-n", *options, *connections.split()])
    except HostError:
        return None  # the nodes' own time-outs must suffice; the heal's details then name no reset
    return None if done.status or done.errors.strip() else done.output.splitlines()
