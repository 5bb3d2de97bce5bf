"""The workload `set` in virtual time, against sets in memory, right and wrong."""

from __future__ import annotations

import pytest

from checkers.verdict import Validity
from history import Operation
from tests.harness.workload.general.stores import NODES, Took, found_by, history_of, judged


class Sets:
    """Sets in memory. `forgets`: of this number of additions, one is confirmed and not done. `lags`: this
    node answers reads without the latest element. `drops`: each set loses its first element in the end."""

    def __init__(self, forgets: int = 0, lags: str | None = None, drops: bool = False) -> None:
        self.held: dict[str, list[int]] = {}
        self.adds = 0
        self.forgets = forgets
        self.lags = lags
        self.drops = drops

    def carry_out(self, op: Operation, now: int) -> Took:
        elements = self.held.setdefault(str(op.key), [])
        if op.f == "read":
            shown = elements[:-1] if op.node == self.lags else elements
            return "ok", list(shown[1:] if self.drops and now > 4_050_000_000 else shown)
        self.adds += 1
        if not self.forgets or self.adds % self.forgets:
            elements.append(op.value)
        return "ok", op.value


@pytest.mark.parametrize("seed", range(3))
def test_a_right_store_is_found_valid_without_traces_and_indices(seed: int) -> None:
    found = judged("set", history_of("set", Sets().carry_out, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


def test_every_set_is_read_back_from_every_node() -> None:
    history = history_of("set", Sets().carry_out)
    touched = {str(op.key) for op in history if op.is_client and "-try" not in str(op.key)}
    last_add = max(op.index for op in history if op.f == "add")
    finals = {(op.node, op.key) for op in history if op.index > last_add and op.type == "ok"}
    assert finals >= {(node, key) for node in NODES for key in touched}


def test_a_lost_addition_is_found_and_named() -> None:
    found = judged("set", history_of("set", Sets(forgets=50).carry_out))
    assert found_by(found) == {"set-full", "linearizability"}
    [lost] = [one for one in found.verdicts if one.checker == "set-full"]
    assert lost.measures["lost"] >= 5


def test_a_stale_node_is_found() -> None:
    found = judged("set", history_of("set", Sets(lags="n2").carry_out))
    assert found_by(found) == {"set-full", "linearizability"}
    [stale] = [one for one in found.verdicts if one.checker == "set-full"]
    assert stale.measures["stale"] + stale.measures["lost"] > 50


def test_what_is_lost_after_its_set_went_out_of_use_shows_in_the_final_reads() -> None:
    found = judged("set", history_of("set", Sets(drops=True).carry_out))
    [lost] = [one for one in found.verdicts if one.checker == "set-full"]
    assert lost.measures["lost"] > 5
