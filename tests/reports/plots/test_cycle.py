"""The picture of a cycle: well-formed, escaped, one box an operation and one arrow a reason."""

from __future__ import annotations

from xml.etree import ElementTree

from checkers.transactions.isolation import Isolation
from checkers.verdict import Arrow, Evidence
from history import History, Operation
from reports.plots.cycle import cycle
from tests.checkers.builders import recording
from tests.checkers.transactions.minimal import history, judged

SVG = "{http://www.w3.org/2000/svg}"


def test_a_cycle_has_a_box_for_each_operation_and_an_arrow_for_each_reason() -> None:
    lines = ("ax1 ay1", "rx1 ry")
    evidence = judged(*lines, together=True).evidence[0]
    drawn = ElementTree.fromstring(str(cycle(evidence, history(*lines, together=True))))
    assert len(drawn.findall(f"{SVG}rect")) == 2
    assert len([p for p in drawn.findall(f"{SVG}path") if p.get("marker-end")]) == 2
    words = " ".join(text.text or "" for text in drawn.findall(f"{SVG}text"))
    assert "append x 1, append y 1" in words
    assert "rw: T1 saw the initial state of y" in words


def test_what_a_history_says_is_escaped() -> None:
    key = "<script>alert('&')</script>"
    rows = [
        ("invoke", [["append", key, 1]]),
        ("ok", [["append", key, 1]]),
        ("invoke", [["r", key, None]]),
        ("ok", [["r", key, []]]),
    ]
    strange = History([Operation(i, i, 0, t, "txn", None, v) for i, (t, v) in enumerate(rows)])  # type: ignore[arg-type]
    verdict = Isolation("list-append", "strict-serializable").check(recording(strange))
    svg = str(cycle(verdict.evidence[0], strange))
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_links_that_form_no_cycle_are_not_drawn() -> None:
    links = (Arrow(0, 2, "ww", "so"), Arrow(0, 2, "ww", "so"))
    assert cycle(Evidence("t", "x", links=links), history("ax1", "ax2")) is None
    assert cycle(Evidence("t", "x"), history("ax1")) is None
