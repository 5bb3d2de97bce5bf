"""Controls of Nacos without faults, in several seeds on one cluster, which takes a minute to start.

    ackproof systems install nacos@2.3.2
    python scripts/nacos_controls.py 2.3.2 stale-instances/configs expiring-instances/instances/v1

It keeps a cluster of three nodes in network namespaces (root), and has `ackproof run` judge it once for each
workload and seed. Each such run works on names of its own, so it finds nothing that another one left. Its
nodes are idle processes that stand for those of the cluster: `RunningNacos` asks the real ones.

A node of 1.4 and later loads what its peers know when it starts, and half a minute later if it was alone
then; what it loads replaces ephemeral registrations that it acknowledged meanwhile (docs/found.md). So the
first control begins when each node has loaded; with `--while-loading` as soon as the nodes have addresses.
Exit status: 1 if a run is invalid, else 2 if one could not tell, else 0.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import Client, MakeClient, Site
from harness.client.codecs.base import Codec
from harness.client.http import HttpTransport
from harness.client.net import Net
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place
from harness.systems.nacos import Nacos
from harness.systems.nacos.versions import VERSIONS
from harness.systems.options import made_of
from history import Operation

ACKPROOF = (sys.executable, "-m", "ackproof")
HOSTS = ("10.77.0.1", "10.77.0.2", "10.77.0.3")
"""The addresses of the nodes of a run in network namespaces, in the order of their names."""
KEPT_S = 3600
START_BOUND_S = 120.0
LOAD_BOUND_S = 300.0
LOADED = "[DISTRO-INIT] load snapshot data success"
"""What a node of 1.4 and later logs when it has loaded its peers' ephemeral registrations."""
IDLE = "import signal; signal.pause()"
WORDS = {0: "valid", 1: "INVALID", 2: "unknown"}


class RunningNacos(msgspec.Struct, frozen=True):
    """A cluster of Nacos that is kept by another run, as a system of its own."""

    release: str = "2.3.2"
    names: str = ""
    """What the names of services and configurations begin with."""
    data: Literal["instances", "configs"] = "instances"
    api: Literal["v1", "v2", "v3"] | None = None

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 8848}
    links: ClassVar[Links] = "addresses"
    one_leader_a_term: ClassVar[bool] = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> RunningNacos:
        """The system for a test with these options.

        Raises:
            ValueError: an option is unknown, or its value does not fit.
        """
        return made_of(cls, options, "running-nacos")

    @property
    def real(self) -> Nacos:
        """The system that runs."""
        return Nacos(wanted_version=self.release, data=self.data, api=self.api, function="all")

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        return f"{self.real.name}, a cluster that is kept"

    @property
    def bounds(self) -> Bounds:
        """Those of Nacos, but that an idle process ends at once."""
        return msgspec.structs.replace(self.real.bounds, stop_s=3.0)

    @property
    def clients(self) -> Mapping[str, Codec | MakeClient]:
        """Those of Nacos, at the addresses of the cluster."""
        return {kind: partial(_Elsewhere, make, self.names) for kind, make in self.real.clients.items()}

    def version(self) -> str:
        """The version that runs."""
        return self.release

    def launch(self, place: Place) -> Launch:
        """An idle process."""
        return Launch.of(place.python, "-c", IDLE)

    def leader(self, view: ClusterView) -> str | None:
        """As of Nacos."""
        return self.real.leader(view)

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """That of the node of the same name in the cluster."""
        members = _members(place.members)
        host = members[place.name][CLIENT].rpartition(":")[0]
        real = msgspec.structs.replace(place, host=host, ports=self.real.ports, members=members)
        return await self.real.status(real, net)


