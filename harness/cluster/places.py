"""Where the nodes of a cluster are: their addresses and ports, and the folders of each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.systems.base import CLIENT, Place, System, peer_port


def usual_ports(system: System, base_port: int | None) -> dict[str, int]:
    """The port of each name for a node with an address of its own.

    Args:
        base_port: the port for clients; the others keep their distance to it. None for the usual numbers.
    """
    shift = 0 if base_port is None else base_port - system.ports[CLIENT]
    return {name: number + shift for name, number in system.ports.items()}


def places_of(
    system: System,
    hosts: Mapping[str, str],
    ports: Mapping[str, Mapping[str, int]],
    folder: Callable[[str], Path],
    seed: int,
    *,
    peers: Mapping[tuple[str, str], str] | None = None,
    more: Callable[[str], Mapping[str, Any]] = lambda _: {},
) -> dict[str, Place]:
    """The place of each node.

    Args:
        hosts: by name of each node, its host's address.
        ports: by name of each node, its ports by name.
        folder: the folder of a node, on its host.
        seed: of the run; each node gets one of its own.
        peers: where links are proxies, by (dialler, target) the `host:port` to dial; None for the targets'
            own addresses.
        more: further fields of the `Place` of a node.
    """
    members = {
        name: {port: f"{host}:{number}" for port, number in ports[name].items()}
        for name, host in hosts.items()
    }
    dialled = peer_port(system)
    secret = secrets.token_hex(32)

    def peers_of(name: str) -> dict[str, str]:
        others = [other for other in hosts if other != name]
        if peers is not None:
            return {other: peers[name, other] for other in others}
        return {} if dialled is None else {other: members[other][dialled] for other in others}

    return {
        name: Place(
            name=name,
            host=host,
            ports=ports[name],
            members=members,
            peers=peers_of(name),
            data=folder(name) / "data",
            trace=folder(name) / "trace",
            log=folder(name) / "log.txt",
            seed=seed + number,
            secret=secret,
            **more(name),
        )
        for number, (name, host) in enumerate(hosts.items())
    }
