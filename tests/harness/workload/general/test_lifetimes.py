"""`brief-instances` and `renewed-instances` in virtual time, against registries, right and wrong."""

from __future__ import annotations

import pytest

from checkers.verdict import Validity
from history import Operation
from tests.harness.workload.general.stores import Took, found_by, history_of, judged

LAG_NS = 20_000_000
PROBED_NS = 300_000_000


class Registry:
    """Instances in memory, with their whole past; lookups lag. `unheard`: a node drops a deregistration of an
    instance that it has not heard of yet. `probes`: the registry probes each new registration once, some time
    later, and writes back what it read a lag before."""

    def __init__(self, unheard: bool = False, probes: bool = False) -> None:
        self.past: dict[str, list[tuple[int, str | None]]] = {}
        self.unheard, self.probes = unheard, probes

    def carry_out(self, op: Operation, now: int) -> Took:
        past = self.past.setdefault(str(op.key), [(-1, None)])
        if self.probes:
            self._probe(past, now)
        known = next(value for at, value in reversed(past) if at <= now - LAG_NS or at == -1)
        if op.f == "lookup":
            return "ok", known
        if op.f == "register":
            past.append((now, op.value))
        elif not self.unheard or op.node == "n1" or known is not None:
            past.append((now, None))
        return "ok", op.value

    def _probe(self, past: list[tuple[int, str | None]], now: int) -> None:
        """Write back a registration if a newer one came within a lag before the probe was written."""
        for at, value in list(past):
            due = at + PROBED_NS
            newer = [one for one in past if due - LAG_NS < one[0] <= due]
            if value is not None and due <= now and newer and past[-1] == newer[-1]:
                past.append((due, value))


@pytest.mark.parametrize("name", ["brief-instances", "renewed-instances"])
@pytest.mark.parametrize("seed", range(2))
def test_a_right_registry_whose_lookups_lag_is_found_valid(name: str, seed: int) -> None:
    found = judged(name, history_of(name, Registry().carry_out, seconds=2, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


def test_a_deregistration_that_a_node_drops_since_it_has_not_heard_of_the_instance_is_found() -> None:
    broken = Registry(unheard=True)
    found = judged("brief-instances", history_of("brief-instances", broken.carry_out, seconds=2))
    assert found_by(found) == {"instance-durability"}


def test_a_probe_that_writes_back_an_old_registration_is_found() -> None:
    broken = Registry(probes=True)
    found = judged("renewed-instances", history_of("renewed-instances", broken.carry_out, seconds=2))
    assert found_by(found) == {"instance-durability"}


def test_renewed_instances_are_never_deregistered() -> None:
    history = history_of("renewed-instances", Registry().carry_out, seconds=1)
    assert {op.f for op in history if op.is_client} == {"register", "lookup"}
