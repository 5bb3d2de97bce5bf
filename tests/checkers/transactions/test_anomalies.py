"""Each anomaly's smallest history is named, and named exactly; what it rules out; how it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from checkers.transactions.consistency import MODELS, ONLY_REGISTERS, ruled_out
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history import History, Operation
from tests.checkers.builders import recording
from tests.checkers.transactions.minimal import anomalies, asked, judged

TOGETHER_OF_LISTS = {
    "G0": (("ax1 ay1", "ax2 ay2", "rx12 ry21"), {"G0"}),
    "G1a": (("fail: ax1", "rx1"), {"G1a"}),
    "G1b": (("ax1 ax2", "rx1"), {"G1b"}),
    "G1c": (("ax1 ry1", "ay1 rx1"), {"G1c"}),
    "read skew": (("ax1 ay1", "rx1 ry"), {"G-single"}),
    "long fork": (("ax1", "ay1", "rx1 ry", "rx ry1"), {"G-nonadjacent"}),
    "write skew": (("rx ay1", "ry ax1"), {"G2-item"}),
    "lost update": (("rx ax1", "rx ax2", "rx12"), {"lost-update", "G-single"}),
    "internal": (("ax1 rx",), {"internal"}),
    "internal, shown last": (("ax1 rx12", "ax2"), {"internal"}),
    "two reads differ": (("rx rx1", "ax1"), {"non-repeatable-read", "G-single"}),
    "two reads and an append": (("ax2", "rx2 ax1 rx1"), {"non-repeatable-read", "incompatible-order"}),
    "interleaved": (("ax1 ax2", "ax3", "rx132"), {"G1c"}),
    "interleaved, not all seen": (("ax1 ax2", "ax3", "rx13"), {"G1c"}),
    "own order": (("ax1 ax2", "rx21"), {"incompatible-order", "G1b"}),
    "the first of two lost": (("ax1 ax2", "rx2"), {"incompatible-order"}),
    "overtaken": (("rx ax1", "ax2", "rx21"), {"lost-update", "G-single"}),
    "twice, in a read that agrees with no other": (
        ("ax1", "ax2 ax3", "rx11", "rx23"),
        {"duplicate-elements", "incompatible-order"},
    ),
    "future": (("rx1 ax1",), {"internal"}),
    "dirty update": (("fail: ax1", "ax2", "rx12"), {"G1a", "dirty-update"}),
    "duplicate": (("ax1", "rx11"), {"duplicate-elements"}),
    "garbage": (("ax1", "rx12"), {"garbage-read"}),
    "incompatible": (("ax1", "ax2", "rx12", "rx21"), {"incompatible-order"}),
    "an unknown outcome that was seen": (("info: ax1 ay1", "rx1 ry"), {"G-single"}),
    "an unknown outcome that was not": (("info: ax1", "rx"), set()),
}
TOGETHER_OF_REGISTERS = {
    "G1a": (("fail: wx1", "rx1"), {"G1a"}),
    "G1b": (("wx1 wx2", "rx1"), {"G1b"}),
    "G1c": (("wx1 ry1", "wy1 rx1"), {"G1c"}),
    "read skew": (("wx1 wy1", "rx1 ry"), {"G-single"}),
    "long fork": (("wx1", "wy1", "rx1 ry", "rx ry1"), {"G-nonadjacent"}),
    "write skew": (("rx wy1", "ry wx1"), {"G2-item"}),
    "lost update": (("rx wx1", "rx wx2"), {"lost-update", "G2-item"}),
    "internal": (("wx1 rx2", "wx2"), {"internal"}),
    "future": (("rx1 wx1",), {"internal"}),
    "garbage": (("rx1",), {"garbage-read"}),
}
ONE_BY_ONE = {
    "a stale read": (("ax1", "rx"), {"G-single-realtime"}),
    "a read that goes back": (("ax1", "rx1", "rx"), {"G-single-realtime"}),
    "writes against real time": (("ax1", "ax2", "rx21"), {"G0-realtime"}),
    "a read of the future": (("rx1", "ax1"), {"G1c-realtime"}),
    "all in order": (("ax1", "rx1 ay2", "ry2 rx1"), set()),
}


OF_LISTS = [model for model in MODELS if model not in ONLY_REGISTERS]


@pytest.mark.parametrize("case", TOGETHER_OF_LISTS)
def test_the_smallest_history_of_lists_with_an_anomaly_is_named(case: str) -> None:
    lines, expected = TOGETHER_OF_LISTS[case]
    assert anomalies(*lines, together=True) == expected


@pytest.mark.parametrize("case", TOGETHER_OF_LISTS)
def test_every_anomaly_that_is_named_is_shown_with_its_operations(case: str) -> None:
    lines, expected = TOGETHER_OF_LISTS[case]
    evidence = judged(*lines, together=True).evidence
    assert {one.kind for one in evidence} == expected
    assert all(one.text and one.operations for one in evidence)


@pytest.mark.parametrize("case", TOGETHER_OF_REGISTERS)
def test_the_smallest_history_of_registers_with_an_anomaly_is_named(case: str) -> None:
    lines, expected = TOGETHER_OF_REGISTERS[case]
    assert anomalies(*lines, together=True, lists=False) == expected


@pytest.mark.parametrize("case", ONE_BY_ONE)
@pytest.mark.parametrize("lists", [True, False])
def test_what_only_real_time_shows_is_named_so(case: str, lists: bool) -> None:
    lines, expected = ONE_BY_ONE[case]
    if not lists:
        if case == "writes against real time":
            lines = ("ax1", "ax2", "rx1")
            expected = {"G-single-realtime"}
        lines = tuple(line.replace("a", "w") for line in lines)
    assert anomalies(*lines, lists=lists) == expected


def test_what_only_a_process_shows_is_named_so() -> None:
    rows = [
        (0, "invoke", [["append", "x", 1]]),
        (1, "invoke", [["r", "x", None]]),
        (0, "ok", [["append", "x", 1]]),
        (0, "invoke", [["r", "x", None]]),
        (0, "ok", [["r", "x", []]]),
        (1, "ok", [["r", "x", [1]]]),
    ]
    history = History([Operation(i, i, p, t, "txn", None, v) for i, (p, t, v) in enumerate(rows)])  # type: ignore[arg-type]
    verdict = Isolation("list-append").check(recording(history))
    assert verdict.measures["anomalies"] == {"G-single-process": 1}
    assert "process 0 did T" in verdict.evidence[0].text
    assert Isolation("list-append", "serializable").check(recording(history)).validity is Validity.VALID


@pytest.mark.parametrize("consistency", [model for model in OF_LISTS if not model.endswith("uncommitted")])
def test_interleaved_appends_of_two_transactions_have_no_order(consistency: str) -> None:
    verdict = judged("ax1 ax2", "ax3", "rx132", together=True, consistency=consistency)
    assert verdict.validity is Validity.INVALID
    assert "T2 appended 3 to x after T1 appended 1 to it" in verdict.evidence[0].text
    assert "T1 appended 2 to x after T2 appended 3 to it" in verdict.evidence[0].text


def test_a_read_that_misses_an_acknowledged_append_contradicts_real_time_alone() -> None:
    """An append that no read shows may come last; where real time says that it came first, it was lost."""
    lost = ("ax1", "rx1", "ax2", "rx1")
    assert judged(*lost, consistency="serializable").validity is Validity.VALID
    assert judged(*lost, together=True).validity is Validity.VALID
    verdict = judged(*lost)
    assert verdict.validity is Validity.INVALID
    assert "did not observe" in verdict.evidence[0].text


def test_an_anomaly_rules_out_every_stronger_model_and_no_weaker_one() -> None:
    assert set(ruled_out(["G0"])) == set(MODELS) - {"pram"}
    assert "snapshot-isolation" not in ruled_out(["G2-item"])
    assert {"serializable", "strong-session-serializable", "strict-serializable"} <= set(
        ruled_out(["G2-item"])
    )
    assert "serializable" not in ruled_out(["G-single-realtime"])
    assert "strong-snapshot-isolation" in ruled_out(["G-single-realtime"])
    assert "strong-session-snapshot-isolation" not in ruled_out(["G-single-realtime"])
    assert "consistent-view" not in ruled_out(["G-nonadjacent"])
    assert "read-committed" not in ruled_out(["lost-update"])
    assert ruled_out([]) == ()


@pytest.mark.parametrize(
    ("consistency", "validity"),
    [
        ("snapshot-isolation", Validity.VALID),
        ("serializable", Validity.INVALID),
        ("strict-serializable", Validity.INVALID),
    ],
)
def test_the_verdict_is_on_the_model_that_was_asked_for(consistency: str, validity: Validity) -> None:
    verdict = judged("rx ay1", "ry ax1", together=True, consistency=consistency)
    assert verdict.validity is validity
    assert "G2-item" in verdict.summary


def test_a_cycle_is_told_step_by_step_with_its_operations() -> None:
    verdict = judged("ax1 ay1", "rx1 ry", together=True)
    told = verdict.evidence[0]
    assert "operation 0, [append x 1, append y 1]" in told.text
    assert "T1 saw the initial state of y and so did not observe T2's append of 1" in told.text
    assert "However, T2 comes before T1, because T1 read T2's append of 1 to x" in told.text
    assert told.operations == (0, 1)
    assert [(link.source, link.target, link.kind) for link in told.links] == [(1, 0, "rw"), (0, 1, "wr")]


def test_a_history_in_which_nothing_was_read_is_unknown() -> None:
    assert judged("ax1", "ax2").validity is Validity.UNKNOWN


def test_many_who_read_one_version_precede_many_who_wrote_but_not_themselves() -> None:
    """Beyond some pairs the graph has joints in place of edges: no cycle comes of them, none is lost."""
    readers = [f"rx wy{n}" for n in range(20)]
    assert anomalies(*readers, *[f"wx{n}" for n in range(20)], together=True, lists=False) == set()
    both = [f"rx wx{n}" for n in range(12)]
    assert anomalies(*both, together=True, lists=False) == {"lost-update", "G2-item"}
    one = ["rx wx0", *[f"wx{n}" for n in range(1, 90)]]
    assert anomalies(*one, together=True, lists=False) == set()


def test_elements_of_different_types_are_different_elements() -> None:
    """In Python 1 equals true, and in a list of JSON it does not."""
    steps: list[list[list[Any]]] = [[["append", "x", 1]], [["append", "x", True]]]
    steps += [[["r", "x", [1, True]]], [["r", "x", [True]]]]
    ends = [(n, "ok", one) for n, one in enumerate(steps)]
    rows = [*((n, "invoke", asked(one)) for n, _, one in ends), *ends]
    history = History([Operation(i, i, p, t, "txn", None, v) for i, (p, t, v) in enumerate(rows)])  # type: ignore[arg-type]
    verdict = Isolation("list-append").check(recording(history))
    assert set(verdict.measures["anomalies"]) == {"incompatible-order"}


def test_thousands_of_appends_that_no_read_shows_are_placed() -> None:
    appends = [f"ax{n}" for n in range(3000)]
    skew = ("ry az1", "rz ay1")
    verdict = judged(*appends, *skew, together=True, consistency="snapshot-isolation")
    assert verdict.validity is Validity.VALID


@pytest.mark.parametrize("consistency", ["strong-session-serializable", "strong-session-snapshot-isolation"])
def test_what_a_process_does_after_an_unknown_outcome_may_come_before_it(consistency: str) -> None:
    """The write of unknown outcome takes effect after the next transaction of the same process."""
    from checkers.transactions.isolation import Isolation
    from history import History, Operation
    from tests.checkers.builders import recording

    rows = [
        (7, "invoke", [["w", "x", 1]]),
        (7, "info", None),
        (0, "invoke", [["r", "x", None]]),
        (0, "ok", [["r", "x", None]]),
        (1, "invoke", [["r", "x", None]]),
        (1, "ok", [["r", "x", 1]]),
    ]
    apart = History([Operation(i, i, p, t, "txn", None, v) for i, (p, t, v) in enumerate(rows)])  # type: ignore[arg-type]
    process = np.where(apart.columns.process == 7, 0, apart.columns.process)
    history = History.from_columns(replace(apart.columns, process=process), foreign=True)
    assert Isolation("rw-register", consistency).check(recording(history)).validity is Validity.VALID
