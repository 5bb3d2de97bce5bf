"""Makes links between nodes bad, packet by packet: tc's htb, u32 and netem on each node's host.

A link (i, j) carries what i sends to j (nftlinks.py). It is made bad where it begins:

```
root htb, of our own          what no filter chooses passes at once: clients, acknowledgements, other links
  class 1  u32: to j's address (and peer port)       htb keeps the rate
    leaf netem (or pfifo, where only the rate is bad) delays, repeats, reorders, corrupts
  class 2  ...                                        one for each bad link of this host and device
```

See tc-htb(8), tc-u32(8), tc-netem(8). A device's root is ours only if it was the kernel's own before: `add`
refuses where there is another qdisc already, and none of others is ever replaced. Its handle
follows from the run's table, so that an agent that ends, or `clean`, removes it and no other (agent.py); in
a namespace it goes with the namespace.

Where several faults strike a link they add up. Whenever a fault begins or ends, the host's root is made
again, so packets that a link held back then are lost, and TCP sends them again.

**What shows an effect** is what the leaf has counted. Which packets were repeated, overtaken or corrupted
netem does not show; so such a fault has taken effect once enough packets have passed that the chance of
none having been struck is below `CHANCE_OF_NONE`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from harness.hosts.host import Host, HostError
from harness.hosts.links.linkmessages import LinkImpairment, LinkName
from harness.hosts.links.links import LinkError
from harness.hosts.links.nftlinks import LinkEnd

UNLIMITED = "10gbit"
OVERTAKEN_BY_MS = 20
"""How long a packet is held back for others to overtake it."""
CHANCE_OF_NONE = 0.001
_NO_QUANTUM = "quantum 60000"
"""Without it htb computes a quantum from the rate, and warns about the result."""


@dataclass(frozen=True)
class _Fault:
    links: tuple[LinkName, ...]
    how: LinkImpairment
    passed_before: Mapping[LinkName, int]


@dataclass
class _Sender:
    """A host at which bad links begin."""

    parents: dict[tuple[str, str], LinkName] = field(default_factory=dict)
    """By device and class: the link."""

    @property
    def devices(self) -> list[str]:
        return sorted({device for device, _ in self.parents})


class _Leaf(msgspec.Struct, frozen=True):
    """One entry of `tc -s -j qdisc show`."""

    kind: str
    handle: str = ""
    parent: str = ""
    root: bool = False
    packets: int = 0
    drops: int = 0
    qlen: int = 0


class _Route(msgspec.Struct, frozen=True):
    """One entry of `ip -j route get`."""

    dev: str


class NetemLinks:
    """Links between nodes whose packets can be made bad.

    Args:
        handle: the major number of our qdiscs, `agent.handle_of` the run's table.
    """

    def __init__(self, handle: int, ends: Mapping[str, LinkEnd]) -> None:
        self._handle = handle
        self._ends = ends
        self._faults: dict[str, _Fault] = {}
        self._passed: dict[LinkName, int] = {}
        """What was counted before the present qdiscs were made."""
        self._senders: dict[str, _Sender] = {}
        self._turn = asyncio.Lock()

    async def impair(self, links: Iterable[LinkName], how: LinkImpairment, by: str, draw: int) -> int:  # noqa: ARG002
        """Make links bad, on a fault's account; how many are so now. Netem draws which packets are struck.

        Raises:
            LinkError: packets cannot be treated so, a host refused, or is lost.
        """
        if how.is_stalled or how.reset_percent or how.lost_percent:
            raise LinkError("packets can be neither stalled nor reset; links that are proxies can")
        async with self._turn:
            chosen = tuple(dict.fromkeys(links))
            passed = await self._counted(chosen)
            self._faults[by] = _Fault(chosen, how, {link: passed.get(link, 0) for link in chosen})
            await self._make(sorted({sender for sender, _ in chosen}))
            there = await self._present({sender for sender, _ in chosen})
            return sum(link in there for link in chosen)

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did; how many packets it struck, as far as is known; None if it was not on.

        Raises:
            LinkError: a host refused, or is lost; the others are healed all the same.
        """
        async with self._turn:
            fault = self._faults.get(by)
            if fault is None:
                return None
            try:
                struck = await self._struck(fault)
            except LinkError:
                struck = 0
            del self._faults[by]
            await self._make(sorted({sender for sender, _ in fault.links}))
            return struck

    async def struck(self, by: str) -> int:
        """How many packets a fault has struck since it was begun, as far as is known.

        Raises:
            LinkError: a host refused, or is lost.
        """
        async with self._turn:
            fault = self._faults.get(by)
            return 0 if fault is None else await self._struck(fault)

    async def _struck(self, fault: _Fault) -> int:
        passed = await self._counted(fault.links)
        return struck_of(fault.how, sum(passed.values()) - sum(fault.passed_before.values()))

    # ---- what is on the hosts ------------------------------------------------------------------------

    async def _counted(self, links: Iterable[LinkName]) -> dict[LinkName, int]:
        """What has passed over these links since they were first bad."""
        now = await self._present({sender for sender, _ in links})
        return {link: self._passed.get(link, 0) + now.get(link, 0) for link in links}

    async def _present(self, senders: Iterable[str]) -> dict[LinkName, int]:
        """What the present leaves of these hosts have counted."""
        counted: dict[LinkName, int] = {}
        for name in sorted(senders):
            for device in self._senders.get(name, _Sender()).devices:
                counted |= self._at_links(name, device, await self._shown(name, device))
        return counted

    def _at_links(self, name: str, device: str, shown: str) -> dict[LinkName, int]:
        links = self._senders[name].parents
        counts = counts_of(shown)
        return {links[device, at]: count for at, count in counts.items() if (device, at) in links}

    async def _shown(self, name: str, device: str) -> str:
        return await self._run(name, "tc", "-s", "-j", "qdisc", "show", "dev", device)

    async def _make(self, senders: Sequence[str]) -> None:
        """Make the qdiscs of these hosts as the faults require, on all hosts at once."""
        done = await asyncio.gather(*[self._make_one(name) for name in senders], return_exceptions=True)
        wrong = [
            f"{name}: {result}" for name, result in zip(senders, done, strict=True) if result is not None
        ]
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, HostError | LinkError):
                raise result
        if wrong:
            raise LinkError("; ".join(wrong))

    async def _make_one(self, name: str) -> None:
        old = self._senders.get(name, _Sender())
        for device in old.devices:
            shown = await self._shown(name, device)
            for link, count in self._at_links(name, device, shown).items():
                self._passed[link] = self._passed.get(link, 0) + count
            if has_root(shown, self._handle):
                ours = f"{self._handle:x}:"
                await self._run(name, "tc", "qdisc", "del", "dev", device, "root", "handle", ours)
        self._senders[name] = _Sender()
        bad = self._bad_links(name)
        devices: dict[str, list[LinkName]] = {}
        for link in bad:
            devices.setdefault(await self._device(link), []).append(link)
        for device, links in devices.items():
            parents = {class_of(self._handle, number): link for number, link in enumerate(links, 1)}
            # Before it is made: what is half made is deleted next time.
            self._senders[name].parents.update({(device, parent): link for parent, link in parents.items()})
            script = script_of(
                self._handle, device, [(self._ends[link[1]], bad[link]) for link in parents.values()]
            )
            await self._run(name, "tc", "-batch", "-", given=script)

    def _bad_links(self, sender: str) -> dict[LinkName, LinkImpairment]:
        """What is wrong with each bad link that begins here, of all faults together."""
        bad: dict[LinkName, LinkImpairment] = {}
        for fault in self._faults.values():
            for link in fault.links:
                if link[0] == sender:
                    bad[link] = both(bad[link], fault.how) if link in bad else fault.how
        return bad

    async def _device(self, link: LinkName) -> str:
        sender, to = link
        shown = await self._run(sender, "ip", "-j", "route", "get", self._ends[to].address)
        routes = msgspec.json.decode(shown, type=list[_Route])
        if not routes:
            raise LinkError(f"{sender} has no route to {to}")
        return routes[0].dev

    async def _run(self, name: str, *argv: str, given: str = "") -> str:
        host: Host = self._ends[name].host
        done = await host.run(argv, given=given)
        if done.status:  # the first line is the kernel's message; after it tc shows which of our lines it was
            why = (done.errors.strip() or done.complaint()).splitlines()[0]
            raise LinkError(f"{' '.join(argv[:3])} refused: {why}")
        return done.output


