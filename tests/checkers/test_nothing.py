"""A history in which nothing completed proves nothing: no checker of the catalogue calls it valid.

Generated over every checker: all models, all judges, transactions at each level, the checkers of every
workload. Each is given histories that are empty, or in which clients only begin, only fail, or never learn
the outcome; and recordings whose traces are empty, or lack one node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, Literal

import pytest

from checkers.judges import ISOLATION, JUDGES, judge_named
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.models import MODELS
from checkers.raft import raft_checkers, raft_invariants
from checkers.registry.suite import registry_checkers
from checkers.transactions.consistency import MODELS as LEVELS
from checkers.verdict import Checker, Unjudged, Validity
from harness.nemesis.catalogue import NEMESES, kinds_of
from harness.nemesis.fault import Fault
from harness.workload import WORKLOADS, workload
from history import NodeTrace, Recording
from tests.checkers.builders import NODES, HistoryBuilder, recording
from tests.checkers.models.small_histories import CALLS
from tests.checkers.traces import healthy_cluster

Outcome = Literal["invoke", "fail", "info"]
OUTCOMES: tuple[Outcome, ...] = ("invoke", "fail", "info")
Asked = tuple[str, Any]
"""The f of an operation, and the value that it is invoked with."""

KEY, SERVICE = "svc-0/10.0.0.1:8080", "svc-0"
OF_JUDGES: Mapping[str, tuple[Asked, ...]] = {
    "availability": (("put", 1), ("get", None)),
    "bank": (("transfer", {"from": "0", "to": "1", "amount": 5}), ("read", None)),
    "causal": (("write", 1), ("read", None)),
    "interval-counter": (("add", 2), ("decrement", 1), ("read", None)),
    "lease": (("acquire", None), ("renew", None), ("release", None), ("write", 3)),
    "lock": (("acquire", None), ("release", None)),
    "long-fork": (("write", [["w", "x", 1]]), ("read", [["r", "x", None], ["r", "y", None]])),
    "sessions": (("write", 1), ("read", None)),
    "set-full": (("add", 1), ("read", None)),
    "total-queue": (("enqueue", 1), ("dequeue", None), ("drain", None)),
    "unique-ids": (("generate", None),),
    "watch": (("watch", {"after": 0}), ("register", "r1")),
    "watch-order": (("write", "a"), ("watch", None)),
}
OF_TRANSACTIONS: Mapping[str, tuple[Asked, ...]] = {
    "list-append": (("txn", [["append", "x", 1], ["r", "y", None]]), ("txn", [["r", "x", None]])),
    "rw-register": (("txn", [["w", "x", 1], ["r", "y", None]]), ("txn", [["r", "x", None]])),
}
OF_SUITES: tuple[Asked, ...] = (
    ("register", "r1"),
    ("update", "r2"),
    ("deregister", None),
    ("lookup", None),
    ("list", None),
    ("stale-lookup", None),
    ("stale-list", None),
    ("final-list", None),
    ("final-local", None),
    ("members", None),
    ("beat", None),
)
OF_INSTANCES = OF_SUITES[:1] + OF_SUITES[2:4]
OF_GENERAL: Mapping[str, tuple[Asked, ...]] = {
    "register": (("write", "a"), ("read", None)),
    "cas": (("write", "a"), ("cas", ["a", "b"]), ("read", None)),
    "set": OF_JUDGES["set-full"],
    "queue": OF_JUDGES["total-queue"][:2],
    "fifo-queue": OF_JUDGES["total-queue"][:2],
    "lock": OF_JUDGES["lock"],
    "append": OF_TRANSACTIONS["list-append"],
    "txn": OF_TRANSACTIONS["rw-register"],
    "watch": OF_JUDGES["watch-order"],
    "instances": OF_INSTANCES,
    "stale-instances": OF_INSTANCES,
    "expiring-instances": OF_INSTANCES,
    "brief-instances": OF_INSTANCES,
    "renewed-instances": OF_INSTANCES,
}
"""By workload for any system, what its clients ask; the others ask `OF_SUITES`."""
BOUNDS = {
    "unavailable_bound_s": 1000.0,
    "stale_bound_s": 1000.0,
    "stale_bound_indices": 1000,
    "recovery_bound_s": 1000.0,
    "minimum_acknowledged": 0,
}
"""Options by which everything that can be judged is judged."""


def subjects() -> Iterator[tuple[str, Callable[[], Checker], tuple[Asked, ...]]]:
    """Every checker: its name, how it is made, and what clients ask in the histories that it judges."""
    for name, model in MODELS.items():
        asked = tuple((f, value) for f, inputs, _ in CALLS.get(name, ()) for value in inputs) or OF_SUITES[:4]
        yield f"model {name}", partial(LinearizabilityOf, model, Budget()), asked
    for name in JUDGES:
        options = {"bound-s": "1000"} if name == "availability" else {}
        yield f"judge {name}", partial(judge_named, name, options), OF_JUDGES[name]
    for name, made in ISOLATION.items():
        for level in LEVELS:
            yield f"{name}, {level}", partial(made, level, {}), OF_TRANSACTIONS[name]
    for name in WORKLOADS:
        asked = OF_GENERAL.get(name, OF_SUITES)
        for place, checker in enumerate(workload(name, NODES, 4).checkers):
            yield f"{name}: {checker.name}", partial(checker_of, name, place), asked


def checker_of(name: str, place: int) -> Checker:
    """A new checker of a workload, by its place in the suite."""
    return tuple(workload(name, NODES, 4).checkers)[place]


SUBJECTS = list(subjects())


def history(random: Random, asked: tuple[Asked, ...], outcome: Outcome, operations: int) -> HistoryBuilder:
    """Clients that ask, in drawn order, and never get an answer; with faults and a final heal between."""
    built = HistoryBuilder()
    for process in range(operations):
        f, value = random.choice(asked)
        key = None if f == "txn" else SERVICE if "list" in f else KEY if asked is OF_SUITES else "x"
        built.invoke(process, f, key, value, node=random.choice(NODES))
        if outcome != "invoke":
            told = value if f == "txn" and outcome == "fail" else None
            built.complete(process, outcome, told, error="refused" if outcome == "fail" else "timed out")
        if process == operations // 2:
            built.nemesis("final-heal", {"actions": []})
    return built


def run_of(built: HistoryBuilder, traces: Mapping[str, NodeTrace] | None = None) -> Recording:
    return recording(built, options=BOUNDS, fault_kinds=kinds_of(("kill", "membership")), traces=traces)


@pytest.mark.parametrize(("name", "make", "asked"), SUBJECTS, ids=[subject[0] for subject in SUBJECTS])
def test_no_checker_calls_a_history_valid_in_which_nothing_completed(
    name: str, make: Callable[[], Checker], asked: tuple[Asked, ...]
) -> None:
    random = Random(name)
    empty: dict[str, NodeTrace] = {node: NodeTrace(node, ()) for node in NODES}
    for outcome in OUTCOMES:
        for operations in (0, 1, 2, 12):
            for traces in (None, empty):
                built = history(random, asked, outcome, operations)
                verdict = make().check(run_of(built, traces))
                assert verdict.validity is Validity.UNKNOWN, (outcome, operations, verdict)
                assert "itself failed" not in verdict.summary


@pytest.mark.parametrize("missing", NODES)
@pytest.mark.parametrize("how", ["absent", "empty", "with a gap"])
def test_no_invariant_is_valid_without_the_whole_trace_of_each_node(missing: str, how: str) -> None:
    for checker in raft_invariants():
        traces = dict(healthy_cluster().build())
        assert checker.check(recording(traces=traces)).mark not in (Validity.UNKNOWN, Validity.INVALID)
        whole = traces.pop(missing)
        if how == "empty":
            traces[missing] = NodeTrace(missing, ())
        elif how == "with a gap":
            traces[missing] = NodeTrace(missing, whole.events, gaps=(f"{missing}: line 7: damaged",))
        verdict = checker.check(recording(traces=traces))
        assert verdict.mark is Validity.UNKNOWN, verdict


def test_what_a_system_declares_to_lack_is_not_applicable_and_what_it_does_not_declare_is_missing() -> None:
    built = HistoryBuilder()
    for number in range(3):
        built.do("register", KEY, f"r{number}", f"r{number}")
        built.do("lookup", KEY, None, f"r{number}")
    names = ("index-honesty", "session-guarantees", "bounded-staleness")
    of_indices = [checker for checker in registry_checkers() if checker.name in names]
    declared = recording(built, options={"lacks": ["traces", "indices"]})
    for checker in (*raft_checkers(), *of_indices):
        assert checker.check(declared).mark is Unjudged.NOT_APPLICABLE, checker.name
    for checker in raft_checkers():
        assert checker.check(recording(built)).mark is Validity.UNKNOWN
        assert checker.check(recording(built, options={"lacks": ["indices"]})).mark is Validity.UNKNOWN


def test_a_trace_that_a_system_declared_not_to_write_is_judged_all_the_same() -> None:
    traces = healthy_cluster().build()
    for checker in raft_invariants():
        with_it = checker.check(recording(traces=traces, options={"lacks": ["traces"]}))
        assert with_it == checker.check(recording(traces=traces))


@pytest.mark.parametrize("fault", NEMESES.values(), ids=NEMESES)
def test_a_fault_requires_checkers_that_exist_and_its_kind_says_what_shows_it(fault: Fault) -> None:
    known = {checker.name for name in WORKLOADS for checker in workload(name, NODES, 4).checkers}
    assert set(fault.requires) <= known
    assert (fault.kind.requires, fault.kind.proof) == (fault.requires, fault.proof)
