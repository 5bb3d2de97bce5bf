"""The registry as a few plain dicts, written for clarity alone, and commands to compare the two by."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import md5

import msgspec
from hypothesis import strategies as st

from node_impl.core.events import Entry
from node_impl.core.registry.commands import encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import (
    BeatTimes,
    Command,
    Config,
    ConfigKey,
    ConfigVersion,
    DeleteService,
    Deregister,
    Expire,
    Instance,
    InstanceKey,
    PublishConfig,
    PutService,
    Register,
    RemoveConfig,
    Service,
    ServiceKey,
    Update,
)

keys = st.builds(
    InstanceKey,
    service=st.sampled_from(["a", "b"]),
    ip=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    port=st.integers(1, 2),
    namespace=st.sampled_from(["public", "other"]),
    cluster=st.sampled_from(["DEFAULT", "x"]),
)
service_keys = st.builds(
    ServiceKey,
    st.sampled_from(["public", "other"]),
    st.just("DEFAULT_GROUP"),
    st.sampled_from(["a", "b", "c"]),
)
config_keys = st.builds(ConfigKey, st.just(""), st.just("G"), st.sampled_from(["x", "y"]))
metadata = st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2)
contents = st.sampled_from(["one", "two", "ü"])
commands = st.one_of(
    st.builds(
        Register,
        key=keys,
        weight=st.floats(0, 9),
        enabled=st.booleans(),
        metadata=metadata,
        beats=st.none() | st.just(BeatTimes()),
    ),
    st.builds(
        Update,
        key=keys,
        weight=st.none() | st.floats(0, 9),
        enabled=st.none() | st.booleans(),
        metadata=st.none() | metadata,
        merge=st.booleans(),
        ephemeral=st.none() | st.booleans(),
    ),
    st.builds(Deregister, key=keys, ephemeral=st.none() | st.booleans()),
    st.builds(
        Expire,
        key=keys,
        registered=st.integers(1, 8),
        to=st.sampled_from(["healthy", "unhealthy", "removed"]),
    ),
    st.builds(
        PutService,
        key=service_keys,
        must_exist=st.booleans(),
        protect_threshold=st.none() | st.floats(0, 1),
        metadata=st.none() | metadata,
    ),
    st.builds(DeleteService, key=service_keys),
    st.builds(
        PublishConfig,
        key=config_keys,
        content=contents,
        expected_md5=st.none() | contents.map(lambda text: md5(text.encode()).hexdigest()),
    ),
    st.builds(RemoveConfig, key=config_keys),
)
logs = st.lists(commands, max_size=25)


def entry(index: int, command: Command) -> Entry:
    return Entry(index, 1, "command", encode_command(command))


def applied(*log: Command) -> Registry:
    registry = Registry()
    for index, command in enumerate(log, start=1):
        registry.apply(entry(index, command))
    return registry


@dataclass
class Model:
    """`apply` gives what the registry should, with the code alone in place of a `Rejected`."""

    instances: dict[InstanceKey, Instance] = field(default_factory=dict)
    services: dict[ServiceKey, Service] = field(default_factory=dict)
    configs: dict[ConfigKey, Config] = field(default_factory=dict)

    def instances_of(self, key: ServiceKey) -> list[Instance]:
        found = [
            instance
            for name, instance in self.instances.items()
            if (name.namespace, name.group, name.service) == (key.namespace, key.group, key.service)
        ]
        return sorted(found, key=lambda instance: instance.key)

    def exists(self, key: ServiceKey) -> bool:
        return key in self.services or bool(self.instances_of(key))

    def apply(self, index: int, command: Command) -> object:
        match command:
            case Register(key, weight, enabled, data, beats):
                before = self.instances.get(key)
                self.instances[key] = Instance(key, weight, enabled, data, beats, True, index)
                return before
            case Update() | Deregister():
                return self._change(command)
            case Expire(key, registered, to):
                found = self.instances.get(key)
                if found is None or found.index != registered:
                    return None
                if to == "removed":
                    return self.instances.pop(key)
                if found.healthy == (to == "healthy"):
                    return None
                self.instances[key] = msgspec.structs.replace(found, healthy=to == "healthy")
                return found
            case PutService() | DeleteService():
                return self._change_service(command)
            case PublishConfig(config_key, content, content_type, expected):
                held = self.configs.get(config_key)
                if expected is not None and (held is None or held.md5 != expected):
                    return "conflict"
                digest = md5(content.encode()).hexdigest()
                self.configs[config_key] = Config(config_key, content, content_type, digest, index)
                return held and ConfigVersion(held.md5, held.index)
            case RemoveConfig(config_key):
                held = self.configs.pop(config_key, None)
                return held and ConfigVersion(held.md5, held.index)

    def _change(self, command: Update | Deregister) -> object:
        found = self.instances.get(command.key)
        if found is None:
            return None if isinstance(command, Deregister) else "not-found"
        if command.ephemeral is not None and command.ephemeral != found.is_ephemeral:
            return "conflict"
        if isinstance(command, Deregister):
            return self.instances.pop(command.key)
        changes = {
            name: getattr(command, name)
            for name in ("weight", "enabled", "metadata")
            if getattr(command, name) is not None
        }
        if command.merge and command.metadata is not None:
            changes["metadata"] = found.metadata | command.metadata
        self.instances[command.key] = msgspec.structs.replace(found, **changes)
        return found

    def _change_service(self, command: PutService | DeleteService) -> object:
        key = command.key
        before = self.services.get(key, Service(key)) if self.exists(key) else None
        if isinstance(command, DeleteService):
            if before is None:
                return "not-found"
            return "conflict" if self.instances_of(key) else self.services.pop(key)
        if command.must_exist != (before is not None):
            return "not-found" if command.must_exist else "conflict"
        base = before or Service(key)
        threshold = base.protect_threshold if command.protect_threshold is None else command.protect_threshold
        self.services[key] = Service(
            key, threshold, base.metadata if command.metadata is None else command.metadata
        )
        return before
