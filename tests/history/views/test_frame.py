"""A history as a DataFrame holds what the history holds, one row an operation."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import numpy as np
import pandas as pd
import pytest

from history import NEMESIS, History
from history.nemesis import FaultKind
from history.units import MILLISECOND_NS
from history.views.frame import frame, latencies
from tests.checkers.builders import HistoryBuilder, simulate

COLUMNS = [
    *("process", "who", "f", "fault", "key", "outcome", "value", "result", "error", "node", "raft_index"),
    *("invoked_ns", "completed_ns", "latency_ns"),
]


@pytest.mark.parametrize("seed", range(40))
def test_each_row_is_one_operation_of_the_history(seed: int) -> None:
    history = simulate(Random(seed), keys=("s/a:1", "s/b:1"), steps=60).history()
    table = frame(history)
    assert list(table.columns) == COLUMNS
    assert len(table) == sum(operation.type == "invoke" for operation in history)
    for index, row in table.iterrows():
        begun = history[int(str(index))]
        ended = history.completion(begun)
        assert (begun.type, row["process"], row["f"], row["key"]) == (
            "invoke",
            begun.process,
            begun.f,
            begun.key,
        )
        assert row["value"] == begun.value
        assert row["invoked_ns"] == begun.time
        assert row["outcome"] == ("info" if ended is None else ended.type)
        if ended is None:
            assert pd.isna(row["completed_ns"])
            assert pd.isna(row["latency_ns"])
            continue
        assert row["result"] == ended.value
        assert row["completed_ns"] == ended.time
        assert row["latency_ns"] == ended.time - begun.time
        assert pd.isna(row["error"]) if ended.error is None else row["error"] == ended.error
        assert pd.isna(row["raft_index"]) == (ended.raft_index is None)
        assert ended.raft_index is None or row["raft_index"] == ended.raft_index


def test_the_nemesis_is_named() -> None:
    built = HistoryBuilder()
    built.nemesis("kill", {"actions": []})
    built.do("write", None, 3, node="n2")
    table = frame(built.history())
    assert table["who"].tolist() == ["nemesis", "client"]
    assert table["process"].tolist()[0] == NEMESIS
    assert table["result"].tolist()[0] == {"actions": []}
    assert pd.isna(table["key"]).all()
    assert table["node"].tolist()[1] == "n2"


def test_a_nemesis_operation_names_the_fault_that_it_begins_or_heals() -> None:
    built = HistoryBuilder()
    for f in ("begin-rust", "end-rust", "kill", "start", "heal-skew", "final-heal"):
        built.nemesis(f, {"actions": []})
    built.do("write", None, 3, node="n2")
    history = built.history()
    kinds = (FaultKind("rust", "begin-rust", "end-rust"),)
    faults = ["rust", "rust", "kill", "kill", "skew", None, None]
    assert (
        frame(history, kinds=kinds)["fault"].astype(object).where(lambda x: x.notna(), None).tolist()
        == faults
    )


def test_values_are_decoded_as_the_history_decodes_them() -> None:
    built = HistoryBuilder()
    for value in (1, "text", [1, "x", None], {"a": 1}, True):
        built.do("write", None, value, node="n1")
    history = built.history()
    assert frame(history)["value"].tolist() == [op.value for op in history if op.type == "invoke"]


def test_values_can_be_left_out() -> None:
    history = simulate(Random(1), keys=("s/a:1",), steps=30).history()
    assert list(frame(history, values=False).columns) == [
        column for column in COLUMNS if column not in ("value", "result")
    ]


def test_an_empty_history_has_an_empty_frame() -> None:
    table = frame(History([]))
    assert list(table.columns) == COLUMNS
    assert table.empty
    assert latencies(table).empty


def test_latencies_are_the_quantiles_of_what_was_acknowledged() -> None:
    built = HistoryBuilder()
    waits = [5, 1, 9, 3, 7]
    for wait in waits:
        built.invoke(0, "write", None, 1)
        built.wait(wait - 1)
        built.ok(0)
    built.invoke(0, "write", None, 1)
    built.wait(100)
    built.complete(0, "fail")
    found = latencies(frame(built.history()))
    assert found.loc["write", "count"] == len(waits)
    assert found.loc["write", "p50"] == pytest.approx(np.quantile(waits, 0.5))
    assert found.loc["write", "p100"] == max(waits)
    assert MILLISECOND_NS == 1_000_000


def test_a_history_without_a_frame_loads_no_pandas() -> None:
    code = "import sys, history, history.views.frame; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_columns_that_are_asked_for_are_made() -> None:
    history = simulate(Random(1), keys=("s/a:1",), steps=60).history()
    wanted = ["who", "outcome", "completed_ns"]
    table = frame(history, columns=wanted)
    assert list(table.columns) == wanted
    pd.testing.assert_frame_equal(table, frame(history)[wanted])
