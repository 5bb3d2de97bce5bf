"""Links made bad packet by packet: what tc gets and answers, and, where the kernel can, what comes of it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts import agent
from harness.hosts.host import CommandResult, Host, eventually
from harness.hosts.links import netem
from harness.hosts.links.linkmessages import LinkImpairment
from harness.hosts.links.links import LinkError
from harness.hosts.links.netem import NetemLinks
from harness.hosts.links.nftlinks import LinkEnd
from harness.hosts.local import LocalHost, tail
from tests.harness.hosts import peer
from tests.harness.hosts.namespaces import needs_namespaces, network_of

PORT = 8849
TABLE = "ackproof_0123abcd"
HANDLE = agent.handle_of(TABLE)
RATE = LinkImpairment(rate_bytes_s=50)
SHAPES = not needs_namespaces.args[0] and agent.can_shape("pfifo")
NETEM = SHAPES and agent.can_shape("netem delay 1ms")
needs_shaping = pytest.mark.skipif(not SHAPES, reason="no root, or a kernel without tc's htb and u32")
needs_netem = pytest.mark.skipif(not NETEM, reason="no root, or a kernel without tc's netem, htb and u32")

# What iproute2 6.1 tells of a device with two bad links, the second one's leaf holding three packets.
SHOWN = json.dumps(
    [
        {"kind": "htb", "handle": "4abc:", "root": True, "packets": 90, "drops": 0, "qlen": 3, "options": {}},
        {"kind": "netem", "handle": "8001:", "parent": "4abc:1", "packets": 40, "drops": 2, "qlen": 0},
        {"kind": "pfifo", "handle": "8002:", "parent": "4abc:2", "packets": 5, "drops": 0, "qlen": 3},
    ]
)


@pytest.mark.parametrize(
    ("how", "leaf"),
    [
        (LinkImpairment(delay_ms=20, jitter_ms=20), "netem delay 30ms 10ms"),
        (LinkImpairment(delay_ms=5), "netem delay 5ms"),
        (LinkImpairment(jitter_ms=800), "netem delay 400ms 400ms"),
        (LinkImpairment(repeated_percent=10), "netem duplicate 10%"),
        (LinkImpairment(overtaken_percent=10), "netem delay 20ms reorder 90%"),
        (LinkImpairment(corrupted_percent=2), "netem corrupt 2%"),
        (
            LinkImpairment(delay_ms=100, overtaken_percent=50, repeated_percent=1),
            "netem delay 100ms reorder 50% duplicate 1%",
        ),
        (LinkImpairment(rate_bytes_s=1000), "pfifo limit 1000"),
    ],
)
def test_a_leaf_treats_packets_as_the_fault_says(how: LinkImpairment, leaf: str) -> None:
    assert netem.leaf_of(how) == leaf


def test_only_what_goes_to_the_links_end_is_chosen_and_to_its_peer_port_if_it_has_one() -> None:
    host: Host = NoTc.__new__(NoTc)
    ends = [LinkEnd(host, "10.77.0.2", PORT), LinkEnd(host, "fd00::3", PORT), LinkEnd(host, "10.77.0.4")]
    how = (LinkImpairment(delay_ms=5), LinkImpairment(rate_bytes_s=1000), LinkImpairment(delay_ms=5))
    script = netem.script_of(0x4ABC, "eth0", list(zip(ends, how, strict=True)))
    assert script.splitlines() == [
        "qdisc add dev eth0 root handle 4abc: htb default 0",
        "class add dev eth0 parent 4abc: classid 4abc:1 htb rate 10gbit quantum 60000",
        "qdisc add dev eth0 parent 4abc:1 netem delay 5ms",
        "filter add dev eth0 parent 4abc: protocol ip prio 1 u32 match ip dst 10.77.0.2/32 "
        "match ip protocol 6 0xff match ip dport 8849 0xffff flowid 4abc:1",
        "class add dev eth0 parent 4abc: classid 4abc:2 htb rate 8000bit quantum 60000",
        "qdisc add dev eth0 parent 4abc:2 pfifo limit 1000",
        "filter add dev eth0 parent 4abc: protocol ipv6 prio 2 u32 match ip6 dst fd00::3/128 "
        "match ip6 protocol 6 0xff match ip6 dport 8849 0xffff flowid 4abc:2",
        "class add dev eth0 parent 4abc: classid 4abc:3 htb rate 10gbit quantum 60000",
        "qdisc add dev eth0 parent 4abc:3 netem delay 5ms",
        "filter add dev eth0 parent 4abc: protocol ip prio 1 u32 match ip dst 10.77.0.4/32 flowid 4abc:3",
    ]


def test_two_faults_of_one_link_add_up() -> None:
    assert netem.both(
        LinkImpairment(delay_ms=5, rate_bytes_s=1000, corrupted_percent=2),
        LinkImpairment(delay_ms=10, jitter_ms=3, corrupted_percent=20),
    ) == LinkImpairment(delay_ms=15, jitter_ms=3, rate_bytes_s=1000, corrupted_percent=20)


def test_what_passed_a_link_is_read_from_its_leaf() -> None:
    assert netem.counts_of(SHOWN) == {"4abc:1": 42, "4abc:2": 8}
    assert netem.has_root(SHOWN, 0x4ABC)
    assert not netem.has_root(SHOWN, 0x4ABD)
    assert netem.counts_of("[]") == {}


@pytest.mark.parametrize(
    ("how", "passed", "struck"),
    [
        (LinkImpairment(delay_ms=5), 3, 3),
        (LinkImpairment(rate_bytes_s=9), 3, 3),
        (LinkImpairment(corrupted_percent=2), 300, 0),
        (LinkImpairment(corrupted_percent=2), 350, 7),
        (LinkImpairment(repeated_percent=100), 1, 1),
        (LinkImpairment(), 9, 0),
    ],
)
def test_a_fault_by_chance_has_struck_only_once_it_cannot_have_missed(
    how: LinkImpairment, passed: int, struck: int
) -> None:
    assert netem.struck_of(how, passed) == struck


class NoTc(LocalHost):
    """A host whose kernel has none of it."""

    async def run(self, argv: object, *, given: str = "", bound_s: float = 1) -> CommandResult:
        if "route" in list(argv):  # type: ignore[call-overload]
            return CommandResult(0, '[{"dst":"10.0.0.2","dev":"eth0","flags":[]}]', "")
        return CommandResult(1, "", "Error: Specified qdisc kind is unknown.\nCommand failed -:1\n")


def test_a_refusing_kernel_is_reported_and_so_is_what_packets_cannot_suffer() -> None:
    host: Host = NoTc.__new__(NoTc)
    links = NetemLinks(HANDLE, {name: LinkEnd(host, "10.0.0.2", PORT) for name in ("n1", "n2")})
    with pytest.raises(LinkError, match=r"n1: tc -batch - refused: Error: Specified qdisc kind is"):
        asyncio.run(links.impair([("n1", "n2")], LinkImpairment(delay_ms=5), "delay", 1))
    for how in (LinkImpairment(is_stalled=True), LinkImpairment(reset_percent=2)):
        with pytest.raises(LinkError, match="packets can be neither stalled nor reset"):
            asyncio.run(links.impair([("n1", "n2")], how, "stall", 1))


@dataclass
class Pair:
    """Two peers that talk to each other, and what is on n1's device."""

    folder: Path
    hosts: dict[str, LocalHost]
    links: NetemLinks

    def heard(self, name: str) -> int:
        """How many lines it has heard so far."""
        lines = ["heard 0", *tail(self.folder / name, 2000)]
        return int(next(line for line in reversed(lines) if line.startswith("heard")).split()[1])

    async def hears(self, name: str, within_s: float = 1) -> bool:
        """Whether it hears something within so much time."""
        before = self.heard(name)
        return await eventually(lambda: self.heard(name) > before + 5, within_s)

    async def device(self, name: str = "n1") -> str:
        """What tc shows there, without what is counted."""
        shown = (await self.hosts[name].run(["tc", "qdisc", "show", "dev", "eth0"])).output
        return re.sub(r"direct_packets_stat \d+", "", shown)


