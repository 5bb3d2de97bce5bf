import itertools

import pytest

from harness import generator as gen
from harness.drivers.virtual import all_ok, simulate
from history.units import MILLISECOND_NS, SECOND_NS
from tests.harness.generator.moves import begun, invocations


def test_a_time_limit_counts_from_its_first_operation() -> None:
    history = simulate([gen.sleep(1000), gen.time_limit(25, gen.repeat({"f": "a"}))], threads=1)
    assert begun(history) == [(1000, "a"), (1010, "a"), (1020, "a")]


def test_what_comes_after_a_time_limit_need_not_wait_for_an_event() -> None:
    """The limit ends a wait, although nothing happens at that moment."""
    stuck = gen.time_limit(30, gen.on_threads([0], [{"f": "a"}, gen.sleep(10**9), {"f": "never"}]))
    assert begun(simulate([stuck, {"f": "b"}], threads=2)) == [(0, "a"), (30, "b")]


def test_a_time_limit_lets_what_is_in_flight_end() -> None:
    history = simulate(gen.time_limit(5, gen.repeat({"f": "a"})), threads=2, perform=all_ok(1000))
    assert [op.type for op in history] == ["invoke", "invoke", "ok", "ok"]


def _wanting(wanted: int, overtime_ns: int) -> list[tuple[int, str]]:
    """What is begun until 25 ns, or for longer while fewer than these operations ended as `ok`; then `b`."""
    limited = gen.time_limit(
        25,
        gen.delay(10, gen.repeat({"f": "a"})),
        overtime_ns=overtime_ns,
        wanted=wanted,
        counts=lambda event: event.type == "ok",
    )
    return begun(simulate([limited, {"f": "b"}], threads=1, perform=all_ok(1)))


@pytest.mark.parametrize("wanted", [0, 1, 3])
def test_a_time_limit_with_enough_done_is_not_prolonged(wanted: int) -> None:
    assert _wanting(wanted, 1000) == [(0, "a"), (10, "a"), (20, "a"), (25, "b")]


def test_a_time_limit_with_too_little_done_goes_on_until_it_is_enough() -> None:
    assert _wanting(5, 1000) == [*((10 * turn, "a") for turn in range(5)), (41, "b")]


def test_overtime_has_an_end() -> None:
    assert _wanting(100, 20) == [*((10 * turn, "a") for turn in range(5)), (45, "b")]


def test_stagger_keeps_the_rate_over_all_threads_together() -> None:
    history = simulate(
        gen.time_limit(10 * SECOND_NS, gen.stagger(MILLISECOND_NS, gen.repeat({"f": "a"}))),
        threads=50,
        perform=all_ok(MILLISECOND_NS),
    )
    made = len(invocations(history))
    assert 9_700 < made < 10_300


def test_staggered_gaps_lie_between_nothing_and_twice_the_mean() -> None:
    history = simulate(gen.limit(2000, gen.stagger(100, gen.repeat({"f": "a"}))), threads=50)
    times = [op.time for op in invocations(history)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert 0 <= min(gaps) < 5
    assert 195 < max(gaps) <= 200


def test_stagger_makes_up_for_at_most_ten_gaps() -> None:
    stuck = [{"f": "slow"}, gen.repeat({"f": "a"})]
    history = simulate(
        gen.time_limit(20_000, gen.stagger(100, stuck)),
        threads=1,
        perform=lambda op, now: all_ok(10_000 if op.f == "slow" else 1)(op, now),
    )
    burst = [time for time, f in begun(history) if f == "a" and time < 10_100]
    assert 8 < len(burst) < 40


def test_nested_staggers_draw_different_gaps() -> None:
    inner = gen.stagger(100, gen.repeat({"f": "a"}))
    alone = [op.time for op in invocations(simulate(gen.limit(50, inner), threads=50))]
    nested = [op.time for op in invocations(simulate(gen.limit(50, gen.stagger(100, inner)), threads=50))]
    assert alone != nested


def test_delay_keeps_its_distance() -> None:
    assert begun(simulate(gen.limit(3, gen.delay(25, gen.repeat({"f": "a"}))), threads=3)) == [
        (0, "a"),
        (25, "a"),
        (50, "a"),
    ]


def test_delay_counts_from_when_an_operation_really_began() -> None:
    history = simulate(gen.limit(3, gen.delay(25, gen.repeat({"f": "a"}))), threads=1, perform=all_ok(40))
    assert begun(history) == [(0, "a"), (40, "a"), (80, "a")]


def test_sleep_occupies_no_thread() -> None:
    history = simulate(gen.any([gen.sleep(100), {"f": "b"}], gen.limit(3, gen.repeat({"f": "a"}))), threads=1)
    assert begun(history) == [(0, "a"), (10, "a"), (20, "a"), (100, "b")]
    assert begun(simulate([gen.sleep(0), {"f": "a"}])) == [(0, "a")]


@pytest.mark.parametrize("combinator", [gen.time_limit, gen.stagger, gen.delay])
def test_seconds_given_for_nanoseconds_are_refused(combinator: object) -> None:
    with pytest.raises(gen.GeneratorError, match=r"is 0\.5, not an int"):
        combinator(0.5, {"f": "a"})  # type: ignore[operator]
