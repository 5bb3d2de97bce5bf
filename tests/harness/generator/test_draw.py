from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.generator.base import nth_bit
from harness.generator.draw import Draw, scramble

states = st.integers(0, 2**64 - 1)
salts = st.one_of(st.integers(0, 2**64 - 1), st.text(max_size=30))


def test_the_finalizer_gives_splitmix64s_published_sequence() -> None:
    golden = 0x9E3779B97F4A7C15
    state = 1234567
    sequence = [scramble((state + n * golden) % 2**64) for n in range(1, 6)]
    assert sequence == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_draws_are_the_same_on_every_machine_and_in_every_release() -> None:
    """A seed that is written down must lead to the same run later: change these numbers never."""
    draw = Draw.at(seed=42, step=7)
    assert draw.bits() == 14997879488065225630
    assert draw.bits("key") == 1814699673400114621
    assert draw.split("part").bits() == 18095785496018423795


@given(states, salts, st.integers(1, 2**64))
def test_a_draw_lies_below_its_bound_and_repeats(state: int, salt: int | str, bound: int) -> None:
    drawn = Draw(state).below(bound, salt)
    assert 0 <= drawn < bound
    assert drawn == Draw(state).below(bound, salt)


@given(states, st.lists(st.integers(), max_size=20), salts)
def test_shuffling_keeps_every_item(state: int, items: list[int], salt: int | str) -> None:
    assert sorted(Draw(state).shuffled(items, salt)) == sorted(items)


@given(states, st.integers(0, 12))
def test_a_sample_holds_different_items(state: int, count: int) -> None:
    sample = Draw(state).sample(range(12), count)
    assert len(set(sample)) == count


@pytest.mark.parametrize("path", ["salts", "steps", "branches", "nested branches"])
def test_draws_are_even(path: str) -> None:
    """Chi-squared over 16 cells: 16,000 draws, so a mean of 15 and below 45 but once in 10,000 runs."""
    draw = Draw.at(3, 5)
    draws_by_path: dict[str, Callable[[int], int]] = {
        "salts": lambda n: draw.below(16, n),
        "steps": lambda n: Draw.at(3, n).below(16),
        "branches": lambda n: draw.split(n).below(16),
        "nested branches": lambda n: draw.split(n % 7).split(n).below(16),
    }
    drawn = draws_by_path[path]
    cells = [0] * 16
    for n in range(16_000):
        cells[drawn(n)] += 1
    assert sum((cell - 1000) ** 2 for cell in cells) / 1000 < 45


def test_a_draw_and_its_branch_are_not_tied() -> None:
    agree = sum(Draw.at(0, n).below(2) == Draw.at(0, n).split(1).below(2) for n in range(10_000))
    assert 4_750 < agree < 5_250


@pytest.mark.parametrize("bound", [0, -1, 2**64 + 1])
def test_an_impossible_bound_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match="impossible"):
        Draw(0).below(bound)


def test_choosing_from_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no items"):
        Draw(0).choose([])
    with pytest.raises(ValueError, match="sample 3 of 2"):
        Draw(0).sample([1, 2], 3)


@given(st.sets(st.integers(0, 1100), min_size=1), st.data())
def test_the_bit_at_a_place_is_the_one_with_so_many_lower_ones(bits: set[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(bits) - 1))
    assert nth_bit(sum(1 << bit for bit in bits), place) == sorted(bits)[place]
