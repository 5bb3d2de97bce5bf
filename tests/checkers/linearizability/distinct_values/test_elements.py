"""Elements of sets judged each by itself: a key with one that has no order has none."""

from __future__ import annotations

from random import Random

import numpy as np

from checkers.linearizability.answer import DEFAULT, Answer
from checkers.linearizability.distinct_values import sets
from checkers.linearizability.distinct_values.elements import judged
from checkers.linearizability.distinct_values.rows import rows_of
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import parts
from checkers.models.set import Set
from tests.checkers.stores.clients import Load, changed, history_of, recorded
from tests.checkers.stores.data_types import Members
from tests.checkers.stores.servers import BROKEN, Server


def test_an_element_without_an_order_is_one_of_a_key_without_an_order() -> None:
    refuted = without_reads = 0
    for seed in range(300):
        draw = Random(seed)
        data_type = Members(whole=draw.choice([0.0, 0.1]))
        load = Load(operations=draw.randint(4, 20), clients=3, keys=2, unknown=0.1, few=draw.choice([2, 5]))
        kind = Server if draw.random() < 0.2 else draw.choice(list(BROKEN.values()))
        events = recorded(kind(data_type, draw, often=0.2), load, draw)
        history = history_of(changed(events, data_type, draw))
        rows = rows_of(history, sets.FUNCTIONS)
        if rows is None:
            continue
        rows = sets.prepared(rows)
        bad, unsure = judged(rows, DEFAULT)
        assert not unsure.any()
        for number, part in enumerate(parts(history)):
            own = rows.key == number
            has_order = Engine(Set(), exact=True).decide(part).answer is Answer.LINEARIZABLE
            is_bad = bool(bad[own].any())
            assert not (is_bad and has_order), seed
            refuted += is_bad
            if not np.any(rows.f[own] == sets.READ):
                without_reads += 1
                assert is_bad is not has_order, seed
    assert refuted > 20
    assert without_reads > 20