def class_of(handle: int, number: int) -> str:
    """The class of a host's bad link, as tc writes it."""
    return f"{handle:x}:{number:x}"


def script_of(handle: int, device: str, links: Sequence[tuple[LinkEnd, LinkImpairment]]) -> str:
    """The input of `tc -batch -` that makes these links bad, each by the node at its end."""
    lines = [f"qdisc add dev {device} root handle {handle:x}: htb default 0"]
    for number, (to, how) in enumerate(links, 1):
        parent = class_of(handle, number)
        rate = UNLIMITED if how.rate_bytes_s is None else f"{8 * how.rate_bytes_s}bit"
        lines += [
            f"class add dev {device} parent {handle:x}: classid {parent} htb rate {rate} {_NO_QUANTUM}",
            f"qdisc add dev {device} parent {parent} {leaf_of(how)}",
            f"filter add dev {device} parent {handle:x}: {_filter(to)} flowid {parent}",
        ]
    return "\n".join(lines) + "\n"


def leaf_of(how: LinkImpairment) -> str:
    """The qdisc that impairs packets so, except for their rate."""
    delay_ms, jitter_ms = how.delay_ms + how.jitter_ms / 2, how.jitter_ms / 2
    words: list[str] = []
    if how.overtaken_percent:  # netem delays all but those that are to overtake
        delay_ms = max(delay_ms, OVERTAKEN_BY_MS)
    if delay_ms:
        words.append(f"delay {delay_ms:g}ms {jitter_ms:g}ms" if jitter_ms else f"delay {delay_ms:g}ms")
    if how.overtaken_percent:
        words.append(f"reorder {100 - how.overtaken_percent}%")
    if how.repeated_percent:
        words.append(f"duplicate {how.repeated_percent}%")
    if how.corrupted_percent:
        words.append(f"corrupt {how.corrupted_percent}%")
    return f"netem {' '.join(words)}" if words else "pfifo limit 1000"


