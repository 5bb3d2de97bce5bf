"""An order that a rule finds counts only if it follows real time, and explains all replies."""

from __future__ import annotations

import pytest

from checkers.linearizability.answer import NEVER, Budget
from checkers.linearizability.by_rule import set_reads, text_order
from checkers.linearizability.by_rule.deciding import by_rule
from checkers.models import MODELS
from checkers.models.model import MAYBE, Call
from tests.checkers.models.small_histories import part_of

SET = part_of(
    [(0, NEVER, Call("add", 2, MAYBE)), (1, 2, Call("add", 1, None)), (3, 4, Call("read", None, (1,)))]
)
TEXT = part_of(
    [
        (0, NEVER, Call("append", "b", MAYBE)),
        (1, 2, Call("append", "a", None)),
        (3, 4, Call("get", None, "a")),
    ]
)
ORDERS = [((1, 2), True), ((1, 2, 0), True), ((2, 1), False), ((1,), False), ((0, 1, 2), False)]
"""Both have the same orders: the last two in turn, and the first after them, or not at all."""


@pytest.mark.parametrize(("order", "holds"), ORDERS)
def test_an_order_of_a_set(order: tuple[int, ...], holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_reads, "decided", lambda *_: set_reads.Found([*order], frozenset()))
    assert (by_rule(MODELS["set"], SET, Budget()) is not None) is holds


@pytest.mark.parametrize(("order", "holds"), ORDERS)
def test_an_order_of_a_text(order: tuple[int, ...], holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_order, "ordered", lambda _texts: order)
    assert (by_rule(MODELS["kv-append"], TEXT, Budget()) is not None) is holds
