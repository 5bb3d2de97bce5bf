"""The excerpt around a violation and its picture."""

from __future__ import annotations

import random
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from history import History, Operation
from history.units import MILLISECOND_NS as MS
from reports.excerpt import ENOUGH, MAX_NAMED, MAX_NEMESIS, MAX_SAME_KEY, Excerpt, excerpt
from reports.faults import FaultPeriod
from reports.plots.labels import width_of
from reports.plots.timeline import LABEL, label, timeline_plot
from reports.spans import Spans
from tests.reports import synthetic


def made(*rows: tuple[int, int, Any, str, str | None, object]) -> Spans:
    """Rows (time in ms, process, type, f, key, value)."""
    return Spans.of(
        History(
            [
                Operation(index, at * MS, process, type_, f, key, value)
                for index, (at, process, type_, f, key, value) in enumerate(rows)
            ]
        )
    )


LOST = made(
    (0, 0, "invoke", "register", "k", "r1"),
    (1, 1, "invoke", "lookup", "other", None),
    (2, 0, "ok", "register", "k", "r1"),
    (3, 1, "ok", "lookup", "other", "r9"),
    (5, -1, "invoke", "kill", None, {"target": "leader"}),
    (6, -1, "info", "kill", None, {"actions": []}),
    (7, 2, "invoke", "register", "k", "r2"),
    (9_000, 2, "info", "register", "k", "r2"),
    (60_000, 3, "invoke", "lookup", "k", None),
    (60_001, 3, "ok", "lookup", "k", None),
)


def bars(svg: str) -> dict[str, tuple[float, float]]:
    """By the first words of its tooltip, (left, right) of each bar."""
    found = re.findall(
        r'<title>operation (\d+):.*?<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg, re.DOTALL
    )
    return {number: (float(x), float(x) + float(width)) for number, x, width in found}


def test_the_excerpt_holds_the_named_their_keys_others_the_nemesis_and_some_company() -> None:
    part = excerpt(LOST, (0, 9))
    assert part.named == {0, 8}
    assert part.names == {0: 0, 9: 8}  # a completion stands for its operation
    assert [span.index for span in part.spans] == [0, 1, 4, 6, 8]
    assert part.keys == {"k"}


def test_order_is_exact_whatever_the_distances() -> None:
    plot = timeline_plot(excerpt(LOST, (0, 8)), (), "t", "title")
    x = bars(plot.svg)
    assert x["0"][0] < x["1"][0] < x["0"][1] < x["1"][1] < x["4"][0] < x["4"][1] < x["6"][0] < x["8"][0]


def test_info_stays_open_to_the_right_edge_and_ok_does_not() -> None:
    svg = timeline_plot(excerpt(LOST, (0, 8)), (), "t", "title").svg
    groups = re.findall(r'<g class="(op [^"]+)"', svg.replace("\n", " "))
    assert any("op-info" in classes for classes in groups)
    assert svg.count('class="open"') == 1


def test_long_pauses_are_written_between_the_events() -> None:
    svg = timeline_plot(excerpt(LOST, (0, 8)), (), "t", "title").svg
    assert "… 51 s …" in svg
    assert "… 8.99 s …" in svg


def test_named_operations_carry_their_number_and_others_do_not() -> None:
    svg = timeline_plot(excerpt(LOST, (0,)), (), "t", "title").svg
    assert ">0  register r1</text>" in svg
    assert ">1  lookup" not in svg


def test_a_picture_that_is_wider_than_the_page_says_so() -> None:
    hint = "Scroll the picture to the right to see all of it."
    assert hint not in timeline_plot(excerpt(LOST, (0,)), (), "t", "title").notes
    busy = Spans.of(synthetic.recording().history)
    assert hint in timeline_plot(excerpt(busy, range(0, 400, 10)), (), "t", "title").notes


