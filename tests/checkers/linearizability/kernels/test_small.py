"""What compiled code does for small histories agrees with what arrays do: keys, calls, what happened."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from checkers.linearizability import part
from checkers.linearizability.answer import NEVER
from checkers.linearizability.engine import Engine
from checkers.linearizability.kernels.arena import Operations
from checkers.linearizability.kernels.laying_out import lay_out_by_key
from checkers.linearizability.kernels.settle import cut_settling, settle, settling_size_of
from checkers.linearizability.search.settled import settled_by_effects
from checkers.models import MODELS
from history.kernels import Form
from tests.checkers.stores.clients import Load, history_of, recorded
from tests.checkers.stores.data_types import TYPES
from tests.checkers.stores.servers import BROKEN

SEEDS = 120


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lays histories out by the kernels, in plain Python."""
    monkeypatch.setattr(part, "fitting", lambda work: Form.COMPILED)
    monkeypatch.setattr(part, "lay_out_by_key", lay_out_by_key.plain)


def load(draw: Random) -> Load:
    return Load(
        operations=draw.choice([0, 1, 5, 30, 60]),
        clients=draw.choice([1, 3, 8]),
        keys=draw.choice([1, 1, 2, 9]),
        unknown=draw.choice([0, 0.2, 0.5]),
        few=draw.choice([None, 2]),
    )


@pytest.mark.usefixtures("at_once")
def test_histories_are_laid_out_alike() -> None:
    for seed in range(SEEDS):
        draw = Random(seed)
        server = draw.choice(list(BROKEN.values()))(TYPES[draw.choice(list(TYPES))], draw, often=0.3)
        history = history_of(recorded(server, load(draw), draw))
        one = part._parts_at_once(history)
        by_key = part._by_key(history)
        other = by_key.parts(0, len(by_key.keys))
        assert one is not None
        assert tuple(one.keys) == tuple(other.keys), seed
        assert one.longest == other.longest, seed
        for name in ("starts", "invoked", "completed", "kinds"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist(), (seed, name)
        assert list(one.calls) == list(other.calls), seed


@pytest.mark.parametrize("name", ["register", "cas-register", "registry"])
def test_what_certainly_happened_is_settled_alike(name: str) -> None:
    settled = 0
    for seed in range(SEEDS):
        draw = Random(seed)
        server = draw.choice(list(BROKEN.values()))(TYPES[name], draw, often=0.3)
        found = part.parts(history_of(recorded(server, load(draw), draw)))
        engine = Engine(MODELS[name])
        kinds = engine._codes_of(found)
        states, begin = engine._numbering.interned(), engine._numbering.begin
        whole = Operations(found.invoked, found.completed, kinds)
        expected = settled_by_effects(found.starts, whole, engine._effects, states, begin)
        has_happened = expected.completed is not whole.completed
        settled += has_happened
        for low, high in zip(found.starts[:-1].tolist(), found.starts[1:].tolist(), strict=True):
            own = Operations(*(array[low:high] for array in whole))
            size = high - low
            space = cut_settling.plain(
                np.full(settling_size_of(size, states), 7, dtype=np.int64), size, states
            )
            ends = expected.completed[low:high]
            if not settle.plain(own, engine._effects.reshape(-1), begin, space):
                scaled = np.where(own.completed == NEVER, NEVER, own.completed * 1024)
                assert ends.tolist() == (scaled if has_happened else own.completed).tolist(), seed
                continue
            assert space.completed.tolist() == ends.tolist(), seed
            assert space.invoked.tolist() == expected.invoked[low:high].tolist(), seed
    assert settled > SEEDS // 20
