"""The state machine against plain dicts; what it touches; its determinism and its snapshots."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import Entry
from node_impl.core.registry.commands import CommandError, decode_command, encode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.snapshot import SnapshotError
from node_impl.core.requests import (
    BeatTimes,
    Command,
    ConfigKey,
    DeleteService,
    Deregister,
    Expire,
    GetConfig,
    GetService,
    HeldConfig,
    Instance,
    InstanceKey,
    ListenConfigs,
    ListInstances,
    ListServices,
    Lookup,
    PublishConfig,
    PutService,
    Register,
    Rejected,
    RemoveConfig,
    Service,
    ServiceKey,
    ServicePage,
    ServiceView,
    Update,
)
from tests.node_impl.core.registry.model import Model, applied, commands, entry, logs

SERVICE = ServiceKey("public", "DEFAULT_GROUP", "s")
ALL_SERVICES = [ServiceKey(space, "DEFAULT_GROUP", name) for space in ("public", "other") for name in "abc"]
ALL_CONFIGS = [ConfigKey("", "G", name) for name in "xy"]
CONFIG = ALL_CONFIGS[0]


def key(port: int, cluster: str = "DEFAULT") -> InstanceKey:
    return InstanceKey("s", "10.0.0.1", port, cluster=cluster)


def ephemeral(port: int) -> Register:
    return Register(key(port), beats=BeatTimes())


# ---- against the model --------------------------------------------------------------------------------


def check_reads(registry: Registry, model: Model) -> None:
    """Every read gives what the model says."""
    assert registry.size == len(model.instances)
    for instance_key, instance in model.instances.items():
        assert registry.read(Lookup(instance_key)) == instance
    for name in ALL_SERVICES:
        instances = model.instances_of(name)
        view = registry.read(GetService(name))
        if not model.exists(name):
            assert view is None
        else:
            clusters = tuple(sorted({instance.key.cluster for instance in instances}))
            assert view == ServiceView(model.services.get(name, Service(name)), clusters)
        for wanted in ((), ("x",)):
            listing = registry.read(ListInstances(name.service, name.namespace, name.group, wanted))
            expected = [i.key for i in instances if i.enabled and (not wanted or i.key.cluster in wanted)]
            assert [instance.key for instance in listing.instances] == expected
    for space in ("public", "other"):
        names = tuple(sorted(s.service for s in ALL_SERVICES if s.namespace == space and model.exists(s)))
        assert registry.read(ListServices(space)) == ServicePage(len(names), names)
    for config_key in ALL_CONFIGS:
        assert registry.read(GetConfig(config_key)) == model.configs.get(config_key)


@given(logs)
def test_the_registry_does_what_plain_dicts_do(log: list[Command]) -> None:
    registry, model = Registry(), Model()
    for index, command in enumerate(log, start=1):
        result = registry.apply(entry(index, command))
        expected = model.apply(index, command)
        assert (result.code if isinstance(result, Rejected) else result) == expected
        if isinstance(result, Rejected):
            assert result.reason
    check_reads(registry, model)
    assert sorted(i.key for i in registry.services.ephemeral()) == sorted(
        instance.key for instance in model.instances.values() if instance.is_ephemeral
    )


@given(logs, commands)
def test_what_is_read_changes_only_where_it_was_touched_and_the_index_tells_so(
    log: list[Command], last: Command
) -> None:
    registry = applied(*log)
    before = {name: registry.read(GetService(name)) for name in ALL_SERVICES}
    lists = {name: registry.read(ListInstances(name.service, name.namespace)) for name in ALL_SERVICES}
    configs = {name: registry.read(GetConfig(name)) for name in ALL_CONFIGS}
    registry.take_changes()
    registry.apply(entry(len(log) + 1, last))
    touched = registry.take_changes().touched
    for name in ALL_SERVICES:
        listing = registry.read(ListInstances(name.service, name.namespace))
        if listing.instances != lists[name].instances or registry.read(GetService(name)) != before[name]:
            assert name in touched
        assert (name in touched) <= (registry.services.changed(name) == len(log) + 1 == listing.changed)
    for config in ALL_CONFIGS:
        if registry.read(GetConfig(config)) != configs[config]:
            assert config in touched


# ---- ephemeral instances ----------------------------------------------------------------------------------


def test_an_expiry_names_a_registration_and_spares_a_later_one() -> None:
    registry = applied(ephemeral(1), ephemeral(1))
    assert registry.apply(entry(3, Expire(key(1), 1, "removed"))) is None
    assert registry.read(Lookup(key(1))) == Instance(key(1), 1.0, True, {}, BeatTimes(), True, 2)
    registry.apply(entry(4, Expire(key(1), 2, "removed")))
    assert registry.read(Lookup(key(1))) is None


def test_nothing_brings_back_an_instance_that_was_deregistered_but_a_registration() -> None:
    registry = applied(ephemeral(1), Deregister(key(1)))
    registry.apply(entry(3, Expire(key(1), 1, "healthy")))
    assert registry.read(Lookup(key(1))) is None


def test_an_update_keeps_the_registration_that_an_expiry_may_mean() -> None:
    registry = applied(ephemeral(1), Update(key(1), weight=2.0))
    registry.apply(entry(3, Expire(key(1), 1, "unhealthy")))
    found = registry.read(Lookup(key(1)))
    assert (found.healthy, found.weight, found.index) == (False, 2.0, 1)


def test_a_change_of_the_other_kind_of_instance_is_a_conflict_and_changes_nothing() -> None:
    registry = applied(ephemeral(1))
    changes: list[Command] = [Deregister(key(1), ephemeral=False), Update(key(1), 2.0, ephemeral=False)]
    for index, command in enumerate(changes, start=2):
        result = registry.apply(entry(index, command))
        assert isinstance(result, Rejected)
        assert result.code == "conflict"
        assert "is ephemeral, but ephemeral=false was asked for" in result.reason
    assert registry.read(Lookup(key(1))).weight == 1.0


# ---- lists ------------------------------------------------------------------------------------------------


def listed(registry: Registry, healthy_only: bool = False) -> tuple[list[tuple[int, bool]], bool]:
    listing = registry.read(ListInstances("s", healthy_only=healthy_only))
    return [(found.key.port, found.healthy) for found in listing.instances], listing.is_protected


def sick(threshold: float) -> Registry:
    """One of three is healthy; a disabled one does not count."""
    return applied(
        PutService(SERVICE, False, threshold),
        ephemeral(1), ephemeral(2), ephemeral(3), Register(key(4), enabled=False),
        Expire(key(1), 2, "unhealthy"), Expire(key(2), 3, "unhealthy"),
    )  # fmt: skip


def test_a_list_shows_the_unhealthy_as_such_unless_only_the_healthy_are_asked_for() -> None:
    assert listed(sick(0.3)) == ([(1, False), (2, False), (3, True)], False)
    assert listed(sick(0.3), healthy_only=True) == ([(3, True)], False)


@pytest.mark.parametrize("healthy_only", [True, False])
def test_at_the_protect_threshold_all_are_listed_as_healthy(healthy_only: bool) -> None:
    assert listed(sick(0.34), healthy_only=healthy_only) == ([(1, True), (2, True), (3, True)], True)
    assert sick(0.34).read(Lookup(key(1))).healthy is False, "protection shows in lists only"


def test_where_none_is_healthy_all_are_listed_even_without_a_threshold_as_nacos_does() -> None:
    registry = applied(ephemeral(1), Expire(key(1), 1, "unhealthy"))
    assert listed(registry, healthy_only=True) == ([(1, True)], True)


def test_a_list_of_ten_thousand_is_sorted_and_holds_all() -> None:
    ports = [(port * 7919) % 10_000 for port in range(10_000)]
    registry = applied(*(Register(key(port)) for port in ports))
    found = registry.read(ListInstances("s")).instances
    assert [instance.key.port for instance in found] == list(range(10_000))


def test_services_are_listed_by_pages_in_order() -> None:
    registry = applied(*(PutService(ServiceKey("public", "DEFAULT_GROUP", name), False) for name in "ecabd"))
    assert registry.read(ListServices(page=2, page_size=2)) == ServicePage(5, ("c", "d"))
    assert registry.read(ListServices(page=4, page_size=2)) == ServicePage(5, ())


# ---- services and configurations ------------------------------------------------------------------------


def test_a_service_with_instances_is_not_deleted() -> None:
    registry = applied(PutService(SERVICE, False, 0.5), Register(key(1)))
    refused = registry.apply(entry(3, DeleteService(SERVICE)))
    assert refused == Rejected("conflict", "service s has 1 instances; deregister them first")
    registry.apply(entry(4, Deregister(key(1))))
    assert registry.read(GetService(SERVICE)) == ServiceView(Service(SERVICE, 0.5), ())
    assert registry.apply(entry(5, DeleteService(SERVICE))) == Service(SERVICE, 0.5)
    assert registry.read(GetService(SERVICE)) is None


def test_a_service_that_only_registrations_made_goes_with_its_last_instance() -> None:
    registry = applied(Register(key(1)), Deregister(key(1)))
    assert registry.read(GetService(SERVICE)) is None
    assert registry.services.changed(SERVICE) == 2, "a long poll on it must be answered when it is gone"


def test_a_listener_hears_of_what_differs_from_what_it_holds() -> None:
    registry = applied(PublishConfig(CONFIG, "one"))
    digest = registry.read(GetConfig(CONFIG)).md5
    other = ConfigKey("", "G", "y")
    held = (HeldConfig(CONFIG, digest), HeldConfig(other, ""))
    assert registry.read(ListenConfigs(held)) == ()
    registry.apply(entry(2, RemoveConfig(CONFIG)))
    registry.apply(entry(3, PublishConfig(other, "two")))
    assert registry.read(ListenConfigs(held)) == (CONFIG, other)


# ---- commands ---------------------------------------------------------------------------------------------


@given(commands)
def test_a_command_survives_its_encoding(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


def test_equal_writes_have_equal_bytes_whatever_order_their_metadata_was_built_in() -> None:
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert encode_command(Register(key(1), metadata=one)) == encode_command(Register(key(1), metadata=other))


def test_a_payload_that_is_no_command_is_an_error_that_names_the_entry() -> None:
    with pytest.raises(CommandError, match=r"entry 7 of term 3: not a command: .*another version"):
        Registry().apply(Entry(7, 3, "command", b"garbage"))
    command = encode_command(Deregister(key(1)))
    deep = bytes([command[0] + 1]) + command[1:] + b"\xa1x" + b"\x91" * 3000 + b"\xc0"  # one field more
    with pytest.raises(CommandError, match="not a command: maximum recursion depth"):
        decode_command(deep)


def test_a_no_op_changes_nothing() -> None:
    registry = Registry()
    assert registry.apply(Entry(1, 1, "noop")) is None
    assert registry.digest() == Registry().digest()
    assert not registry.take_changes().touched


# ---- snapshots and digests ------------------------------------------------------------------------------


@given(logs, logs, logs)
def test_a_registry_restored_from_a_snapshot_goes_on_as_the_one_it_was_taken_of(
    log: list[Command], others: list[Command], later: list[Command]
) -> None:
    original, restored = applied(*log), applied(*others)
    restored.restore(original.snapshot())
    assert restored.snapshot() == original.snapshot()
    assert (restored.size, restored.digest()) == (original.size, original.digest())
    for index, command in enumerate(later, start=len(log) + 1):
        assert restored.apply(entry(index, command)) == original.apply(entry(index, command))
    assert restored.digest() == original.digest()
    assert restored.services.vanished == original.services.vanished


def test_after_a_restore_anything_may_have_changed_for_long_polls() -> None:
    registry = applied(Register(key(1)), PublishConfig(CONFIG, "one"))
    registry.take_changes()
    registry.restore(Registry().snapshot())
    assert registry.take_changes().touched == {SERVICE: None, CONFIG: None}


@given(logs, commands)
def test_the_digest_tells_states_apart(log: list[Command], last: Command) -> None:
    registry, model = applied(*log), Model()
    for index, command in enumerate(log, start=1):
        model.apply(index, command)
    held = str((model.instances, model.services, model.configs))
    before = registry.digest()
    registry.apply(entry(len(log) + 1, last))
    model.apply(len(log) + 1, last)
    if str((model.instances, model.services, model.configs)) != held:
        assert registry.digest() != before


@given(logs, st.data())
def test_a_snapshot_cut_short_is_refused_and_changes_nothing(log: list[Command], data: st.DataObject) -> None:
    registry = applied(*log)
    snapshot = registry.snapshot()
    cut = data.draw(st.integers(0, len(snapshot) - 1))
    with pytest.raises(SnapshotError, match="not a registry's snapshot"):
        registry.restore(snapshot[:cut])
    assert registry.snapshot() == snapshot


def test_another_versions_snapshot_is_refused_as_such() -> None:
    with pytest.raises(SnapshotError, match="version 99; this program reads"):
        Registry().restore(msgspec.msgpack.encode({"version": 99, "more": []}))
