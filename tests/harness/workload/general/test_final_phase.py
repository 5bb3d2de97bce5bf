"""What every workload for any system shares: it ends within a bound, its runs can be valid without traces."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.check_all import Results, results
from checkers.verdict import Unjudged, Validity
from harness.client.data_types import DATA_TYPES
from harness.drivers.virtual import simulate
from harness.generator import clients, phases, stagger, time_limit
from harness.generator import nemesis as on_nemesis
from harness.nemesis.catalogue import kinds_of
from harness.workload import WORKLOADS, workload
from harness.workload.final_reads import PATIENCE_NS, RECOVERY_BOUND_NS
from harness.workload.general.expiring_instances import EXPIRY_BOUND_S, SPARE_S
from harness.workload.general.queue import DRAIN_BOUND_NS
from history import History, Operation
from history.units import MILLISECOND_NS as MS
from history.units import SECOND_NS
from tests.harness.workload.general.stores import NODES, Store, recording_of
from tests.harness.workload.general.test_instances import Registry
from tests.harness.workload.general.test_lock import Locks
from tests.harness.workload.general.test_queue import Queues
from tests.harness.workload.general.test_register import Registers
from tests.harness.workload.general.test_set import Sets
from tests.harness.workload.general.test_transactions import Database, Lists
from tests.harness.workload.general.test_watch import Watched

RIGHT: dict[str, Any] = {
    "register": Registers,
    "set": Sets,
    "queue": Queues,
    "fifo-queue": Queues,
    "lock": Locks,
    "append": Lists,
    "txn": Database,
    "watch": Watched,
    "instances": Registry,
    "stale-instances": Registry,
    "expiring-instances": Registry,
}
TIMEOUT_NS = 2_500 * MS
SETTLE_NS = round((EXPIRY_BOUND_S + SPARE_S) * SECOND_NS)
LONGEST_NS = RECOVERY_BOUND_NS + 3 * PATIENCE_NS + 2 * SETTLE_NS + DRAIN_BOUND_NS + 10 * TIMEOUT_NS
"""More than the final phase of any workload may take on a dead cluster."""


def run(
    name: str,
    carry_out: Any,
    faults: list[dict[str, Any]],
    timeout_ns: int | None = None,
    settle_s: float | None = None,
) -> History:
    """A run of 3 s with these operations of the nemesis; then the final heal, and the final phase.

    With `timeout_ns` the cluster is dead from 2 s on: no operation is answered, and each ends that late.
    With `settle_s` the final phase is that of a system whose nodes may stay behind for so long.
    """
    work = workload(name, NODES, 6)
    final = work.final
    if settle_s is not None:
        assert work.final_within is not None
        final = work.final_within(settle_s)
    store = Store(carry_out, unknown=31)

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        done, latency = store.perform(op, now)
        if not op.is_client:
            value: Any = next((fault["value"] for fault in faults if fault["f"] == op.f), {"actions": []})
            return type(op)(-1, now, op.process, "info", op.f, None, value), latency
        if timeout_ns is None or now < 2 * SECOND_NS:
            return done, latency
        fails = op.f in ("read", "lookup", "watch")
        return type(op)(-1, now, op.process, "fail" if fails else "info", op.f, op.key, op.value), timeout_ns

    main = clients(time_limit(3 * SECOND_NS, stagger(4 * MS, work.generator)))
    breaks = on_nemesis([{"f": fault["f"], "time": SECOND_NS} for fault in faults])
    course = phases([breaks], main, on_nemesis([{"f": "final-heal"}]), final)
    return simulate(course, threads=6, nodes=NODES, perform=perform)


@pytest.mark.parametrize("name", RIGHT)
def test_the_end_of_a_run_comes_within_a_bound_though_the_cluster_is_dead(name: str) -> None:
    history = run(name, RIGHT[name]().carry_out, [], TIMEOUT_NS)
    heal = next(op.time for op in history if op.f == "final-heal" and op.type != "invoke")
    assert history[len(history) - 1].time - heal < LONGEST_NS
    assert judged(name, history, ()).validity is not Validity.VALID


def action(kind: str, **details: Any) -> dict[str, Any]:
    return {"kind": kind, "nodes": ["n1"], "links": [], "took_effect": True, "details": details}


KILL = {"f": "kill", "value": {"target": "leader", "leader": "n1", "term": None, "actions": [action("Kill")]}}
CUT = {"f": "partition", "value": {"target": "halves", "actions": [action("Cut")]}}
HEAL = {"f": "heal-partition", "value": {"actions": [action("Heal", swallowed_bytes=9)]}}


def judged(name: str, history: History, nemesis: tuple[str, ...]) -> Results:
    recording = recording_of(history, NODES, {"nemesis": list(nemesis)}, kinds_of(nemesis))
    return results(workload(name, NODES, 6).checkers, recording)


@pytest.mark.parametrize("name", RIGHT)
def test_a_run_with_faults_of_a_system_without_traces_and_indices_can_be_valid(name: str) -> None:
    kinds = {kind.name: kind for kind in kinds_of(("kill", "partition"))}
    heal = {**HEAL, "f": kinds["partition"].end}
    found = judged(name, run(name, RIGHT[name]().carry_out, [KILL, CUT, heal]), ("kill", "partition"))
    assert found.validity is Validity.VALID, found.decisive
    assert "durable-log" in found.required
    marks = {verdict.checker: verdict.mark for verdict in found.verdicts}
    assert marks["durable-log"] is Unjudged.NOT_APPLICABLE
    [vacuity] = [verdict for verdict in found.verdicts if verdict.checker == "vacuity"]
    assert "rests on what nodes answered" in vacuity.caveats[0]


@pytest.mark.parametrize(
    "name", ["stale-instances", "brief-instances", "renewed-instances", "expiring-instances"]
)
def test_nodes_of_a_system_get_the_time_that_it_states(name: str) -> None:
    usual = run(name, Registry().carry_out, [])
    longer = run(name, Registry().carry_out, [], settle_s=70.0)
    options = {"nemesis": [], "settle_bound_s": 70.0}

    def durability(history: History) -> Any:
        checkers = workload(name, NODES, 6).checkers
        verdicts = results(checkers, recording_of(history, NODES, options, kinds_of(()))).verdicts
        return next(one.mark for one in verdicts if one.checker == "instance-durability")

    assert durability(usual) is Validity.UNKNOWN, "its lookups came too early"
    assert durability(longer) is Validity.VALID
    shorter = run(name, Registry().carry_out, [], settle_s=1.0)
    assert list(shorter) == list(usual), "the workload's own bound is longer"


def test_each_data_type_has_a_workload() -> None:
    assert {make(NODES, 6).data_type for make in WORKLOADS.values()} == set(DATA_TYPES)
