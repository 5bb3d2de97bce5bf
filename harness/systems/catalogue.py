"""The systems by name, one line each; and any other system, by the file that defines it.

The names alone cost nothing: what makes and tries systems is loaded where it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import unknown_name

if TYPE_CHECKING:
    from harness.client.clients import MakeClient
    from harness.client.codecs.base import Codec
    from harness.systems.base import System
    from harness.workload import Workload

REFERENCE_NODE = "reference-node"


def _reference_node(options: Mapping[str, Any]) -> System:
    from harness.systems.reference_node import ReferenceNode

    return ReferenceNode.of(options)


def _etcd(options: Mapping[str, Any]) -> System:
    from harness.systems.etcd import Etcd

    return Etcd.of(options)


def _pysyncobj(options: Mapping[str, Any]) -> System:
    from harness.systems.pysyncobj import PySyncObj

    return PySyncObj.of(options)


def _nacos(options: Mapping[str, Any]) -> System:
    from harness.systems.nacos import Nacos

    return Nacos.of(options)


def _zookeeper(options: Mapping[str, Any]) -> System:
    from harness.systems.zookeeper import ZooKeeper

    return ZooKeeper.of(options)


def _redis(options: Mapping[str, Any]) -> System:
    from harness.systems.redis import Redis

    return Redis.of(options)


def _nats(options: Mapping[str, Any]) -> System:
    from harness.systems.nats import Nats

    return Nats.of(options)


def _rabbitmq(options: Mapping[str, Any]) -> System:
    from harness.systems.rabbitmq import RabbitMQ

    return RabbitMQ.of(options)


def _maelstrom(options: Mapping[str, Any]) -> System:
    from harness.systems.maelstrom.system import Maelstrom

    return Maelstrom.of(options)


SYSTEMS: Mapping[str, Callable[[Mapping[str, Any]], System]] = {
    REFERENCE_NODE: _reference_node,
    "etcd": _etcd,
    "zookeeper": _zookeeper,
    "pysyncobj": _pysyncobj,
    "redis": _redis,
    "nats": _nats,
    "rabbitmq": _rabbitmq,
    "nacos": _nacos,
    "maelstrom": _maelstrom,
}
"""Name to maker. A maker is given the options of the test by name, such as `heartbeat_ms`, and
`system_version`: the version that NAME@VERSION asks for, or None. It imports the system's file only then."""
ENTRY_POINTS = "ackproof.systems"
"""The group of entry points by which an installed package offers systems: NAME = "package.module:Class"."""


def system_of(name: str, options: Mapping[str, Any]) -> System:
    """The system of that name, or the one that a file defines or describes.

    Args:
        name: NAME or NAME@VERSION of a listed system or of an entry point; PATH.py:NAME; or FILE.toml.
        options: of the test, by the names of its fields.

    Raises:
        ValueError: there is none, its file cannot be loaded, or it has not what the options ask for; or a
            secret option cannot be looked up.
    """
    from importlib.metadata import entry_points  # here: the help of commands reads the names alone

    from harness.systems.described.loading import described_system, is_description
    from harness.systems.loading import is_path, load_system, system_from
    from harness.systems.options import refuse_all
    from harness.systems.secrets import revealed

    options = {**options, "system_options": revealed(options.get("system_options") or {})}
    if name != REFERENCE_NODE:
        for option in ("mutant", "lease"):
            if options.get(option):
                raise ValueError(f"--{option} is for the system {REFERENCE_NODE}, not for {name}")
    listed, _, version = name.partition("@")
    if listed in SYSTEMS:
        return SYSTEMS[listed]({**options, "system_version": version or None})
    if is_description(name):
        refuse_all(options, name)
        return described_system(Path(name))
    if is_path(name):
        return load_system(name, options)
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if listed in found:
        return system_from(found[listed].load, listed, {**options, "system_version": version or None})
    raise ValueError(
        f"{unknown_name('system', name, (*SYSTEMS, *found))}; for one of your own, PATH.py:NAME or FILE.toml"
    )


def client_for(system: System, work: Workload) -> Codec | MakeClient:
    """What carries out a workload's operations on a system.

    Raises:
        ValueError: the system does not have this data type; the message names the workloads that fit.
    """
    if fits(system, work):
        return system.clients[work.data_type]
    has = ", ".join(system.clients) or "none"
    if work.data_type in system.clients:
        why = f"repeats writes by client id and sequence number, which system {system.name} does not take"
    else:
        why = f"needs the data type {work.data_type}, and system {system.name} has {has}"
    fitting = ", ".join(fitting_workloads(system)) or "none"
    raise ValueError(f"workload {work.name} {why}; workloads that fit: {fitting}")


def fits(system: System, work: Workload) -> bool:
    """Whether a system has all that a workload needs."""
    from harness.client.codecs.base import Codec

    client = system.clients.get(work.data_type)
    return client is not None and (work.retries is None or isinstance(client, Codec))


def fitting_workloads(system: System) -> tuple[str, ...]:
    """The names of the workloads that a system has all for, in the order of the catalogue."""
    from harness.workload import WORKLOADS

    return tuple(name for name, make in WORKLOADS.items() if fits(system, make(("n1",), 1)))


def workloads_of(data_types: Collection[str]) -> tuple[str, ...]:
    """The names of the workloads that need one of these data types, and never repeat a write."""
    from harness.workload import WORKLOADS

    made = {name: make(("n1",), 1) for name, make in WORKLOADS.items()}
    return tuple(name for name, work in made.items() if work.data_type in data_types and work.retries is None)


def why_unfit(workload: str, data_types: Collection[str]) -> str | None:
    """Why this workload does not fit nodes that have these data types, in words; None if it does."""
    fitting = workloads_of(data_types)
    if workload in fitting:
        return None
    has, fit = (", ".join(names) or "none" for names in (data_types, fitting))
    return f"workload {workload} does not fit the core's data types, which are {has}; these fit: {fit}"