def with_pair(folder: Path, body: Callable[[Pair], Awaitable[None]]) -> None:
    async def run() -> None:
        async with network_of(folder, ["n1", "n2"]) as bench:
            at = bench.network.addresses
            ends = {name: LinkEnd(host, at[name], PORT) for name, host in bench.hosts.items()}
            pair = Pair(folder, bench.hosts, NetemLinks(HANDLE, ends))
            for own, other in (("n1", "n2"), ("n2", "n1")):
                argv = [sys.executable, peer.__file__, at[own], str(PORT), at[other]]
                await bench.hosts[own].start(own, argv, log=folder / own, folder=folder)
            for name in ("n1", "n2"):
                assert await pair.hears(name, 10)
            await body(pair)

    asyncio.run(run())


@needs_shaping
def test_a_link_that_is_slow_one_way_leaves_the_other_way_and_ends_clean(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        before = await pair.device()
        assert await pair.links.impair([("n1", "n2")], RATE, "rate", 1) == 1
        await asyncio.sleep(1)  # what htb lets through at first passes
        assert not await pair.hears("n2"), "less than one packet a second"
        assert await pair.hears("n1")
        assert await pair.links.struck("rate") > 5
        assert await pair.device("n2") == before, "nothing is made where no bad link begins"
        count = await pair.links.end_impairment("rate")
        assert count is not None
        assert count > 5
        assert await pair.device() == before
        assert await pair.hears("n2", 10)
        assert await pair.links.end_impairment("rate") is None

    with_pair(tmp_path, body)


@needs_shaping
def test_of_two_faults_on_a_link_the_end_of_one_leaves_the_other(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        before = await pair.device()
        await pair.links.impair(
            [("n1", "n2"), ("n2", "n1")], LinkImpairment(rate_bytes_s=1_000_000), "mild", 1
        )
        await pair.links.impair([("n1", "n2")], RATE, "harsh", 1)
        assert await eventually(lambda: pair.heard("n2") > 0, 5)
        await asyncio.sleep(1)
        assert not await pair.hears("n2")
        assert await pair.links.end_impairment("harsh")
        assert await pair.hears("n2", 10)
        mild = await pair.links.struck("mild")
        assert await pair.hears("n1")
        assert await pair.links.struck("mild") > mild, "its count goes on"
        await pair.links.end_impairment("mild")
        assert await pair.device() == await pair.device("n2") == before

    with_pair(tmp_path, body)


@needs_shaping
def test_a_root_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        await pair.hosts["n1"].run(["tc", "qdisc", "add", "dev", "eth0", "root", "handle", "7:", "pfifo"])
        theirs = await pair.device()
        with pytest.raises(
            LinkError, match=r"n1: tc -batch - refused: Error: (Exclusivity flag|NLM_F_REPLACE)"
        ):
            await pair.links.impair([("n1", "n2")], RATE, "rate", 1)
        assert await pair.device() == theirs
        await pair.links.end_impairment("rate")
        assert await pair.device() == theirs

    with_pair(tmp_path, body)


@needs_shaping
def test_an_agent_that_ends_deletes_the_runs_roots_and_no_others(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        before = await pair.device()
        await pair.links.impair([("n1", "n2")], RATE, "rate", 1)
        ours = await pair.device()
        for table, expected in (("ackproof_another", ours), (TABLE, before)):
            ends = f"from harness.hosts import agent; agent.delete_qdiscs({table!r})"
            done = await pair.hosts["n1"].run([sys.executable, "-c", ends])
            assert (done.status, done.errors) == (0, "")
            assert await pair.device() == expected

    with_pair(tmp_path, body)


@needs_netem
def test_packets_that_are_late_come_late_and_those_of_the_other_way_do_not(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        before = await pair.device()
        await pair.links.impair([("n1", "n2")], LinkImpairment(delay_ms=3000), "delay", 1)
        assert not await pair.hears("n2")
        assert await pair.hears("n1")
        assert await pair.links.struck("delay") > 0
        assert await pair.hears("n2", 10), "they are late, and not lost"
        await pair.links.end_impairment("delay")
        assert await pair.device() == before

    with_pair(tmp_path, body)


def test_a_handle_is_one_that_the_kernel_does_not_give_out_by_itself() -> None:
    assert all(0x4000 <= agent.handle_of(f"ackproof_{number:08x}") < 0x8000 for number in range(1000))
