"""The workloads `queue` and `fifo-queue` in virtual time, against queues in memory, right and wrong."""

from __future__ import annotations

from collections import deque

import pytest

from checkers.verdict import Validity
from harness.workload.general.queue import DRAIN_BOUND_NS, EMPTY_ANSWERS
from history import Operation
from tests.harness.workload.general.stores import Took, found_by, history_of, judged

WORKLOADS = ("queue", "fifo-queue")


class Queues:
    """Queues in memory. `loses`: of this number of enqueues, one is confirmed and not done. `repeats`: of so
    many dequeues, one leaves in the queue what it gives. `swaps`: of this number of dequeues, one takes
    the second element. `holds_back`: the element of each such dequeue comes back two seconds later."""

    def __init__(self, loses: int = 0, repeats: int = 0, swaps: int = 0, holds_back: int = 0) -> None:
        self.held: dict[str, deque[str]] = {}
        self.enqueues = self.dequeues = 0
        self.loses, self.repeats, self.swaps, self.holds_back = loses, repeats, swaps, holds_back
        self.unconfirmed: list[tuple[int, str, str]] = []

    def carry_out(self, op: Operation, now: int) -> Took:
        queue = self.held.setdefault(str(op.key), deque())
        for back in [one for one in self.unconfirmed if one[0] <= now]:
            self.unconfirmed.remove(back)
            self.held[back[1]].append(back[2])
        if op.f == "enqueue":
            self.enqueues += 1
            if not self.loses or self.enqueues % self.loses:
                queue.append(op.value)
            return "ok", op.value
        if not queue:
            return "ok", None
        self.dequeues += 1
        if self.swaps and self.dequeues % self.swaps == 0 and len(queue) > 1:
            queue.rotate(-1)
        if self.repeats and self.dequeues % self.repeats == 0:
            return "ok", queue[0]
        if self.holds_back and self.dequeues % self.holds_back == 0:
            self.unconfirmed.append((now + 1_500_000_000, str(op.key), queue.popleft()))
            return "fail", None
        return "ok", queue.popleft()


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("seed", range(3))
def test_a_right_queue_is_found_valid_without_traces_and_indices(name: str, seed: int) -> None:
    found = judged(name, history_of(name, Queues().carry_out, seed=seed))
    assert found.validity is Validity.VALID, found.decisive


def test_every_queue_is_asked_until_it_was_empty_several_times_in_a_row() -> None:
    history = history_of("queue", Queues().carry_out)
    touched = {op.key for op in history if op.f == "enqueue"}
    for key in touched:
        last = [op for op in history if op.key == key and op.type == "ok"][-EMPTY_ANSWERS:]
        assert [(op.f, op.value) for op in last] == [("dequeue", None)] * EMPTY_ANSWERS


def test_what_a_queue_gives_out_again_later_is_still_drained() -> None:
    """A client took it and did not confirm: a queue that delivers at least once keeps it back for a while."""
    found = judged("queue", history_of("queue", Queues(holds_back=20).carry_out))
    assert found.validity is Validity.VALID, found.decisive


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_lost_element_is_found(name: str) -> None:
    assert "total-queue" in found_by(judged(name, history_of(name, Queues(loses=40).carry_out)))


def test_an_element_that_comes_out_twice_breaks_only_the_promise_of_a_linearizable_queue() -> None:
    found = judged("queue", history_of("queue", Queues(repeats=40).carry_out))
    assert found.validity is Validity.VALID, found.decisive
    [total] = [one for one in found.verdicts if one.checker == "total-queue"]
    assert total.measures["duplicated"] > 3
    again = judged("fifo-queue", history_of("fifo-queue", Queues(repeats=40).carry_out))
    assert found_by(again) == {"total-queue", "linearizability"}


def test_elements_out_of_order_break_only_the_promise_of_a_linearizable_queue() -> None:
    assert judged("queue", history_of("queue", Queues(swaps=30).carry_out)).validity is Validity.VALID
    again = judged("fifo-queue", history_of("fifo-queue", Queues(swaps=30).carry_out))
    assert found_by(again) == {"linearizability"}


def test_the_drain_of_a_dead_queue_ends_within_its_bound() -> None:
    def dead(op: Operation, now: int) -> Took:
        return ("fail", None) if now > 2_000_000_000 else Queues().carry_out(op, now)

    history = history_of("queue", dead)
    heal = next(op.time for op in history if op.f == "final-heal")
    assert history[len(history) - 1].time - heal < 25_000_000_000 + DRAIN_BOUND_NS
    assert judged("queue", history).validity is not Validity.VALID
