"""The strategies draw what they promise; the state machine finds only what a registry does wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.stateful import run_state_machine_as_test

import ackproof
from ackproof import strategies
from ackproof.strategies.data_types import DATA_TYPES
from checkers.models import MODELS
from harness.nemesis import NEMESES, nemesis_of
from harness.sim.mechanisms.catalogue import SIM

FIRST = settings(max_examples=500, derandomize=True, database=None, phases=[Phase.generate])
"""Stops at the first that is found, without making it small."""
QUICK = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
MACHINE = settings(max_examples=5, stateful_step_count=15)


def test_nothing_of_it_is_loaded_with_ackproof() -> None:
    program = "import sys, ackproof, ackproof.pytest_plugin; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_each_data_type_has_operations_of_the_model_of_its_name(data_type: str) -> None:
    assert set(DATA_TYPES[data_type].arguments) <= set(MODELS[data_type].functions)


@pytest.mark.parametrize("data_type", DATA_TYPES)
def test_a_correct_history_is_linearizable(data_type: str) -> None:
    @QUICK
    @given(strategies.histories(data_type, keys=("x", "y")))
    def check(history: list[ackproof.Operation]) -> None:
        verdict = ackproof.check(history, data_type)
        assert verdict.validity is ackproof.Validity.VALID or verdict.unjudged is not None, verdict.evidence

    check()


@pytest.mark.parametrize("data_type", ["register", "queue"])
def test_some_other_histories_are_not(data_type: str) -> None:
    def is_invalid(history: list[ackproof.Operation]) -> bool:
        return ackproof.check(history, data_type).validity is ackproof.Validity.INVALID

    small = find(
        strategies.histories(data_type, correct=False),
        is_invalid,
        settings=FIRST,
    )
    assert len(small) >= 2


@pytest.mark.parametrize("type_", ["ok", "fail", "info"])
def test_histories_have_operations_of_every_outcome(type_: str) -> None:
    def has_one(history: list[ackproof.Operation]) -> bool:
        return any(one.type == type_ for one in history)

    find(strategies.histories(), has_one, settings=FIRST)


@QUICK
@given(strategies.fault_schedules(("kill:leader", "partition", "pause:n2"), time_limit_s=5))
def test_a_schedule_is_one_that_runs_take(schedule: str) -> None:
    nemesis_of(("kill:leader", "partition", "pause:n2"), SIM, ("n1", "n2", "n3"), schedule)
    on: set[str] = set()
    for part in schedule.split(", "):
        _, *heal, fault = part.split()
        name = fault.partition(":")[0]
        assert name in NEMESES
        assert (name in on) == bool(heal)
        on ^= {name}


def test_a_schedule_without_faults_is_refused() -> None:
    with pytest.raises(ValueError, match="needs one fault at least"):
        strategies.fault_schedules(())
    with pytest.raises(ValueError, match="unknown data type 'regster'"):
        strategies.operations("regster")


class InMemory:
    """A registry in this process; subclasses are wrong in one way."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def register(self, key: str, value: str) -> bool:
        self.found[key] = value
        return True

    def deregister(self, key: str) -> bool:
        self.found.pop(key, None)
        return True

    def lookup(self, key: str) -> str | None:
        return self.found.get(key)

    def close(self) -> None:
        pass


class Unsure(InMemory):
    """Each change times out; every second one is done, but only with the next lookup."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[Callable[[], Any]] = []
        self.changes = 0

    def register(self, key: str, value: str) -> bool:
        self.changes += 1
        if self.changes % 2:
            self.late.append(lambda: self.found.__setitem__(key, value))
        raise TimeoutError("no answer")

    def lookup(self, key: str) -> str | None:
        for change in self.late:
            change()
        self.late.clear()
        return super().lookup(key)


class Refusing(InMemory):
    """Every change is refused."""

    def register(self, key: str, value: str) -> bool:
        return False

    def deregister(self, key: str) -> bool:
        return False


class Forgetful(InMemory):
    """The third registration of a key is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, int] = {}

    def register(self, key: str, value: str) -> bool:
        self.times[key] = self.times.get(key, 0) + 1
        return True if self.times[key] == 3 else super().register(key, value)


class Resurrecting(InMemory):
    """A removed key comes back when another is registered."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: dict[str, str] = {}

    def deregister(self, key: str) -> bool:
        self.removed.update({key: self.found[key]} if key in self.found else {})
        return super().deregister(key)

    def register(self, key: str, value: str) -> bool:
        for other in self.removed.keys() - {key}:
            self.found.setdefault(other, self.removed.pop(other))
        return super().register(key, value)


class Silent(InMemory):
    """It never answers a lookup."""

    def lookup(self, key: str) -> str | None:
        raise ConnectionError("reset")


@pytest.mark.parametrize("client", [InMemory, Unsure, Refusing])
def test_the_machine_accepts_a_correct_registry(client: type[InMemory]) -> None:
    run_state_machine_as_test(strategies.registry_machine(client), settings=QUICK)


@pytest.mark.parametrize(
    ("client", "message"),
    [(Forgetful, "it can only be r"), (Resurrecting, "it can only be None")],
)
def test_the_machine_finds_what_a_registry_does_wrong(client: type[InMemory], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        run_state_machine_as_test(strategies.registry_machine(client), settings=FIRST)


def test_a_registry_that_never_answers_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ackproof.strategies.registry.FINAL_PAUSE_S", 0)
    with pytest.raises(AssertionError, match=r"no lookup of .* was answered"):
        run_state_machine_as_test(strategies.registry_machine(Silent), settings=settings(max_examples=3))


def test_the_simulated_reference_node_is_harmed_and_keeps_its_promises() -> None:
    machine = strategies.registry_machine(strategies.simulated_registry(nodes=3))
    run_state_machine_as_test(machine, settings=MACHINE)


def test_a_seeded_bug_of_the_simulated_node_is_found() -> None:
    registry = strategies.simulated_registry(mutant="acknowledge-early", faults=("partition",))
    few = settings(FIRST, max_examples=60, stateful_step_count=8)
    with pytest.raises(AssertionError, match="it can only be r"):
        run_state_machine_as_test(strategies.registry_machine(registry), settings=few)


@given(strategies.operations("registry", keys=("svc/10.0.0.1:80",)))
@settings(max_examples=20)
def test_operations_are_those_that_a_cluster_performs(asked: strategies.Asked) -> None:
    f, key, value = asked
    assert key == "svc/10.0.0.1:80"
    assert f in DATA_TYPES["registry"].arguments
    assert (value is not None) == (f == "register")
