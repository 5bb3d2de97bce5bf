"""Packets of a cut link stop, those of its opposite go on, and the heal resets what was connected."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts.host import CommandResult, Host, eventually
from harness.hosts.links.linkmessages import LinkName
from harness.hosts.links.links import LinkError
from harness.hosts.links.nftlinks import LinkEnd, NftLinks
from harness.hosts.local import LocalHost, tail
from tests.harness.hosts import duplex, peer
from tests.harness.hosts.namespaces import needs_namespaces, network_of

PORT = 8849


@dataclass
class Pair:
    """Two peers that talk to each other, and the links between them."""

    folder: Path
    hosts: dict[str, LocalHost]
    links: NftLinks

    def heard(self, name: str) -> int:
        """How many lines it has heard so far."""
        return int(next(line for line in reversed(self.log(name)) if line.startswith("heard")).split()[1])

    def log(self, name: str) -> list[str]:
        return ["heard 0", *tail(self.folder / name, 2000)]

    async def hears(self, name: str) -> bool:
        """Whether it hears something within a second."""
        before = self.heard(name)
        return await eventually(lambda: self.heard(name) > before + 5, 1)

    def rules(self, name: str) -> str:
        """The whole ruleset in its namespace."""
        argv = [*self.hosts[name]._prefix, "nft", "list", "ruleset"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def with_pair(folder: Path, body: Callable[[Pair], Awaitable[None]], *, is_duplex: bool = False) -> None:
    """Two nodes that dial each other at a known port; or, duplex, n1 dials n2 and both send over that."""

    async def run() -> None:
        async with network_of(folder, ["n1", "n2"]) as bench:
            at, port = bench.network.addresses, None if is_duplex else PORT
            ends = {name: LinkEnd(host, at[name], port) for name, host in bench.hosts.items()}
            pair = Pair(folder, bench.hosts, NftLinks("ackproof_test", ends))
            for own, other, role in (("n1", "n2", "dial"), ("n2", "n1", "listen")):
                program = (duplex.__file__, role) if is_duplex else (peer.__file__,)
                argv = [sys.executable, *program, at[own], str(PORT), at[other]]
                await bench.hosts[own].start(own, argv, log=folder / own, folder=folder)
            assert await pair.hears("n1") or await pair.hears("n1")
            assert await pair.hears("n2")
            await body(pair)

    asyncio.run(run())


@needs_namespaces
def test_a_one_way_cut_stops_one_direction_and_leaves_the_other(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        assert await pair.links.cut([("n1", "n2")]) == (("n1", "n2"),)
        await asyncio.sleep(0.1)
        assert not await pair.hears("n2")
        assert await pair.hears("n1")

        assert set(await pair.links.cut([("n2", "n1")])) == {("n1", "n2"), ("n2", "n1")}
        await asyncio.sleep(0.1)
        assert not await pair.hears("n1")

        healed = await pair.links.heal()
        assert set(healed.links) == {("n1", "n2"), ("n2", "n1")}
        assert healed.swallowed_packets is not None
        assert healed.swallowed_packets > 1
        assert healed.swallowed_bytes is not None
        assert healed.swallowed_bytes > 0
        assert healed.swallowed_messages is None
        assert await pair.hears("n1")
        assert await pair.hears("n2")

    with_pair(tmp_path, body)


@needs_namespaces
@pytest.mark.parametrize("link", [("n1", "n2"), ("n2", "n1")])
def test_a_one_way_cut_by_address_stops_a_shared_connection_whoever_dialled_it(
    tmp_path: Path, link: LinkName
) -> None:
    """One way at once, and the other way soon: what is heard there is a congestion window and no more."""
    sender, deaf = link

    async def body(pair: Pair) -> None:
        assert await pair.links.swallowed([link]) == 0
        heard_before = pair.heard(sender)
        assert await pair.links.cut([link]) == (link,)
        await asyncio.sleep(0.1)
        assert not await pair.hears(deaf)
        assert await eventually_silent(pair, sender)
        assert pair.heard(sender) > heard_before, "what is sent against the cut arrives at first"

        swallowed = await pair.links.swallowed([link])
        assert swallowed > 0
        assert await pair.links.swallowed([(deaf, sender)]) == 0
        healed = await pair.links.heal()
        assert healed.by_link[link] >= swallowed
        assert healed.connections_reset in (1, 2)
        assert await pair.hears("n1"), "at once, although TCP had backed off"
        assert await pair.hears("n2")

    async def eventually_silent(pair: Pair, name: str) -> bool:
        for _ in range(10):
            if not await pair.hears(name):
                return True
        return False

    with_pair(tmp_path, body, is_duplex=True)


@needs_namespaces
def test_what_reaches_a_host_for_the_harness_is_never_cut_although_it_comes_from_a_nodes_address(
    tmp_path: Path,
) -> None:
    """The nodes' port is the spared one here: they go on as if nothing was cut, and nothing is reset."""

    async def body(pair: Pair) -> None:
        at = {"n1": "10.77.0.1", "n2": "10.77.0.2"}
        ends = {name: LinkEnd(host, at[name], spared_port=PORT) for name, host in pair.hosts.items()}
        links = NftLinks("ackproof_other", ends)
        assert set(await links.cut([("n1", "n2"), ("n2", "n1")])) == {("n1", "n2"), ("n2", "n1")}
        assert await links.cut([("n1", "n2")])
        await asyncio.sleep(0.1)
        assert await pair.hears("n1")
        assert await pair.hears("n2")
        healed = await links.heal()
        assert healed.swallowed_packets == 0
        assert healed.connections_reset == 0
        assert not any("lost" in line for line in pair.log("n1") + pair.log("n2"))

    with_pair(tmp_path, body, is_duplex=True)


