"""The workload `watch` in virtual time, against watches in memory, right and wrong."""

from __future__ import annotations

import pytest

from checkers.verdict import Validity
from history import Operation
from tests.harness.workload.general.stores import Took, found_by, history_of, judged

LAG_NS = 30_000_000


class Watched:
    """Keys in memory, and a watch of all keys for each process, open since its first operation. `misses`: of
    this number of values, the watches of n2 miss one. `repeats`: they are shown one twice. `swaps`: they are
    shown two in the other order. `stops`: they are shown nothing any more after 3 s."""

    def __init__(self, misses: int = 0, repeats: int = 0, swaps: int = 0, stops: bool = False) -> None:
        self.order: list[tuple[int, str, str]] = []
        self.opened: dict[int, int] = {}
        self.misses, self.repeats, self.swaps, self.stops = misses, repeats, swaps, stops

    def carry_out(self, op: Operation, now: int) -> Took:
        if op.f == "write":
            self.order.append((now, str(op.key), op.value))
            return "ok", op.value
        opened = self.opened.setdefault(op.process, len(self.order))
        until = now - LAG_NS * (op.process % 3)
        if self.stops and op.node == "n2":
            until = min(until, 3_000_000_000)
        shown = []
        for place, (at, key, value) in enumerate(self.order[opened:], start=opened):
            if key != op.key or at > until:
                continue
            number = place + 1 if op.node == "n2" else 0
            if self.misses and number and number % self.misses == 0:
                continue
            shown.append(value)
            if self.repeats and number and number % self.repeats == 0:
                shown.append(value)
            if self.swaps and number and number % self.swaps == 0 and len(shown) > 1:
                shown[-2:] = reversed(shown[-2:])
        return "ok", shown


@pytest.mark.parametrize("seed", range(3))
def test_right_watches_are_found_valid_without_traces_and_indices(seed: int) -> None:
    found = judged("watch", history_of("watch", Watched().carry_out, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


def test_half_the_clients_watch_and_are_shown_the_last_values_of_every_key_in_the_end() -> None:
    history = history_of("watch", Watched().carry_out)
    watchers = {op.process % 6 for op in history if op.f == "watch"}
    assert watchers == {3, 4, 5}
    last: dict[tuple[int, str | None], list[str]] = {
        (op.process, op.key): op.value for op in history if op.f == "watch" and op.type == "ok"
    }
    keys = {op.key for op in history if op.f == "write"}
    assert {process for process, _ in last} == {3, 4, 5}
    for process in (3, 4, 5):
        for key in keys:
            assert last[process, key][-1].startswith("last")


@pytest.mark.parametrize(
    "broken", [Watched(misses=25), Watched(repeats=25), Watched(swaps=25)], ids=["misses", "repeats", "swaps"]
)
def test_watches_that_miss_repeat_or_swap_values_are_found(broken: Watched) -> None:
    assert found_by(judged("watch", history_of("watch", broken.carry_out))) == {"watch-order"}


def test_a_watch_that_stops_is_not_called_valid() -> None:
    found = judged("watch", history_of("watch", Watched(stops=True).carry_out))
    [order] = [one for one in found.verdicts if one.checker == "watch-order"]
    assert order.mark is Validity.UNKNOWN
    assert "was not shown" in order.summary
