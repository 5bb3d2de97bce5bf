"""Services and their instances: the rules of registering, changing, expiring, listing and removing."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from sys import intern

import msgspec

from node_impl.core.registry.changes import Changes
from node_impl.core.requests import (
    DeleteService,
    Deregister,
    Expire,
    Instance,
    InstanceKey,
    Listing,
    ListInstances,
    ListServices,
    PutService,
    Register,
    Rejected,
    Service,
    ServiceKey,
    ServicePage,
    ServiceView,
    Update,
)


def service_of(key: InstanceKey) -> ServiceKey:
    """The service that an instance belongs to."""
    return ServiceKey(key.namespace, key.group, key.service)


class Entity:
    """One service: its instances, and their keys in order, so that listing never sorts."""

    __slots__ = ("attributes", "changed", "instances", "keys")

    def __init__(self) -> None:
        self.attributes: Service | None = None
        """None: registrations made it, and it goes with its last instance."""
        self.instances: dict[InstanceKey, Instance] = {}
        self.keys: list[InstanceKey] = []
        self.changed = 0
        """The Raft index of its last change."""


class Services:
    """All services. Instances are values: what a reader was given never changes under it."""

    def __init__(self) -> None:
        self.entities: dict[ServiceKey, Entity] = {}
        self.vanished = 0
        """The Raft index at which a service last ceased to exist: no absent one changed later."""
        self.size = 0
        """The number of registered instances."""

    # ---- instances -----------------------------------------------------------------------------------

    def register(self, command: Register, index: int, changes: Changes) -> Instance | None:
        """Put an instance, replacing what the key held; returns that."""
        # Names are shared between instances: decoded one by one, they would be most of the memory.
        key = InstanceKey(
            intern(command.key.service),
            command.key.ip,
            command.key.port,
            intern(command.key.namespace),
            intern(command.key.group),
            intern(command.key.cluster),
        )
        instance = Instance(
            key, command.weight, command.enabled, command.metadata, command.beats, True, index
        )
        if instance.is_ephemeral:
            changes.ephemeral.append(instance)
        return self._put(instance, index, changes)

    def update(self, command: Update, index: int, changes: Changes) -> Instance | Rejected:
        """Change an instance that exists; returns it as it was."""
        before = self.get(command.key)
        if before is None:
            return Rejected("not-found", f"{_named(command.key)} is not registered")
        if command.ephemeral not in (None, before.is_ephemeral):
            return _other_kind(before)
        metadata = before.metadata if command.metadata is None else command.metadata
        if command.merge and command.metadata is not None:
            metadata = {**before.metadata, **command.metadata}
        after = msgspec.structs.replace(
            before,
            weight=before.weight if command.weight is None else command.weight,
            enabled=before.enabled if command.enabled is None else command.enabled,
            metadata=metadata,
        )
        self._put(after, index, changes)
        return before

    def deregister(self, command: Deregister, index: int, changes: Changes) -> Instance | Rejected | None:
        """Remove an instance by its key; returns what the key held."""
        before = self.get(command.key)
        if before is None or command.registered not in (None, before.index):
            return None
        if command.ephemeral not in (None, before.is_ephemeral):
            return _other_kind(before)
        self._remove(before, index, changes)
        return before

    def expire(self, command: Expire, index: int, changes: Changes) -> Instance | None:
        """Carry out the leader's decision on a registration, if the key still holds that registration.

        Returns the instance as it was; None if nothing was changed.
        """
        before = self.get(command.key)
        if before is None or before.index != command.registered:
            return None
        if command.to == "removed":
            self._remove(before, index, changes)
            return before
        after = msgspec.structs.replace(before, healthy=command.to == "healthy")
        if after == before:
            return None
        changes.ephemeral.append(after)
        self._put(after, index, changes)
        return before

    def get(self, key: InstanceKey) -> Instance | None:
        """The instance registered under a key."""
        entity = self.entities.get(service_of(key))
        return None if entity is None else entity.instances.get(key)

    def list(self, query: ListInstances) -> Listing:
        """A service's enabled instances; those of the clusters asked for, if any are.

        Where the healthy part of them is not above the protect threshold, all are shown as healthy: better to
        send some requests to unhealthy instances than all requests to the few others, which would fail next.
        """
        key = ServiceKey(query.namespace, query.group, query.service)
        entity = self.entities.get(key)
        if entity is None:
            return Listing((), False, self.vanished)
        instances = entity.instances
        shown = [instance for name in entity.keys if (instance := instances[name]).enabled]
        if query.clusters:
            shown = [instance for instance in shown if instance.key.cluster in query.clusters]
        healthy = sum([instance.healthy for instance in shown])
        threshold = entity.attributes.protect_threshold if entity.attributes else 0.0
        is_protected = bool(shown) and healthy / len(shown) <= threshold
        if healthy < len(shown):
            if is_protected:
                shown = [msgspec.structs.replace(instance, healthy=True) for instance in shown]
            elif query.healthy_only:
                shown = [instance for instance in shown if instance.healthy]
        return Listing(tuple(shown), is_protected, entity.changed)

    def ephemeral(self) -> Iterator[Instance]:
        """All ephemeral instances. Costs O(instances)."""
        for entity in self.entities.values():
            for instance in entity.instances.values():
                if instance.is_ephemeral:
                    yield instance

    # ---- services ------------------------------------------------------------------------------------

    def put_service(self, command: PutService, index: int, changes: Changes) -> Service | Rejected | None:
        """Create or change a service; returns its attributes as they were."""
        entity = self.entities.get(command.key)
        if command.must_exist and entity is None:
            return _no_service(command.key)
        if not command.must_exist and entity is not None:
            return Rejected("conflict", f"service {command.key.service} exists; PUT changes it")
        before = None
        if entity is None:
            entity = self.entities[command.key] = Entity()
        else:
            before = entity.attributes or Service(command.key)
        base = before or Service(command.key)
        entity.attributes = Service(
            command.key,
            base.protect_threshold if command.protect_threshold is None else command.protect_threshold,
            base.metadata if command.metadata is None else command.metadata,
        )
        self._touch(command.key, entity, index, changes)
        return before

    def delete_service(self, command: DeleteService, index: int, changes: Changes) -> Service | Rejected:
        """Remove a service without instances; returns its attributes."""
        entity = self.entities.get(command.key)
        if entity is None:
            return _no_service(command.key)
        if entity.keys or entity.attributes is None:
            reason = f"service {command.key.service} has {len(entity.keys)} instances; deregister them first"
            return Rejected("conflict", reason)
        before, entity.attributes = entity.attributes, None
        self._touch(command.key, entity, index, changes)
        return before

    def get_service(self, key: ServiceKey) -> ServiceView | None:
        """A service's attributes and the names of its clusters."""
        entity = self.entities.get(key)
        if entity is None:
            return None
        clusters = sorted({name.cluster for name in entity.keys})
        return ServiceView(entity.attributes or Service(key), tuple(clusters))

    def list_services(self, query: ListServices) -> ServicePage:
        """A page of the names in a namespace's group."""
        wanted = (query.namespace, query.group)
        names = sorted(key.service for key in self.entities if (key.namespace, key.group) == wanted)
        first = (query.page - 1) * query.page_size
        return ServicePage(len(names), tuple(names[first : first + query.page_size]))

    def changed(self, key: ServiceKey) -> int:
        """The Raft index since which a service is as it is, or a later one."""
        entity = self.entities.get(key)
        return self.vanished if entity is None else entity.changed

    # ---- how the state is kept -----------------------------------------------------------------------

    def insert(self, instance: Instance) -> Entity:
        """Put an instance in its place; the caller does all else that follows from it."""
        name = service_of(instance.key)
        entity = self.entities.get(name)
        if entity is None:
            entity = self.entities[name] = Entity()
        if instance.key not in entity.instances:
            if entity.keys and instance.key < entity.keys[-1]:
                insort(entity.keys, instance.key)
            else:  # as always where a snapshot is read
                entity.keys.append(instance.key)
            self.size += 1
        entity.instances[instance.key] = instance
        return entity

    def _put(self, instance: Instance, index: int, changes: Changes) -> Instance | None:
        before = self.get(instance.key)
        self._touch(service_of(instance.key), self.insert(instance), index, changes)
        return before

    def _remove(self, instance: Instance, index: int, changes: Changes) -> None:
        name = service_of(instance.key)
        entity = self.entities[name]
        del entity.instances[instance.key]
        del entity.keys[bisect_left(entity.keys, instance.key)]
        self.size -= 1
        self._touch(name, entity, index, changes)

    def _touch(self, name: ServiceKey, entity: Entity, index: int, changes: Changes) -> None:
        entity.changed = index
        changes.touch((name,))
        if entity.attributes is None and not entity.keys:
            del self.entities[name]
            self.vanished = index


def _named(key: InstanceKey) -> str:
    return f"instance {key.ip}:{key.port} of service {key.service} in cluster {key.cluster}"


def _no_service(key: ServiceKey) -> Rejected:
    return Rejected("not-found", f"there is no service {key.service} in group {key.group}")


def _other_kind(instance: Instance) -> Rejected:
    kind = "ephemeral" if instance.is_ephemeral else "persistent"
    asked = "false" if instance.is_ephemeral else "true"
    return Rejected("conflict", f"{_named(instance.key)} is {kind}, but ephemeral={asked} was asked for")