def test_a_fault_under_way_is_shaded_across_the_picture() -> None:
    period = FaultPeriod("kill", 5 * MS, 50_000 * MS, 4, ("n1",), "kill n1", True, "kill")
    away = FaultPeriod("pause", 70_000 * MS, 80_000 * MS, 4, ("n1",), "pause n1", True, "pause")
    svg = timeline_plot(excerpt(LOST, (0, 8)), (period, away), "t", "title").svg
    assert "fault-band h-kill" in svg
    assert "h-pause" not in svg


def test_labels_say_argument_and_result() -> None:
    found = {span.index: label(span) for span in excerpt(LOST, (0, 8)).spans}
    assert found == {
        0: "register r1",
        1: "lookup → r9",
        4: "kill leader",
        6: "register r2",
        8: "lookup → nothing",
    }


def test_a_label_says_what_an_addition_or_an_empty_queue_answered() -> None:
    spans = made(
        *((0, 0, "invoke", "add", None, 1), (1, 0, "ok", "add", None, True)),
        *((2, 0, "invoke", "dequeue", None, None), (3, 0, "ok", "dequeue", None, None)),
        *((4, 0, "invoke", "append", "k", "x"), (5, 0, "ok", "append", "k", None)),
    )
    found = [label(span) for span in excerpt(spans, (0, 2, 4)).spans]
    assert found == ["add 1 → true", "dequeue → nothing", "append x"]


def test_an_operation_that_never_completed_is_open_and_shown() -> None:
    spans = made((0, 0, "invoke", "register", "k", "r1"))
    svg = timeline_plot(excerpt(spans, (0,)), (), "t", "title").svg
    assert "never completed" in svg
    assert 'class="open"' in svg


def test_an_excerpt_is_bounded_in_a_busy_run_and_counts_what_it_leaves_out() -> None:
    spans = Spans.of(synthetic.recording().history)
    everything = tuple(range(0, len(spans.history), 50))
    part = excerpt(spans, everything)
    assert len(part.spans) <= MAX_NAMED + MAX_SAME_KEY + ENOUGH + MAX_NEMESIS
    assert any("the first 40 are shown" in note for note in part.notes)


def test_the_nearest_of_the_same_key_are_kept() -> None:
    rows: list[tuple[int, int, str, str, str | None, object]] = []
    for n in range(200):
        rows += [
            (10 * n, 0, "invoke", "register", "k", f"r{n}"),
            (10 * n + 1, 0, "ok", "register", "k", f"r{n}"),
        ]
    part = excerpt(made(*rows), (0, 398))  # the first and the last operation
    shown = sorted(span.index // 2 for span in part.spans)
    assert len(shown) == 2 + MAX_SAME_KEY
    assert all(n <= MAX_SAME_KEY or n >= 200 - MAX_SAME_KEY for n in shown)
    assert (
        f"{198 - MAX_SAME_KEY} more operations on the same keys at the same time are not drawn." in part.notes
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_bars_of_one_process_never_overlap_and_labels_fit(seed: int, operations: int) -> None:
    rng = random.Random(seed)
    rows: list[Operation] = []
    busy: dict[int, Operation] = {}
    now = 0
    for _ in range(operations * 2):
        process = rng.randrange(5)
        now += rng.choice((0, 1, 1_000, 10**9))
        pending = busy.pop(process, None)
        kind = "invoke" if pending is None else rng.choice(("ok", "fail"))
        op = Operation(len(rows), now, process, kind, "register", "k", "r" * rng.randrange(1, 30))  # type: ignore[arg-type]
        if pending is None:
            busy[process] = op
        rows.append(op)
    spans = Spans.of(History(rows))
    part: Excerpt = excerpt(spans, (0,))
    svg = timeline_plot(part, (), "t", "title").svg
    placed = bars(svg)
    assert len(placed) == len(part.spans)
    by_process: dict[int, list[tuple[float, float]]] = {}
    for span in part.spans:
        left, right = placed[str(span.index)]
        by_process.setdefault(span.process, []).append((left, right))
        if span.end is not None:
            assert right - left >= width_of(label(span), LABEL)
    for row in by_process.values():
        assert all(a[1] <= b[0] + 0.2 for a, b in zip(sorted(row), sorted(row)[1:], strict=False))
