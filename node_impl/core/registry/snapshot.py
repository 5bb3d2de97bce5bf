"""The whole state as bytes: MessagePack, rows without names, in the order of their keys.

Equal states give equal bytes. Costs O(instances); docs/node.md has figures.
"""

from __future__ import annotations

import msgspec

from node_impl.core.registry.configs import Configs
from node_impl.core.registry.services import Entity, Services
from node_impl.core.requests import BeatTimes, Config, Instance, InstanceKey, Service, ServiceKey

SNAPSHOT_VERSION = 1


class SnapshotError(ValueError):
    """Bytes that are not a registry's snapshot; a node that was given them must not go on from them."""


class _InstanceRow(msgspec.Struct, frozen=True, array_like=True):
    ip: str
    port: int
    cluster: str
    weight: float
    enabled: bool
    metadata: dict[str, str]
    beats: BeatTimes | None
    healthy: bool
    index: int


class _ServiceRow(msgspec.Struct, frozen=True, array_like=True):
    namespace: str
    group: str
    service: str
    changed: int
    attributes: tuple[float, dict[str, str]] | None
    instances: list[_InstanceRow]


class _Snapshot(msgspec.Struct, frozen=True):
    version: int
    vanished: int
    services: list[_ServiceRow]
    configs: list[Config]


class _Versioned(msgspec.Struct, frozen=True):
    """All that is certain of another version's snapshot."""

    version: int


_encoder = msgspec.msgpack.Encoder(order="deterministic")


def write_snapshot(services: Services, configs: Configs) -> bytes:
    """The bytes of a state."""
    rows = [_service_row(key, services.entities[key]) for key in sorted(services.entities)]
    published = [configs.by_key[key] for key in sorted(configs.by_key)]
    return _encoder.encode(_Snapshot(SNAPSHOT_VERSION, services.vanished, rows, published))


def read_snapshot(data: bytes) -> tuple[Services, Configs]:
    """The state behind the bytes.

    Raises:
        SnapshotError: they are no snapshot, or another version's.
    """
    try:
        version = msgspec.msgpack.decode(data, type=_Versioned).version
        if version != SNAPSHOT_VERSION:
            raise SnapshotError(
                f"a registry's snapshot of version {version}; this program reads {SNAPSHOT_VERSION}"
            )
        found = msgspec.msgpack.decode(data, type=_Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"not a registry's snapshot: {error}; restore it from a copy") from error
    services, configs = Services(), Configs()
    services.vanished = found.vanished
    for row in found.services:
        _restore_service(services, row)
    configs.by_key = {config.key: config for config in found.configs}
    return services, configs


def _service_row(key: ServiceKey, entity: Entity) -> _ServiceRow:
    rows = [
        _InstanceRow(
            name.ip,
            name.port,
            name.cluster,
            instance.weight,
            instance.enabled,
            instance.metadata,
            instance.beats,
            instance.healthy,
            instance.index,
        )
        for name in entity.keys
        for instance in [entity.instances[name]]
    ]
    attributes = entity.attributes
    own = None if attributes is None else (attributes.protect_threshold, attributes.metadata)
    return _ServiceRow(key.namespace, key.group, key.service, entity.changed, own, rows)


def _restore_service(services: Services, row: _ServiceRow) -> None:
    name = ServiceKey(row.namespace, row.group, row.service)
    entity = services.entities[name] = Entity()
    entity.changed = row.changed
    if row.attributes is not None:
        entity.attributes = Service(name, *row.attributes)
    for at in row.instances:
        key = InstanceKey(row.service, at.ip, at.port, row.namespace, row.group, at.cluster)
        services.insert(Instance(key, at.weight, at.enabled, at.metadata, at.beats, at.healthy, at.index))
