from collections import Counter

import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from tests.harness.generator.moves import begun, names


def test_a_mix_is_even() -> None:
    made = Counter(names(simulate(gen.limit(3000, gen.mix(*[gen.repeat({"f": f}) for f in "abc"])))))
    assert all(900 < count < 1100 for count in made.values())
    assert len(made) == 3


def test_a_mix_follows_its_weights() -> None:
    mixed = gen.mix(gen.repeat({"f": "a"}), gen.repeat({"f": "b"}), weights=[9, 1])
    made = Counter(names(simulate(gen.limit(3000, mixed))))
    assert 2600 < made["a"] < 2800


def test_nested_mixes_draw_independently() -> None:
    def two(first: str, second: str) -> gen.Generator:
        return gen.mix(gen.repeat({"f": first}), gen.repeat({"f": second}))

    made = Counter(names(simulate(gen.limit(4000, gen.mix(two("a", "b"), two("c", "d"))))))
    assert len(made) == 4
    assert all(850 < count < 1150 for count in made.values())


def test_what_is_exhausted_drops_out_of_a_mix() -> None:
    made = Counter(
        names(simulate(gen.mix(gen.limit(3, gen.repeat({"f": "a"})), gen.limit(5, gen.repeat({"f": "b"})))))
    )
    assert made == {"a": 3, "b": 5}
    assert names(simulate(gen.mix())) == []


def test_any_takes_whichever_can_act_first() -> None:
    history = simulate(
        gen.any([gen.sleep(100), {"f": "late"}], [gen.sleep(50), {"f": "early"}], {"f": "now"}), threads=3
    )
    assert begun(history) == [(0, "now"), (50, "early"), (100, "late")]


def test_any_starves_nobody() -> None:
    made = Counter(names(simulate(gen.limit(2000, gen.any(gen.repeat({"f": "a"}), gen.repeat({"f": "b"}))))))
    assert all(900 < count < 1100 for count in made.values())


def test_any_ends_when_all_have() -> None:
    assert sorted(names(simulate(gen.any({"f": "a"}, [{"f": "b"}, {"f": "c"}])))) == ["a", "b", "c"]
    assert names(simulate(gen.any())) == []


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(gen.GeneratorError, match="1 weights for 2 generators"):
        gen.mix({"f": "a"}, {"f": "b"}, weights=[1])
    with pytest.raises(gen.GeneratorError, match="a weight is 0"):
        gen.mix({"f": "a"}, {"f": "b"}, weights=[1, 0])
