"""The workload `same-state` in virtual time, against replicas in memory, right and diverging."""

from __future__ import annotations

from checkers.verdict import Validity
from history import Operation
from tests.harness.workload.general.stores import NODES, Took, found_by, history_of, judged


class Replicas:
    """Replicas of a store in memory. `skips`: this node does not carry out every 50th change."""

    def __init__(self, skips: str | None = None) -> None:
        self.states: dict[str, dict[str, str | None]] = {node: {} for node in NODES}
        self.revisions = dict.fromkeys(NODES, 0)
        self.applied = 0
        self.skips = skips

    def carry_out(self, op: Operation, now: int) -> Took:
        del now
        if op.f == "hash":
            return "ok", [self.applied, f"revision {self.revisions[str(op.node)]}"]
        self.applied += 1
        swapped = True
        for node, state in self.states.items():
            if op.f == "cas":
                swapped = state.get(str(op.key)) == op.value[0]
            if swapped and not (node == self.skips and self.applied % 50 == 0):
                state[str(op.key)] = op.value[1] if op.f == "cas" else op.value
                self.revisions[node] += 1
        return "ok", op.value if swapped else False


def test_replicas_that_apply_the_same_are_found_valid() -> None:
    found = judged("same-state", history_of("same-state", Replicas().carry_out))
    assert found.validity is Validity.VALID, found.decisive


def test_every_node_is_asked_for_its_state_after_the_last_change() -> None:
    history = history_of("same-state", Replicas().carry_out)
    last_change = max(op.index for op in history if op.f in ("write", "cas"))
    assert {op.node for op in history if op.f == "hash" and op.index > last_change} == set(NODES)


def test_a_node_that_skipped_a_change_is_found() -> None:
    found = judged("same-state", history_of("same-state", Replicas(skips="n2").carry_out))
    assert found_by(found) == {"same-state"}
    [different] = [one for one in found.verdicts if one.checker == "same-state"]
    assert "n2" in different.evidence[0].nodes
