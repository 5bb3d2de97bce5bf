"""The state machine against a plain dict, and its determinism."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.events import (
    Deregister,
    Entry,
    Instance,
    InstanceKey,
    ListInstances,
    Lookup,
    Register,
    Update,
    Write,
)
from node_impl.registry.commands import CommandError, decode_command, encode_command
from node_impl.registry.registry import NotFound, Registry, SnapshotError

keys = st.builds(
    InstanceKey,
    service=st.sampled_from(["a", "b"]),
    ip=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    port=st.integers(1, 3),
    namespace=st.sampled_from(["public", "other"]),
    cluster=st.sampled_from(["DEFAULT", "x"]),
)
metadata = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)
writes = st.one_of(
    st.builds(Register, key=keys, weight=st.floats(0, 9), enabled=st.booleans(), metadata=metadata),
    st.builds(
        Update,
        key=keys,
        weight=st.none() | st.floats(0, 9),
        enabled=st.none() | st.booleans(),
        metadata=st.none() | metadata,
    ),
    st.builds(Deregister, key=keys),
)


def entry(index: int, write: Write) -> Entry:
    return Entry(index, 1, "command", encode_command(write))


def applied(*commands: Write) -> Registry:
    registry = Registry()
    for index, write in enumerate(commands, start=1):
        registry.apply(entry(index, write))
    return registry


def model_apply(model: dict[InstanceKey, Instance], write: Write) -> object:
    before = model.get(write.key)
    match write:
        case Register(key, weight, enabled, data):
            model[key] = Instance(key, weight, enabled, data)
        case Deregister(key):
            model.pop(key, None)
        case Update(key) if before is None:
            return NotFound(key)
        case Update(key):
            assert before is not None
            changes = {
                name: getattr(write, name)
                for name in ("weight", "enabled", "metadata")
                if getattr(write, name) is not None
            }
            model[key] = msgspec.structs.replace(before, **changes)
    return before


@given(st.lists(writes, max_size=30))
def test_the_registry_does_what_a_dict_does(commands: list[Write]) -> None:
    registry, model = Registry(), dict[InstanceKey, Instance]()
    for index, write in enumerate(commands, start=1):
        assert registry.apply(entry(index, write)) == model_apply(model, write)
    assert registry.size == len(model)
    for key in {write.key for write in commands}:
        assert registry.read(Lookup(key)) == model.get(key)
        for clusters in ((), ("x",)):
            query = ListInstances(key.service, key.namespace, key.group, clusters)
            expected = [
                model[other]
                for other in sorted(model)
                if (other.service, other.namespace) == (key.service, key.namespace)
                and (not clusters or other.cluster in clusters)
            ]
            assert registry.read(query) == tuple(expected)


@given(st.lists(writes, max_size=20), writes)
def test_the_digest_tells_states_apart_and_nothing_else(commands: list[Write], last: Write) -> None:
    one, other = applied(*commands), applied(*commands)
    assert one.digest() == other.digest()
    before = other.get(last.key)
    other.apply(entry(len(commands) + 1, last))
    assert (one.digest() == other.digest()) == (before == other.get(last.key))


def test_the_digest_does_not_depend_on_the_way_to_the_state() -> None:
    a, b = (InstanceKey("s", "10.0.0.1", port) for port in (1, 2))
    assert applied(Register(a), Register(b)).digest() == applied(Register(b), Register(a)).digest()
    assert applied(Register(a), Deregister(a)).digest() == Registry().digest()


@given(st.lists(writes, max_size=20), st.lists(writes, max_size=20), st.lists(writes, max_size=20))
def test_a_registry_restored_from_a_snapshot_goes_on_as_the_one_it_was_taken_of(
    commands: list[Write], others: list[Write], later: list[Write]
) -> None:
    original, restored = applied(*commands), applied(*others)
    restored.restore(original.snapshot())
    assert restored.snapshot() == original.snapshot()
    assert (restored.size, restored.digest()) == (original.size, original.digest())
    for index, write in enumerate(later, start=len(commands) + 1):
        assert restored.apply(entry(index, write)) == original.apply(entry(index, write))
    assert restored.digest() == original.digest()


@given(st.lists(writes, max_size=10), st.data())
def test_a_snapshot_cut_short_is_refused_and_changes_nothing(
    commands: list[Write], data: st.DataObject
) -> None:
    registry = applied(*commands)
    snapshot = registry.snapshot()
    cut = data.draw(st.integers(0, len(snapshot) - 1))
    with pytest.raises(SnapshotError, match="not a registry's snapshot"):
        registry.restore(snapshot[:cut])
    assert registry.snapshot() == snapshot


def test_another_versions_snapshot_is_refused() -> None:
    newer = msgspec.msgpack.encode({"version": 99, "instances": []})
    with pytest.raises(SnapshotError, match="version 99; this program reads"):
        Registry().restore(newer)


@given(writes)
def test_a_command_survives_its_encoding(write: Write) -> None:
    assert decode_command(encode_command(write)) == write


def test_equal_writes_have_equal_bytes_whatever_order_their_metadata_was_built_in() -> None:
    key = InstanceKey("s", "10.0.0.1", 1)
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert encode_command(Register(key, metadata=one)) == encode_command(Register(key, metadata=other))


def test_a_payload_that_is_no_command_is_an_error_that_names_the_entry() -> None:
    with pytest.raises(CommandError, match=r"entry 7 of term 3: not a command: .*another version"):
        Registry().apply(Entry(7, 3, "command", b"garbage"))


def test_a_no_op_changes_nothing() -> None:
    registry = Registry()
    assert registry.apply(Entry(1, 1, "noop")) is None
    assert registry.digest() == Registry().digest()


def test_a_list_of_ten_thousand_is_sorted_and_holds_all() -> None:
    ports = [(port * 7919) % 10_000 for port in range(10_000)]
    registry = applied(*(Register(InstanceKey("s", "10.0.0.1", port)) for port in ports))
    found = registry.list(ListInstances("s"))
    assert [instance.key.port for instance in found] == list(range(10_000))