def _members(names: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """By name of each node and of each port, its address in the cluster that is kept."""
    return {
        name: {port: f"{host}:{number}" for port, number in Nacos.ports.items()}
        for name, host in zip(names, HOSTS, strict=True)
    }


class _Elsewhere:
    """A client of Nacos at a node of the cluster that is kept, on names of its run."""

    def __init__(self, make: Codec | MakeClient, names: str, site: Site) -> None:
        there = msgspec.structs.replace(site, members=_members(site.members))
        self._client: Client = _ByCodec(there, make) if isinstance(make, Codec) else make(there)
        self._names = names

    def open(self) -> Awaitable[None] | None:
        return self._client.open()

    def close(self) -> Awaitable[None] | None:
        return self._client.close()

    async def perform(self, operation: Operation) -> Operation:
        named = msgspec.structs.replace(operation, key=f"{self._names}{operation.key}")
        done = self._client.perform(named)
        return done if isinstance(done, Operation) else await done


class _ByCodec:
    """A client that speaks HTTP by a codec."""

    def __init__(self, site: Site, codec: Codec) -> None:
        self._site, self._codec, self._http = site, codec, HttpTransport(site.timeout_s)

    async def open(self) -> None:
        await self._http.__aenter__()

    async def close(self) -> None:
        await self._http.__aexit__(None, None, None)

    async def perform(self, operation: Operation) -> Operation:
        reply = await self._http.send(self._site.at(), self._codec.encode(operation))
        return self._codec.decode(operation, reply)


def namespaces() -> set[str]:
    """The names of the network namespaces in which a run's harness works."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return {name for name in names if name.startswith("ackproof-") and name.endswith("-bridge")}


def bridge_of(cluster: subprocess.Popen[bytes], before: set[str]) -> str:
    """The namespace of the cluster that was just started.

    Raises:
        SystemExit: the run ended, or made none in time.
    """
    until = time.monotonic() + START_BOUND_S
    while cluster.poll() is None and time.monotonic() < until:
        if new := sorted(namespaces() - before):
            return new[0]
        time.sleep(0.2)  # a poll of what another process makes
    sys.exit("the cluster did not start: its output has the reason")


def wait_until_loaded(cluster: subprocess.Popen[bytes], runs: set[Path], folder: Path) -> None:
    """Wait until each node of the run that is new in `folder` has loaded what its peers know.

    Raises:
        SystemExit: the run ended, or a node has not loaded in time.
    """
    until = time.monotonic() + LOAD_BOUND_S
    missing = len(HOSTS)
    while cluster.poll() is None and time.monotonic() < until:
        logs = [
            log
            for run in sorted(set(folder.glob("20*")) - runs)
            for log in run.glob("nodes/*/home/nacos/logs/protocol-distro.log")
        ]
        missing = len(HOSTS) - sum(LOADED in log.read_text("utf-8", "replace") for log in logs)
        if not missing:
            return
        time.sleep(1)  # a poll of what other processes write
    sys.exit(f"{missing} nodes have not loaded what their peers know: `--while-loading` does not wait")


def judged(bridge: str, asked: argparse.Namespace, what: str, seed: int) -> int:
    """The exit status of one control, which is printed in a line."""
    workload, data, *api = what.split("/")
    options = {"release": asked.version, "data": data, "names": f"s{seed}-{data[0]}{workload[0]}-"}
    options |= {"api": api[0]} if api else {}
    argv = ["ip", "netns", "exec", bridge, *ACKPROOF, "run", "--system", f"{Path(__file__)}:RunningNacos"]
    for name, value in options.items():
        argv += ["--system-option", f"{name}={value}"]
    argv += ["--world", "local", "--nodes", "3", "--workload", workload, "--nemesis", "none"]
    argv += ["--rate", f"{asked.rate:g}", "--concurrency", str(asked.concurrency)]
    argv += ["--time-limit", f"{asked.time_limit:g}", "--seed", str(seed)]
    argv += ["--store", str(asked.store / what.replace("/", "-") / str(seed))]
    ran = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    (asked.store / f"{what.replace('/', '-')}-{seed}.txt").write_text(ran.stdout, encoding="utf-8")
    word = WORDS.get(ran.returncode, f"exit status {ran.returncode}")
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {asked.version} {what} seed {seed}: {word}\n")
    sys.stdout.flush()
    return ran.returncode


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version", help="of Nacos, as `ackproof systems install` brought it")
    parser.add_argument("control", nargs="+", help="WORKLOAD/instances or WORKLOAD/configs, then /API if any")
    parser.add_argument("--seeds", default="1-10", help="FIRST-LAST")
    parser.add_argument("--at-once", type=int, default=3, help="how many controls run at the same time")
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--concurrency", type=int, default=6)
    parser.add_argument("--time-limit", type=float, default=30)
    parser.add_argument("--while-loading", action="store_true", help="do not wait until nodes have loaded")
    parser.add_argument("--store", type=Path, default=Path("store-of-controls"))
    return parser.parse_args()


def main() -> int:
    """Keep a cluster, and judge it."""
    asked = parsed()
    asked.store = asked.store.absolute()
    asked.store.mkdir(parents=True, exist_ok=True)
    first, _, last = asked.seeds.partition("-")
    controls = [(what, seed) for seed in range(int(first), int(last or first) + 1) for what in asked.control]
    keeping = [*ACKPROOF, "run", "--system", f"nacos@{asked.version}", "--world", "netns", "--nodes", "3"]
    keeping += ["--system-option", "function=all", "--workload", "stale-instances", "--nemesis", "none"]
    keeping += ["--rate", "1", "--concurrency", "1", "--time-limit", str(KEPT_S)]
    keeping += ["--store", str(asked.store / "cluster")]
    before, runs = namespaces(), set((asked.store / "cluster").glob("20*"))
    with (asked.store / "cluster.txt").open("wb") as output:
        cluster = subprocess.Popen(keeping, stdout=output, stderr=output, start_new_session=True)
        try:
            bridge = bridge_of(cluster, before)
            subprocess.run(["ip", "netns", "exec", bridge, "ip", "link", "set", "lo", "up"], check=True)
            if not asked.while_loading and VERSIONS[asked.version].naming_group is not None:
                wait_until_loaded(cluster, runs, asked.store / "cluster")
            with ThreadPoolExecutor(asked.at_once) as pool:
                statuses = list(pool.map(lambda one: judged(bridge, asked, *one), controls))
        finally:
            end(cluster)
    return 1 if 1 in statuses else max(statuses)


def end(cluster: subprocess.Popen[bytes]) -> None:
    """End the run that keeps the cluster: two interrupts end it without a last look."""
    for _ in range(2):
        if cluster.poll() is None:
            os.kill(cluster.pid, signal.SIGINT)
            time.sleep(2)  # the second one is a second one only if the first one was taken
    cluster.wait()


if __name__ == "__main__":
    sys.exit(main())
