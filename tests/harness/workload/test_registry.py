"""The registry workload, in virtual time against a registry that is a dictionary."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from harness.drivers.virtual import simulate
from harness.generator import clients, phases, stagger, time_limit
from harness.workload import WORKLOADS, workload
from harness.workload.final_reads import RECOVERY_BOUND_NS
from harness.workload.registry import (
    INSTANCES_PER_SERVICE,
    STRETCH,
    instance_key,
    mixed_stretch,
    services_until,
)
from history import History, Operation

NODES = ("n1", "n2", "n3")
MS = 1_000_000


class Registry:
    """A perfect registry. A node in `behind` never applies what comes; one in `dead` never answers."""

    def __init__(self, behind: frozenset[str] = frozenset(), dead: frozenset[str] = frozenset()) -> None:
        self.instances: dict[str, str] = {}
        self.index = 0
        self.behind = behind
        self.dead = dead

    def perform(self, op: Operation, now: int) -> tuple[Operation, int]:
        key = str(op.key)
        if op.node in self.dead:
            return msgspec.structs.replace(op, type="fail", error="connection refused"), MS
        value = op.value
        match op.f:
            case "register":
                self.index += 1
                self.instances[key] = str(op.value)
            case "update":
                self.index += 1
                value = value if key in self.instances else False
                if value is not False:
                    self.instances[key] = str(value)
            case "deregister":
                self.index += 1
                value = self.instances.pop(key, None)
            case "lookup" | "stale-lookup":
                value = self.instances.get(key)
            case _:
                value = {
                    k.partition("/")[2]: v for k, v in self.instances.items() if k.partition("/")[0] == key
                }
        behind = op.f == "final-local" and op.node in self.behind
        index = self.index - 1 if behind else self.index
        return msgspec.structs.replace(op, type="ok", value=value, raft_index=index), 3 * MS


def run(registry: Registry, seed: int = 1) -> History:
    work = workload("registry", NODES, 4)
    main = time_limit(3_000 * MS, clients(stagger(3 * MS, work.generator)))
    return simulate(phases(main, work.final), threads=4, nodes=NODES, seed=seed, perform=registry.perform)


def test_every_service_touched_is_read_back_from_every_node_in_both_ways() -> None:
    history = run(Registry())
    touched = {str(op.key).partition("/")[0] for op in history if op.key}
    for f in ("final-list", "final-local"):
        read = {(op.node, op.key) for op in history if op.f == f and op.type == "ok"}
        assert read >= {(node, service) for node in NODES for service in touched}


def test_the_mix_has_all_operations_and_registration_ids_are_unique() -> None:
    history = run(Registry())
    counts = Counter(op.f for op in history if op.type == "invoke")
    assert all(counts[f] > 20 for f in ("register", "update", "deregister", "lookup", "list"))
    ids = [op.value for op in history if op.f in ("register", "update") and op.type == "invoke"]
    assert len(ids) == len(set(ids))


def test_updates_meet_instances_that_are_there_and_such_that_are_not() -> None:
    found = Counter(op.value is not False for op in run(Registry()) if op.f == "update" and op.type == "ok")
    assert min(found[True], found[False]) > 5, found


def test_half_the_clients_only_read() -> None:
    """So that a node which blocks every write is still asked what it believes."""
    history = run(Registry())
    main = [op for op in history if op.type == "invoke" and op.time < 3_000 * MS]
    writers = {op.process % 4 for op in main if op.f in ("register", "update", "deregister")}
    assert writers == {0, 1}
    assert {op.process % 4 for op in main} == {0, 1, 2, 3}


def test_reading_back_begins_with_an_acknowledged_write() -> None:
    history = run(Registry())
    first = next(op for op in history if op.f.startswith("final-"))
    before = [op for op in history if op.index < first.index and op.type == "ok"]
    assert (before[-1].f, before[-1].key) == ("register", instance_key(0))


def test_before_reading_back_each_kind_of_operation_has_succeeded_once() -> None:
    """A kind that comes rarely may have failed each time under faults."""
    history = run(Registry())
    first = next(op for op in history if op.f.startswith("final-"))
    late = {op.f for op in history if 3_000 * MS < op.time < first.time and op.type == "ok"}
    assert late >= {"register", "update", "deregister", "lookup", "list", "stale-lookup", "stale-list"}


def test_a_dead_cluster_ends_the_tries_of_all_kinds_within_one_bound() -> None:
    history = run(Registry(dead=frozenset(NODES)))
    first = next(op for op in history if op.f.startswith("final-"))
    assert first.time < 3_000 * MS + 2 * RECOVERY_BOUND_NS


def test_some_stretches_have_hot_instances_and_some_many() -> None:
    work = simulate(
        time_limit(20_000 * MS, clients(stagger(MS, mixed_stretch))), threads=4, perform=Registry().perform
    )
    keys = [str(op.key) for op in work if op.type == "invoke" and op.f != "list"]
    stretches = [Counter(keys[at : at + STRETCH]) for at in range(0, len(keys) - STRETCH, STRETCH)]
    hottest = [counts.most_common(1)[0][1] for counts in stretches]
    assert max(hottest) >= 15
    assert min(hottest) <= 6
    assert max(len(counts) for counts in stretches) >= 30


def test_a_node_that_lags_is_asked_again_for_longer_than_the_bound_of_convergence() -> None:
    history = run(Registry(behind=frozenset({"n2"})))
    locals_of = Counter(op.node for op in history if op.f == "final-local" and op.type == "invoke")
    services = len({op.key for op in history if op.f == "final-local"})
    assert 150 < locals_of["n2"] < 250  # for 20 s, with 0.1 s between two reads
    assert locals_of["n1"] == locals_of["n3"] == services


class ElectsLate(Registry):
    """Node n3 is slow, and while it is read a leader is elected, who commits an entry of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.lists_of_n3 = 0

    def perform(self, op: Operation, now: int) -> tuple[Operation, int]:
        if op.f == "final-list" and op.node == "n3":
            self.lists_of_n3 += 1
            self.index += self.lists_of_n3 == 3
        done, took = super().perform(op, now)
        return done, 30 * took if op.node == "n3" else took


def test_no_local_read_is_older_than_a_linearizable_one_whatever_happens_meanwhile() -> None:
    history = run(ElectsLate())
    read = [op for op in history if op.f in ("final-list", "final-local") and op.type == "ok"]
    listed = max(op.raft_index or 0 for op in read if op.f == "final-list")
    locals_ = [op.raft_index or 0 for op in read if op.f == "final-local"]
    assert locals_
    assert min(locals_) >= listed


def test_a_dead_node_does_not_keep_the_run_from_ending() -> None:
    history = run(Registry(dead=frozenset({"n3"})))
    assert {op.node for op in history if op.f == "final-local" and op.type == "ok"} == {"n1", "n2"}


def test_services_until_covers_every_instance_that_may_have_been_drawn() -> None:
    history = simulate(
        time_limit(10_000 * MS, clients(stagger(MS, mixed_stretch))), threads=2, perform=Registry().perform
    )
    made = sum(op.type == "invoke" for op in history)
    keys = {str(op.key).partition("/")[0] for op in history}
    assert keys <= set(services_until(made))
    assert len({instance_key(n) for n in range(5000)}) == 5000
    assert len({instance_key(n).partition("/")[0] for n in range(160)}) == 160 // INSTANCES_PER_SERVICE


def test_an_unknown_workload_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'registry'"):
        workload("regsitry", NODES, 4)
    assert "registry" in WORKLOADS
