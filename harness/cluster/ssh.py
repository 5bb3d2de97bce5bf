"""The remote world: every node a process on a host that is reached over SSH.

Each host gets a folder of the run's own, `~/.ackproof/RUN-NODE/`, with the agent, the node's program,
its data, trace and log; at the end the node's files are copied here, and the folder is removed. If a host is
lost during the run, its node ends (`host lost`) and the run goes on; the next start of that node connects
again. Evidence that could not be copied back is absent, and verdicts that need it are unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from harness.cluster.layout import LOSS_PERCENT, Layout
from harness.cluster.places import places_of, usual_ports
from harness.cluster.world import HostedWorld
from harness.hosts.abilities import refusal
from harness.hosts.agent import handle_of
from harness.hosts.host import Clock, HostError
from harness.hosts.inventory import HostSpec
from harness.hosts.ledger import Ledger
from harness.hosts.links.netem import NetemLinks
from harness.hosts.links.nftlinks import LinkEnd, NftLinks
from harness.hosts.removal import REMOTE
from harness.hosts.ssh.bundle import Deployment, mismatch, pack
from harness.hosts.ssh.connection import RemoteRun
from harness.hosts.ssh.remote import RemoteHost
from harness.hosts.ssh.ssh import address_of, target_of
from harness.systems.base import System, peer_port

ROOM_FOR_RUN_BYTES = 50_000_000
MEGABYTE = 1_000_000


class SshWorld(HostedWorld):
    """Nodes of one system on remote hosts.

    Args:
        specs: the hosts, one a node, by the nodes' names.
        deployment: the parts of the nodes' program.
    """

    def __init__(
        self,
        system: System,
        specs: Sequence[HostSpec],
        deployment: Deployment,
        folder: Path,
        clock: Clock,
        *,
        faults: Sequence[str] = (),
        seed: int = 0,
        base_port: int | None = None,
        ledgers: Path | None = None,
    ) -> None:
        names = [spec.name for spec in specs]
        super().__init__(
            system, names, folder, clock, faults=faults, seed=seed, base_port=base_port, ledgers=ledgers
        )
        self._specs = {spec.name: spec for spec in specs}
        self._deployment = deployment
        self._hosts: dict[str, RemoteHost] = {}

    async def _lay_out(self, ledger: Ledger, stack: AsyncExitStack) -> Layout:
        at = {name: address_of(spec) for name, spec in self._specs.items()}
        for name, address in at.items():
            other = next(other for other in at if at[other] == address)
            if other != name:
                raise HostError(f"{other} and {name} have the same address {address}; give each its own")
        table = f"ackproof_{ledger.token[:8]}"
        for name, spec in self._specs.items():
            run = RemoteRun(spec, f"{ledger.token}-{name}", table, f"{ledger.token[:16]}-{name}")
            self._hosts[name] = RemoteHost(run, self._clock)
            ledger.making(REMOTE, _in_words(run), msgspec.json.encode(run).decode())
            stack.push_async_callback(self._leave, run, ledger)
        archive = self._folder / "node.tar.gz"
        unpacked = await asyncio.to_thread(pack, self._all_parts(), archive)
        try:
            await self._prepare_all(archive, unpacked)
        finally:
            archive.unlink()
        ports = usual_ports(self._system, self._base_port)
        places = places_of(
            self._system,
            at,
            dict.fromkeys(at, ports),
            lambda name: self._hosts[name].folder / name,
            self._seed,
            more=lambda name: {
                "python": self._specs[name].python,
                "modules": self._hosts[name].folder / "modules",
            },
        )
        dialled = peer_port(self._system)
        ends = {
            name: LinkEnd(
                host,
                at[name],
                None if dialled is None else ports[dialled],
                spared_port=target_of(self._specs[name]).port,
            )
            for name, host in self._hosts.items()
        }
        lossy = NftLinks(f"{table}_loss", ends, LOSS_PERCENT)
        faketime = {name: host.facts["faketime"] for name, host in self._hosts.items()}
        bad = NetemLinks(handle_of(table), ends)
        return Layout(self._hosts, places, NftLinks(table, ends), lossy=lossy, bad=bad, faketime=faketime)

    def _all_parts(self) -> Deployment:
        """The parts of the nodes' program, and what this run's faults need besides."""
        more = tuple(name for attachment in self._attachments for name in attachment.distributions)
        if not more:
            return self._deployment
        packages = dict.fromkeys((*self._deployment.packages, "harness"))
        distributions = (*self._deployment.distributions, *more)
        return Deployment(tuple(packages), distributions, self._deployment.files)

    async def _prepare_all(self, archive: Path, unpacked: int) -> None:
        """Prepare all hosts at once; the message names every host that failed."""
        prepared = [self._prepare(host, archive, unpacked) for host in self._hosts.values()]
        done = await asyncio.gather(*prepared, return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException) and not isinstance(result, HostError):
                raise result
        wrong = [str(result) for result in done if isinstance(result, HostError)]
        if wrong:
            raise HostError("\n  ".join(wrong))

    async def _prepare(self, host: RemoteHost, archive: Path, unpacked: int) -> None:
        """Connect, check whether the host is usable, and copy the node's program there."""
        await host.__aenter__()
        why_not = mismatch(host.facts)
        if why_not is not None:
            raise HostError(f"{host.name}: {why_not}; name another with python= in the nodes file")
        refused = refusal(self._faults, host.facts)
        if refused is not None:
            raise HostError(f"{host.name}: {refused}")
        needed = unpacked + ROOM_FOR_RUN_BYTES
        free = await host.free_bytes()
        if free < needed:
            raise HostError(
                f"{host.name}: only {free // MEGABYTE} MB are free in {host.folder}, and "
                f"{needed // MEGABYTE} are needed; make room, or name another place with folder="
            )
        there = host.folder / "node.tar.gz"
        await host.upload(archive, there)
        await host.unpack(there, host.folder / "modules")

    async def _collect(self) -> None:
        """Copy every node's folder here; that of a lost host stays there, and its evidence is absent."""

        async def bring(name: str, host: RemoteHost) -> None:
            try:
                await host.download(host.folder / name, self._folder / name)
            except HostError:
                return

        await asyncio.gather(*[bring(name, host) for name, host in self._hosts.items()])

    async def _leave(self, run: RemoteRun, ledger: Ledger) -> None:
        """Remove the run's folder; where the host is lost, the ledger keeps it for `clean`."""
        host = self._hosts[run.spec.name]
        try:
            if host.was_reached:
                await host.remove_folder()
            ledger.gone(REMOTE, _in_words(run))
        except HostError:
            return
        finally:
            await host.__aexit__()


def _in_words(run: RemoteRun) -> str:
    return f"{run.spec}, {run.spec.folder}/{run.folder_name}"
