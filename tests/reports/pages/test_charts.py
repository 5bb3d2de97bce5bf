"""The data of the charts that zoom, and the lines that both they and the static pictures draw."""

from __future__ import annotations

import json

from history import History, NodeTrace, Operation, Recording, TraceEvent
from history.stored.trace import EventName
from history.units import SECOND_NS as S
from reports.plots.frame import Frame
from reports.plots.lines import SLICES, Line, LineChart, differences, lines_plot, sampled
from reports.plots.live import chart_data
from reports.plots.measured.progress import progress_charts
from reports.plots.measured.throughput import throughput_plot
from reports.roles import RoleLanes, TraceMarks
from reports.spans import Spans
from tests.reports import synthetic

NO_LANES = RoleLanes({}, {}, ())


def test_the_grid_counts_every_operation_and_the_choice_names_some() -> None:
    spans = Spans.of(synthetic.recording().history)
    data = json.loads(chart_data(spans, Frame(30 * S, ()), NO_LANES, [], None))
    operations = data["operations"]
    counted = sum(sum(counts) for _, counts in operations["grid"]["cells"].values())
    assert counted == operations["total"] == int((spans.client & (spans.type > 0)).sum())
    chosen = len(operations["t"])
    assert chosen < operations["total"]
    columns = (operations["d"], operations["i"], operations["p"], operations["o"], operations["k"]["v"])
    assert {len(column) for column in columns} == {chosen}
    numbers, number = [], 0
    for step in operations["i"]:
        number += step
        numbers.append(number)
    assert set(numbers) <= set(spans.index.tolist())


def test_no_value_of_a_recording_can_end_the_data_of_the_charts() -> None:
    evil = "</script><script>alert(1)</script>&\u2028"
    history = History(
        [
            Operation(0, 1, 0, "invoke", evil, evil, node=evil),
            Operation(1, 5 * S, 0, "ok", evil, evil, node=evil),
        ]
    )
    text = chart_data(Spans.of(history), Frame(5 * S, ()), NO_LANES, [], 3 * S)
    assert "<" not in text
    assert "</script>" in json.loads(text)["operations"]["f"]["names"][0]


def test_a_run_without_completed_operations_still_has_data() -> None:
    data = json.loads(chart_data(Spans.of(History([])), Frame(S, ()), NO_LANES, [], None))
    assert data["operations"] is None
    assert data["violation"] is None


def event(at: float, node: str, name: EventName, term: int, commit: int, applied: int) -> TraceEvent:
    seq, time = int(at * 10) + 1, int(at * S)
    return TraceEvent(seq, time, name, term, "follower", commit, applied, commit, node=node, life=1)


def test_progress_shows_how_far_each_node_lags_behind_what_is_committed() -> None:
    traces = {
        "n1": NodeTrace("n1", (event(0, "n1", "commit", 1, 10, 10), event(5, "n1", "commit", 2, 30, 30))),
        "n2": NodeTrace("n2", (event(0, "n2", "commit", 1, 10, 4), event(8, "n2", "stop", 1, 10, 4))),
    }
    recording = Recording(("n1", "n2"), History([]), traces, options={"monotonic_start_ns": 0})
    terms, commits, lag = progress_charts(recording, TraceMarks(recording), 10 * S)
    first, late = SLICES // 10, SLICES * 6 // 10
    assert [line.values[first] for line in terms.lines] == [1, 1]
    assert [line.values[late] for line in terms.lines] == [2, 1]
    assert [line.name for line in commits.lines] == ["n1 commit", "n1 applied", "n2 commit", "n2 applied"]
    assert [line.values[first] for line in lag.lines] == [0, 6]
    assert [line.values[late] for line in lag.lines] == [0, 26]
    assert lag.lines[1].values[-1] is None, "a node that stopped has no lag"


def test_without_a_common_clock_there_is_no_progress_to_show() -> None:
    recording = Recording(("n1",), History([]), {"n1": NodeTrace("n1", ())})
    assert progress_charts(recording, TraceMarks(recording), S) == []


def test_the_differences_of_a_line_add_up_to_its_values() -> None:
    assert differences((10.0, None, 12.345, 12.345, 3.0)) == [1000, None, 234, 0, -934]


def test_a_line_breaks_where_it_has_no_value() -> None:
    chart = LineChart("x", "X", (0, 10, 20, 30), (Line("n1", (1.0, None, 3.0, 3.0), 0, is_thin=True),))
    svg = lines_plot(chart, Frame(40, ())).svg
    path = svg.split('class="resource n-0 thin"')[0].rsplit('d="', 1)[1]
    assert path.count("M") == 2


def test_a_sample_is_not_drawn_on_for_ever_and_the_worst_of_a_slice_can_be_kept() -> None:
    found = sampled([(0, 1.0), (1, 9.0), (2, 2.0)], 60 * S, worst=True)
    assert found[0] == 9.0
    assert found[-1] is None


def test_throughput_leaves_out_what_the_harness_reads_back() -> None:
    rows = [
        Operation(0, 1, 0, "invoke", "w"),
        Operation(1, 2, 0, "ok", "w"),
        Operation(2, 3, 0, "invoke", "final-list"),
        Operation(3, 4, 0, "ok", "final-list"),
    ]
    plot = throughput_plot(Spans.of(History(rows)), Frame(S, ()))
    assert plot is not None
    assert "1 operation by which the harness read back" in " ".join(plot.notes)
