"""The state machine: takes committed entries one by one, answers reads, becomes and gives snapshots."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from node_impl.core.events import Entry
from node_impl.core.registry.changes import Changes
from node_impl.core.registry.commands import CommandError, decode_command
from node_impl.core.registry.configs import Configs
from node_impl.core.registry.services import Services
from node_impl.core.registry.snapshot import read_snapshot, write_snapshot
from node_impl.core.requests import (
    Command,
    DeleteService,
    Deregister,
    Expire,
    GetConfig,
    GetService,
    Instance,
    InstanceKey,
    ListenConfigs,
    ListInstances,
    ListServices,
    Lookup,
    PublishConfig,
    PutService,
    Read,
    Register,
    RemoveConfig,
    Result,
    Update,
)


class Registry:
    """The whole replicated state, and what the entries applied last have touched in it."""

    def __init__(self) -> None:
        self.services = Services()
        self.configs = Configs()
        self.changes = Changes()
        """What was touched since the last `take_changes`."""

    @property
    def size(self) -> int:
        """The number of registered instances."""
        return self.services.size

    def apply(self, entry: Entry) -> Result:
        """Carry out a committed entry.

        Raises:
            CommandError: its payload is not a command; the message names the entry.
        """
        if entry.kind == "noop":
            return None
        try:
            command = decode_command(entry.payload)
        except CommandError as error:
            raise CommandError(f"entry {entry.index} of term {entry.term}: {error}") from error
        return self._carry_out(command, entry.index)

    def _carry_out(self, command: Command, index: int) -> Result:
        services, changes = self.services, self.changes
        match command:
            case Register():
                return services.register(command, index, changes)
            case Update():
                return services.update(command, index, changes)
            case Deregister():
                return services.deregister(command, index, changes)
            case Expire():
                return services.expire(command, index, changes)
            case PutService():
                return services.put_service(command, index, changes)
            case DeleteService():
                return services.delete_service(command, index, changes)
            case PublishConfig():
                return self.configs.publish(command, index, changes)
            case RemoveConfig():
                return self.configs.remove(command, changes)

    def read(self, query: Read) -> Any:
        """Answer a client's read; `requests.Done` says with what."""
        match query:
            case Lookup():
                return self.services.get(query.key)
            case ListInstances():
                return self.services.list(query)
            case GetService():
                return self.services.get_service(query.key)
            case ListServices():
                return self.services.list_services(query)
            case GetConfig():
                return self.configs.by_key.get(query.key)
            case ListenConfigs():
                return self.configs.differing(query.held)

    def get(self, key: InstanceKey) -> Instance | None:
        """The instance registered under a key."""
        return self.services.get(key)

    def take_changes(self) -> Changes:
        """Take what was touched since the last call."""
        changes, self.changes = self.changes, Changes()
        return changes

    def snapshot(self) -> bytes:
        """The whole state as bytes; equal on nodes that hold the same."""
        return write_snapshot(self.services, self.configs)

    def restore(self, snapshot: bytes) -> None:
        """Become what `snapshot` says; what was held before is gone, and all of it counts as touched.

        Raises:
            SnapshotError: the bytes are no snapshot, or another version's. Nothing was changed.
        """
        services, configs = read_snapshot(snapshot)
        for held_services, held_configs in ((self.services, self.configs), (services, configs)):
            self.changes.touch(held_services.entities)
            self.changes.touch(held_configs.by_key)
        self.services, self.configs = services, configs

    def digest(self) -> str:
        """32 hex digits over the whole state: equal on nodes that hold the same. Costs O(instances)."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()
