"""The workloads `instances` and `stale-instances` in virtual time, against registries, right and wrong."""

from __future__ import annotations

import pytest

from checkers.verdict import Unjudged, Validity
from history import Operation
from tests.harness.workload.general.stores import NODES, Took, found_by, history_of, judged

LAG_NS = 800_000_000


class Registry:
    """Instances in memory, with their whole past. `lag_ns`: a lookup on a node other than n1 shows what was
    there so long ago. `forgets`: of this number of registrations, one is confirmed and not done. `drops`: one
    node loses every tenth instance in the end. `stuck`: this node stays as it was at 3 s."""

    def __init__(
        self, lag_ns: int = 0, forgets: int = 0, drops: str | None = None, stuck: str | None = None
    ) -> None:
        self.past: dict[str, list[tuple[int, str | None]]] = {}
        self.registered = 0
        self.lag_ns, self.forgets, self.drops, self.stuck = lag_ns, forgets, drops, stuck

    def carry_out(self, op: Operation, now: int) -> Took:
        past = self.past.setdefault(str(op.key), [(-1, None)])
        if op.f == "lookup":
            until = now if op.node == "n1" else now - self.lag_ns
            if op.node == self.stuck:
                until = min(until, 3_000_000_000)
            if op.node == self.drops and now > 6_000_000_000 and hash_of(str(op.key)) % 10 == 0:
                return "ok", None
            return "ok", next((value for at, value in reversed(past) if at <= until), None)
        if op.f == "register":
            self.registered += 1
            if not self.forgets or self.registered % self.forgets:
                past.append((now, op.value))
            return "ok", op.value
        past.append((now, None))
        return "ok", None


def hash_of(text: str) -> int:
    """A number that depends on the text alone."""
    return sum(text.encode())


@pytest.mark.parametrize("name", ["instances", "stale-instances"])
@pytest.mark.parametrize("seed", range(3))
def test_a_right_registry_is_found_valid_without_traces_and_indices(name: str, seed: int) -> None:
    found = judged(name, history_of(name, Registry().carry_out, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


def test_every_instance_is_looked_up_on_every_node_at_the_end() -> None:
    history = history_of("instances", Registry().carry_out)
    touched = {str(op.key) for op in history if op.is_client and "-try" not in str(op.key)}
    last_write = max(op.index for op in history if op.f != "lookup")
    finals = {(op.node, op.key) for op in history if op.index > last_write and op.type == "ok"}
    assert finals >= {(node, key) for node in NODES for key in touched}


def test_lookups_that_lag_are_violations_only_where_they_are_promised_not_to() -> None:
    lagging = Registry(lag_ns=LAG_NS)
    assert found_by(judged("instances", history_of("instances", lagging.carry_out))) == {"linearizability"}
    found = judged("stale-instances", history_of("stale-instances", Registry(lag_ns=LAG_NS).carry_out))
    assert found.validity is Validity.VALID, found.decisive
    [age] = [one for one in found.verdicts if one.checker == "lookup-age"]
    assert age.mark is Unjudged.ONLY_MEASURES
    oldest = age.measures["oldest_ms_by_node"]
    assert oldest["n1"] == 0
    assert LAG_NS / 2e6 < oldest["n2"] <= LAG_NS / 1e6


@pytest.mark.parametrize("name", ["instances", "stale-instances"])
def test_a_lost_registration_is_found(name: str) -> None:
    found = judged(name, history_of(name, Registry(forgets=15).carry_out, unknown=0))
    assert found_by(found) == {"linearizability" if name == "instances" else "instance-durability"}


@pytest.mark.parametrize("broken", [Registry(drops="n3"), Registry(stuck="n2", lag_ns=LAG_NS)])
def test_a_node_that_loses_instances_or_stays_behind_is_found_in_the_end(broken: Registry) -> None:
    found = judged("stale-instances", history_of("stale-instances", broken.carry_out))
    assert found_by(found) == {"instance-durability"}


def test_a_node_that_never_answers_the_last_lookups_is_not_judged() -> None:
    def deaf(op: Operation, now: int) -> Took:
        if op.node == "n3" and now > 6_000_000_000:
            return "fail", None
        return registry.carry_out(op, now)

    registry = Registry()
    found = judged("stale-instances", history_of("stale-instances", deaf))
    [durability] = [one for one in found.verdicts if one.checker == "instance-durability"]
    assert durability.validity is Validity.UNKNOWN
    assert "n3 answered 0 late lookups" in durability.summary
