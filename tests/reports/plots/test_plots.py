"""Latency, throughput and lag: what is drawn, and what is sentence of what is not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from history import History, Operation
from history.history import FAIL, INFO, OK
from history.units import SECOND_NS as S
from reports.counts import tables
from reports.counts.figures import Lag
from reports.counts.tables import by_fault, by_operation
from reports.faults import FaultPeriod
from reports.plots import live
from reports.plots.frame import MAX_PERIODS, Frame
from reports.plots.measured import completed, throughput
from reports.plots.measured.completed import BUCKETS, Completed, CompletedOperations, extremes
from reports.plots.measured.lag import lag_plot
from reports.plots.measured.latency import MAX_POINTS, latency_plot, quantiles, thin
from reports.plots.measured.throughput import MAX_SLICES, rates, throughput_plot
from reports.spans import Spans
from reports.svg import LinearScale, LogScale, log_around
from tests.reports import synthetic

HISTORY_OF_TWO_KINDS = History(
    [
        Operation(0, 0, 0, "invoke", "w"),
        Operation(1, 0, 0, "ok", "w"),
        Operation(2, 0, 0, "invoke", "r"),
        Operation(3, 0, 0, "ok", "r"),
    ]
)


def cloud(n: int, faulty: int, seed: int = 1) -> Completed:
    """Operations of two kinds within 100 s, some of which fail or are info."""
    rng = np.random.default_rng(seed)
    begin = np.sort(rng.integers(0, 100 * S, n))
    latency = rng.lognormal(15, 1, n).astype(np.int64)
    type_ = np.full(n, OK, dtype=np.int8)
    type_[rng.choice(n, faulty, replace=False)] = np.where(rng.random(faulty) < 0.5, FAIL, INFO)
    return Completed(np.arange(n), begin, latency, type_, np.arange(n) % 2)


def test_few_points_are_all_drawn_and_nothing_is_said() -> None:
    found = thin([cloud(MAX_POINTS, 50)], 100 * S)
    assert found.chosen.place.tolist() == [*range(MAX_POINTS)]
    assert found.note is None


def test_failures_are_sampled_as_successes_are_and_each_slices_extremes_stay() -> None:
    points = cloud(50_000, 7_000)
    found = thin([points], 100 * S)
    for code in (OK, FAIL, INFO):
        own = points.type == code
        extremes = set()
        for bucket in range(BUCKETS):
            inside = np.flatnonzero(own & (points.begin * BUCKETS // (100 * S) == bucket))
            extremes |= {inside[points.latency[inside].argmin()], inside[points.latency[inside].argmax()]}
        assert extremes <= {*found.chosen.place.tolist()}
        others = int((found.chosen.type == code).sum()) - len(extremes)
        assert abs(others / own.sum() - MAX_POINTS / 50_000) < 0.01
    assert found.note is not None
    assert f"{len(found.chosen):,} of 50,000 operations are drawn" in found.note


def test_a_single_failure_among_many_operations_is_drawn() -> None:
    assert (thin([cloud(50_000, 1)], 100 * S).chosen.type != OK).sum() == 1


def test_a_flood_of_failures_is_bounded() -> None:
    found = thin([cloud(300_000, 250_000)], 100 * S)
    assert len(found.chosen) <= MAX_POINTS + 3 * 2 * BUCKETS + 3


def test_quantiles_are_over_all_ok_points_of_a_slice_as_those_of_the_table_are() -> None:
    points = cloud(5_000, 900)
    for kinds in (None, [1]):
        used, values = quantiles([points], 100 * S, kinds)
        counted = (points.type == OK) & (np.True_ if kinds is None else points.f == 1)
        for position, bucket in enumerate(used.tolist()):
            inside = points.latency[counted & (points.begin * BUCKETS // (100 * S) == bucket)]
            for q, found in values.items():
                assert np.isclose(found[position], np.percentile(inside, q))


def test_very_many_operations_looked_at_in_turn_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        points = cloud(20_000, 300, seed)
        begin = points.begin // [1, 7, 20 * S][seed]  # the last has slices of time without an operation
        latency = points.latency // 1_000_000  # so that many are equally fast
        end = int(begin[-1]) + 1
        spans = Spans(
            history=HISTORY_OF_TWO_KINDS,
            index=points.place,
            begin=begin,
            end=begin + latency,
            type=points.type,
        )
        spans.__dict__.update(f=points.f, client=points.place % 9 > 0)

        def all_of_it(spans: Spans = spans, end: int = end) -> tuple[int, list[object]]:
            parts = CompletedOperations(spans, end)
            found = [quantiles(parts, end, kinds) for kinds in (None, [0], [1])]
            thinned = thin(parts, end)
            rows = (
                by_operation(spans),
                by_fault(spans, [FaultPeriod("kill", end // 3, end // 2, 0, (), "", True)], end),
            )
            return len([*parts]), [
                [thinned.chosen.place.tolist(), thinned.note, rows],
                [[used.tolist(), {q: one.tolist() for q, one in values.items()}] for used, values in found],
                [live._grid(parts, end), [rate.tolist() for rate in rates(spans, end)[1].values()]],
                str(completed.Totals.of(parts)),
            ]

        parts_at_once, expected = all_of_it()
        with monkeypatch.context() as patched:
            for module in (completed, tables, throughput):
                patched.setattr(module, "AT_ONCE", 700)
            parts, found = all_of_it()
        assert parts_at_once == 1 < parts
        assert found == expected


def test_the_extremes_of_a_slice_are_those_that_sorting_finds() -> None:
    for seed in range(3):
        points = cloud(4_000, 1, seed)
        latency = points.latency // 1_000_000
        begin = points.begin // [1, 7, 20 * S][seed]
        end = int(begin[-1]) + seed
        bucket = begin * BUCKETS // max(end, 1)
        order = np.lexsort((latency, bucket))
        change = np.flatnonzero(np.diff(bucket[order])) + 1
        ends = np.concatenate([[0], change, change - 1, [len(order) - 1]])
        assert extremes(begin, latency, end).tolist() == np.unique(order[ends]).tolist()


def test_the_number_of_marks_in_the_chart_is_the_number_kept() -> None:
    spans = Spans.of(synthetic.recording().history)
    plot = latency_plot(spans, Frame(30 * S, ()))
    assert plot is not None
    marks = re.findall(r'<path d="([^"]*)" class="mark mark-(\w+)"', plot.svg)
    kept = thin(CompletedOperations(spans, 30 * S), 30 * S).chosen
    assert sum(d.count("M") for d, _ in marks) == len(kept)


def test_outcomes_differ_by_shape_not_only_by_colour() -> None:
    plot = latency_plot(Spans.of(synthetic.recording().history), Frame(30 * S, ()))
    assert plot is not None
    shape = {
        kind: re.sub(r"M[\d.]+ [\d.]+", "", d)[:8]
        for d, kind in re.findall(r'<path d="([^"]*)" class="mark mark-(\w+)"', plot.svg)
    }
    assert len(set(shape.values())) == 3


def test_rates_sum_to_the_completions_and_the_last_slice_is_not_diluted() -> None:
    rows = []
    for n in range(25):  # ten a second for two and a half seconds
        at = n * S // 10
        rows += [Operation(2 * n, at, 0, "invoke", "w"), Operation(2 * n + 1, at + 1, 0, "ok", "w")]
    slice_s, found = rates(Spans.of(History(rows)), int(2.5 * S))
    assert slice_s == 1
    assert found[OK].tolist() == [10.0, 10.0, 10.0]
    assert found[FAIL].sum() == found[INFO].sum() == 0


def test_a_day_of_throughput_is_averaged_over_longer_slices_and_says_so() -> None:
    day = 86_400 * S
    rows = [Operation(0, 0, 0, "invoke", "w"), Operation(1, day - 1, 0, "ok", "w")]
    spans = Spans.of(History(rows))
    slice_s, found = rates(spans, day)
    assert len(found[OK]) <= MAX_SLICES
    plot = throughput_plot(spans, Frame(day, ()))
    assert plot is not None
    assert plot.notes == (f"Completions per second, averaged over {slice_s} s.",)


def test_a_hundred_thousand_lag_samples_make_a_small_chart_that_keeps_the_worst() -> None:
    samples = [(n * 1_000_000, 200_000_000 if n == 77_777 else 1_000_000) for n in range(100_000)]
    lag = Lag(bound_ns=1e8, worst_ns=200_000_000, worst_at=77_777_000_000, over=1, samples=100_000)
    plot = lag_plot(samples, lag, Frame(100 * S, ()))
    assert len(plot.svg) < 40_000
    assert plot.svg.count('class="lag lag-over"') == 1


def test_too_many_fault_periods_are_cut_off_and_the_caption_says_so() -> None:
    periods = tuple(
        FaultPeriod("kill", n * 10, n * 10 + 5, n, (), "kill", True) for n in range(MAX_PERIODS + 9)
    )
    frame = Frame(10_000, periods)
    assert frame.strip(0).count("fault-bar") == MAX_PERIODS
    assert frame.notes == ("Only the first 400 of 409 fault periods are shaded.",)


def test_periods_that_overlap_get_lanes_of_their_own() -> None:
    periods = tuple(
        FaultPeriod("kill", begin, end, 0, (), "kill", True) for begin, end in ((0, 50), (20, 60), (50, 70))
    )
    assert [bar.lane for bar in Frame(100, periods).bars] == [0, 1, 0]


def test_scales_map_their_ends_and_ticks_are_round_and_inside() -> None:
    linear = LinearScale(0, 37, 100, 200)
    assert (linear(0), linear(37)) == (100, 200)
    assert linear.ticks(5) == [0, 10, 20, 30]
    log = LogScale(1e3, 1e6, 90, 0)
    assert (log(1e3), log(1e6), log(1.0)) == (90, 0, 90)
    assert log.ticks() == [1e3, 1e4, 1e5, 1e6]
    around = log_around(np.array([0, 5, 2_000]), 1, 0)
    assert (around.low, around.high) == (1, 10_000)
    assert log_around(np.array([], dtype=np.int64), 1, 0).high == 10
