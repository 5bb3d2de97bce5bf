"""What evidence shows is impossible because of the history, not because of what was left out."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from checkers.linearizability.answer import NEVER, Budget
from checkers.linearizability.impossible import Impossible, explain
from checkers.linearizability.part import Integers, Part
from checkers.models.fenced_lock import FencedLock
from checkers.models.model import Call, Model
from tests.checkers.models.small_histories import ALL_MODELS, linearizable, small_history


def in_turn(*calls: Call) -> Part:
    """Operations one after the other, each answered."""
    times = np.arange(2 * len(calls), dtype=np.int64).reshape(-1, 2)
    return Part(None, times[:, 0], times[:, 1], np.arange(len(calls), dtype=np.int64), calls)


def test_a_lock_that_was_given_up_after_it_expired_is_shown_with_what_was_given_since() -> None:
    first, second, release = Call("acquire", None, 1), Call("acquire", None, 2), Call("release", 1, None)
    part = in_turn(first, Call("expire", None, None), second, release)
    found = explain(FencedLock(), part, Budget())
    assert found is not None
    shown = [found.part.call(place) for place in found.core]
    assert shown == [second, release]


def without_other_replies(part: Part, core: Integers) -> Part:
    """The part in which all operations but these may have happened as they did, at any later time, or not."""
    ends = np.full(len(part), NEVER)
    ends[core] = part.completed[core]
    return Part(None, part.invoked, ends, part.kinds, part.calls)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.name)
def test_the_operations_that_are_shown_contradict_each_other_whatever_else_happened(model: Model) -> None:
    rng = Random(5)
    explained: list[Impossible] = []
    for _ in range(400):
        part = small_history(model, rng, kind=rng.choice(("mutated", "arbitrary")), most=5)
        if linearizable(model, part):
            continue
        found = explain(model, part, Budget())
        assert found is not None
        explained.append(found)
        if not found.from_any_state:
            core = np.flatnonzero(np.isin(part.invoked, found.part.invoked[list(found.core)]))
            shown = without_other_replies(part, core)
            assert not linearizable(model, shown), (part, found)
    assert len(explained) > 20