def _filter(to: LinkEnd) -> str:
    is_6 = ipaddress.ip_address(to.address).version == 6
    family, words = ("ip6", "protocol ipv6 prio 2") if is_6 else ("ip", "protocol ip prio 1")
    chosen = f"{words} u32 match {family} dst {to.address}/{128 if is_6 else 32}"
    if to.peer_port is None:
        return chosen
    return f"{chosen} match {family} protocol 6 0xff match {family} dport {to.peer_port} 0xffff"


def both(one: LinkImpairment, other: LinkImpairment) -> LinkImpairment:
    """What two faults do to one link."""
    rates = [how.rate_bytes_s for how in (one, other) if how.rate_bytes_s is not None]
    return LinkImpairment(
        delay_ms=one.delay_ms + other.delay_ms,
        jitter_ms=one.jitter_ms + other.jitter_ms,
        rate_bytes_s=min(rates) if rates else None,
        repeated_percent=max(one.repeated_percent, other.repeated_percent),
        overtaken_percent=max(one.overtaken_percent, other.overtaken_percent),
        corrupted_percent=max(one.corrupted_percent, other.corrupted_percent),
    )


def counts_of(shown: str) -> dict[str, int]:
    """By class: how many packets its leaf has had, those that it holds included."""
    leaves = msgspec.json.decode(shown, type=list[_Leaf])
    return {leaf.parent: leaf.packets + leaf.drops + leaf.qlen for leaf in leaves if leaf.parent}


def has_root(shown: str, handle: int) -> bool:
    """Whether a device's root is ours."""
    leaves = msgspec.json.decode(shown, type=list[_Leaf])
    return any(leaf.root and leaf.handle == f"{handle:x}:" for leaf in leaves)


def struck_of(how: LinkImpairment, passed: int) -> int:
    """An estimate of how many of the packets that passed were struck; 0 while that may be none."""
    percents = (how.repeated_percent, how.overtaken_percent, how.corrupted_percent)
    if how.delay_ms or how.jitter_ms or how.rate_bytes_s is not None:
        return passed
    share = max(percents) / 100
    if not share:
        return 0
    enough = 1 if share >= 1 else math.ceil(math.log(CHANCE_OF_NONE) / math.log(1 - share))
    return round(passed * share) if passed >= enough else 0