@needs_namespaces
def test_a_link_on_which_nothing_was_sent_swallows_nothing_and_the_heal_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with network_of(tmp_path, ["n1", "n2"]) as bench:
            at = bench.network.addresses
            links = NftLinks("ackproof_test", {name: LinkEnd(bench.hosts[name], at[name]) for name in at})
            await links.cut([("n1", "n2"), ("n2", "n1")])
            assert await links.swallowed([("n1", "n2")]) == 0
            send = f"from socket import *; socket(AF_INET, SOCK_DGRAM).sendto(b'x', ('{at['n2']}', 9))"
            await bench.hosts["n1"].run([sys.executable, "-S", "-c", send])
            healed = await links.heal()
            assert healed.by_link == {("n1", "n2"): 1, ("n2", "n1"): 0}, (
                "by address, and whatever the protocol"
            )
            assert healed.details()["swallowed_by_link"] == {"n1→n2": 1, "n2→n1": 0}

    asyncio.run(run())


@needs_namespaces
def test_the_heal_resets_connections_on_cut_links_and_no_others(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        await pair.links.cut([("n1", "n2")])
        await asyncio.sleep(1.5)
        assert not any("lost" in line for line in pair.log("n1") + pair.log("n2")), "a cut resets nothing"
        healed = await pair.links.heal()
        assert healed.connections_reset in (1, 2), "one end, if its reset reached the other first"
        assert await pair.hears("n2"), "at once, although TCP had backed off"
        assert [line[:8] for line in pair.log("n1") if "lost" in line] == ["out lost"]
        assert [line[:7] for line in pair.log("n2") if "lost" in line] == ["in lost"]

    with_pair(tmp_path, body)


@needs_namespaces
def test_rules_of_others_are_left_alone(tmp_path: Path) -> None:
    async def body(pair: Pair) -> None:
        other = "add table inet other; add chain inet other c; add rule inet other c counter"
        await pair.hosts["n2"].run(["nft", other])
        before = pair.rules("n2")
        await pair.links.cut([("n1", "n2")])
        assert pair.rules("n2").startswith(before.strip())
        await pair.links.heal()
        assert pair.rules("n2") == before
        assert pair.rules("n1") == ""
        assert (await pair.links.heal()).links == (), "nothing is cut any more"

    with_pair(tmp_path, body)


class NoNft(LocalHost):
    """A host without nftables."""

    async def run(self, argv: object, *, given: str = "", bound_s: float = 1) -> CommandResult:
        return CommandResult(1, "", "Operation not supported")


def test_a_host_that_refuses_is_named() -> None:
    host: Host = NoNft.__new__(NoNft)
    links = NftLinks("t", {name: LinkEnd(host, "10.0.0.1", PORT) for name in ("n1", "n2")})
    with pytest.raises(LinkError, match=r"n2: nft refused: status 1: Operation not supported"):
        asyncio.run(links.cut([("n1", "n2")]))
