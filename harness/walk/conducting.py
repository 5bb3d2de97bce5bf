"""Conducts one walk of a system that is known here, from its first start to its tables' values.

A walk needs root (a network namespace for each member), tcpdump, and the system (`ackproof systems install
nacos@0.8.0`); it takes up to ten minutes.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.client.codecs.base import Codec
from harness.client.data_types import STALE_INSTANCE
from harness.client.http import HttpTransport
from harness.cluster.collecting.packets import lost
from harness.cluster.netns import NetnsWorld
from harness.errors import CouldNotRun
from harness.systems.base import System, bounds
from harness.systems.nacos import Nacos
from harness.systems.reference_node import ReferenceNode
from harness.walk import traced, wire
from harness.walk.record import Registration, Silence, Silenced, Step, Walk, Walked
from harness.walk.walking import FIRST, NAMES, Walker
from history import read_trace

PACKETS = "packets"
OURS = "node_impl"
SEEN, ADDRESSES = "walked.json", "addresses.json"


class Subject(NamedTuple):
    """A system, and how long its moments take."""

    system: System
    own_lookup: str
    alone_s: float
    start_s: float
    patience_s: float
    silent_s: float


def subject(name: str) -> Subject:
    """What is known here under a name: `node_impl`, or `nacos@VERSION`."""
    if name == OURS:
        return Subject(ReferenceNode(voters=FIRST), "stale-lookup", 5.0, 10.0, 20.0, 4.0)
    kind, _, version = name.partition("@")
    if kind != "nacos":
        raise SystemExit(f"{name!r} is neither node_impl nor nacos@VERSION")
    # A lone member of 0.8.0 stands again after 15 to 20 s; it reads its list of members every 30 s.
    alone_s = 45.0 if version == "0.8.0" else 20.0
    return Subject(Nacos(wanted_version=version), "lookup", alone_s, 60.0, 75.0, 6.0)


async def walk(name: str, folder: Path) -> None:
    """One walk of a system. Its files stay in `folder`, and what was seen in `folder`/walked.json.

    Raises:
        CouldNotRun: the walk could not be done to its end, or `folder` is there already.
    """
    of = subject(name)
    _refuse_used(folder)
    codec = of.system.clients[STALE_INSTANCE]
    if not isinstance(codec, Codec):
        raise CouldNotRun(f"registrations of {name} are not done over HTTP")
    world = NetnsWorld(
        of.system,
        NAMES,
        folder,
        time.monotonic_ns,
        faults=(PACKETS,),
        seed=1,
        starting=(),
        ledgers=folder.parent / "ledgers",
    )
    async with world, HttpTransport(bounds(of.system).request_s, world.sockets) as transport:
        walker = Walker(
            world,
            transport,
            codec,
            own_lookup=of.own_lookup,
            alone_s=of.alone_s,
            start_s=of.start_s,
            patience_s=of.patience_s,
            silent_s=of.silent_s,
        )
        try:
            await walker.walk()
        finally:
            (folder / SEEN).write_bytes(msgspec.json.encode(walker.walked))
            addresses = {node: world.nodes[node].place.host for node in NAMES}
            (folder / ADDRESSES).write_bytes(msgspec.json.encode(addresses))


def _refuse_used(folder: Path) -> None:
    if folder.exists():
        raise CouldNotRun(f"{folder} is there already: its members would go on from what is in it")


def walk_of(name: str, folder: Path, load: float) -> Walk:
    """What a walk that was done to its end has to show, with the steps from its traces or packets.

    Raises:
        CouldNotRun: it had no registration through a follower, or no silent follower, or a capture has lost
            packets, so that a step that it does not show may have been there.
        LookupError: the traces or packets do not show the registration.
    """
    seen = msgspec.json.decode((folder / SEEN).read_bytes(), type=Walked)
    addresses = msgspec.json.decode((folder / ADDRESSES).read_bytes(), type=dict[str, str])
    if seen.registration is None or seen.silenced is None:
        raise CouldNotRun("the walk had no registration through a follower, or no silent follower")
    has_traces = name == OURS
    found = _from_traces if has_traces else _from_packets
    steps, silence = found(folder, addresses, seen.registration, seen.silenced)
    return Walk(
        system=subject(name).system.name,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        command=f"python -m harness.walk {name}",
        load=load,
        moments=tuple(seen.moments),
        steps=steps,
        steps_from="node traces" if has_traces else PACKETS,
        silence=silence,
    )


def _from_traces(
    folder: Path, _: dict[str, str], one: Registration, silent: Silenced
) -> tuple[tuple[Step, ...], Silence]:
    traces = {name: read_trace(folder / name / "trace", name) for name in FIRST}
    steps = traced.steps_in_traces(traces, str(one.number))
    window = silent.window
    sent = traced.sent_to(traces[silent.leader], silent.node, window.since_ns, window.until_ns)
    return steps, _silence(silent, sent, "AppendEntries")


def _from_packets(
    folder: Path, addresses: dict[str, str], one: Registration, silent: Silenced
) -> tuple[tuple[Step, ...], Silence]:
    def captured(since: float, until: float) -> tuple[wire.Segment, ...]:
        files = [folder / name / "packets.pcap" for name in FIRST]
        return wire.merged(map(wire.segments_of, files), since, until)

    for name in FIRST:
        dropped = lost((folder / name / "packets.txt").read_text(encoding="utf-8", errors="replace"))
        if dropped != 0:
            raise CouldNotRun(f"the capture of {name} lost {dropped or 'an unknown number of'} packets")
    names = {address: name for name, address in addresses.items()}
    segments = captured(one.window.since, one.window.until)
    steps = wire.steps_on_the_wire(segments, names, one.text.encode(), one.leader, one.asked)
    during = captured(silent.window.since, silent.window.until)
    sent = wire.sent_to(during, addresses[silent.leader], addresses[silent.node])
    return steps, _silence(silent, sent, "packets that open a connection or carry a payload")


def _silence(silent: Silenced, sent: int, counted: str) -> Silence:
    seconds = round(silent.window.until - silent.window.since, 1)
    return Silence(
        silent.node, seconds, silent.acknowledged, silent.leader_held, sent, counted, tuple(silent.held)
    )
