"""A single client carries out every workload: none needs a second one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness import generator as gen
from harness.client.data_types import DATA_TYPES, OPERATIONS
from harness.drivers.virtual import simulate
from harness.workload import WORKLOADS, workload
from history import Operation
from history.units import MILLISECOND_NS, SECOND_NS

NODES = ("n1", "n2", "n3")


def refuse(operation: Operation, _now: int) -> tuple[Operation, int]:
    return replace(operation, type="fail", error="no store"), MILLISECOND_NS


@pytest.mark.parametrize("name", WORKLOADS)
def test_one_client_does_the_work_of_every_workload(name: str) -> None:
    work = gen.clients(gen.stagger(10 * MILLISECOND_NS, workload(name, NODES, 1).generator))
    history = simulate(gen.time_limit(2 * SECOND_NS, work), threads=1, nodes=NODES, seed=1, perform=refuse)
    assert len(history) > 100


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_asks_for_operations_of_its_data_type_alone(name: str) -> None:
    made = workload(name, NODES, 3)
    phases = gen.clients(
        [gen.time_limit(2 * SECOND_NS, gen.stagger(5 * MILLISECOND_NS, made.generator)), made.final]
    )
    history = simulate(gen.time_limit(20 * SECOND_NS, phases), threads=3, nodes=NODES, seed=1, perform=refuse)
    assert {one.f for one in history if one.is_client} <= OPERATIONS[made.data_type]


def test_the_operations_of_every_data_type_are_listed() -> None:
    assert OPERATIONS.keys() == DATA_TYPES.keys()
