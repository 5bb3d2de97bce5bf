"""The message sequence: what mattered is drawn, what did not is counted, and nothing breaks the drawing."""

from __future__ import annotations

from xml.etree import ElementTree

from checkers.verdict import EventRef, Evidence
from history import NEMESIS, History, NodeTrace, Operation, Recording, TraceEntry, TraceEvent
from reports.plots.sequence import MOST_ROWS, sequence

SVG = "{http://www.w3.org/2000/svg}"


def event(seq: int, at: int, name: str, node: str, **more: object) -> TraceEvent:
    return TraceEvent(seq, at, name, 1, "follower", 0, 0, 0, node=node, life=1, **more)  # type: ignore[arg-type]


def message(name: str, number: int, seq: int, at: int, node: str, peer: str, kind: str) -> TraceEvent:
    return event(
        seq,
        at,
        name,
        node,
        peer=peer,
        message=kind,
        message_id=f"{node}:{number}" if name == "send" else f"{peer}:{number}",
    )


def recording(**traces: tuple[TraceEvent, ...]) -> Recording:
    operations = [
        Operation(0, 5, 0, "invoke", "register", "svc/1.2.3.4:5", "<r1>", node="n1"),
        Operation(1, 50, 0, "ok", "register", "svc/1.2.3.4:5", "<r1>", node="n1"),
    ]
    return Recording(
        nodes=tuple(traces),
        history=History(operations),
        traces={node: NodeTrace(node=node, events=events) for node, events in traces.items()},
    )


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def paths(svg: str, class_: str) -> int:
    found = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return sum(element.get("class") == class_ for element in found)


ENTRY = (TraceEntry(1, 1, "00"),)
N1 = (
    event(1, 1, "role", "n1"),
    message("send", 1, 2, 10, "n1", "n2", "AppendEntries"),
    message("send", 2, 3, 20, "n1", "n2", "AppendEntries"),
    message("send", 3, 4, 30, "n1", "n2", "RequestVote"),
)
N2 = (
    message("receive", 1, 1, 15, "n2", "n1", "AppendEntries"),
    event(2, 15, "append", "n2", entries=ENTRY),
    message("receive", 2, 3, 25, "n2", "n1", "AppendEntries"),
)


def test_a_message_that_changed_something_is_drawn_and_an_idle_heartbeat_is_counted() -> None:
    svg = str(sequence(recording(n1=N1, n2=N2)))
    assert paths(svg, "message") == 1 + 2  # a shaft and a head
    assert "appends 1" in "".join(ElementTree.fromstring(svg).itertext())
    assert any("1 message from which nothing followed" in text for text in texts(svg))


def test_a_lost_vote_request_is_drawn_as_lost() -> None:
    svg = str(sequence(recording(n1=N1, n2=N2)))
    assert paths(svg, "lost") == 1
    assert any("RequestVote lost" in text for text in texts(svg))


def test_a_fault_stands_where_it_began_before_what_followed_from_it() -> None:
    action = {"kind": "Kill", "nodes": ["n1"], "links": [], "took_effect": True}
    fault = History(
        [
            Operation(0, 8, NEMESIS, "invoke", "kill", None, {"target": "n1"}),
            Operation(1, 90, NEMESIS, "info", "kill", None, {"actions": [action]}),
        ]
    )
    stopped = NodeTrace(node="n1", events=(event(1, 8, "stop", "n1"), event(2, 60, "restart", "n1")))
    svg = str(sequence(Recording(nodes=("n1",), history=fault, traces={"n1": stopped})))
    drawn = [text for text in texts(svg) if text == "kill n1" or "stop" in text or "begins" in text]
    marked = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert drawn[0] == "kill n1"
    assert marked[1:] == ["stop", "life 1 begins in term 1"]


def test_what_the_evidence_names_is_marked() -> None:
    evidence = [Evidence("wrong", "it is", operations=(0,), events=(EventRef("n2", 1, 2),))]
    svg = str(sequence(recording(n1=N1, n2=N2), evidence))
    assert svg.count("<circle") > 0
    wrong = [one for one in ElementTree.fromstring(svg).iter(f"{SVG}circle") if one.get("class") == "wrong"]
    assert len(wrong) == 2


def test_markup_in_values_is_text() -> None:
    svg = str(sequence(recording(n1=N1, n2=N2)))
    assert "<r1>" not in svg
    assert "register svc/1.2.3.4:5 = <r1>" in "".join(ElementTree.fromstring(svg).itertext())


def test_a_long_run_shows_its_end_and_says_so() -> None:
    many = tuple(event(number, number, "term", "n1") for number in range(1, 2 * MOST_ROWS))
    svg = str(sequence(recording(n1=many)))
    circles = list(ElementTree.fromstring(svg).iter(f"{SVG}circle"))
    assert len(circles) == MOST_ROWS
    assert any("the first" in text for text in texts(svg))


def test_nothing_at_all_can_be_drawn() -> None:
    svg = str(sequence(Recording(nodes=("n1",), history=History([]))))
    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


def test_a_read_that_found_nothing_is_drawn_as_nothing() -> None:
    read = [
        Operation(0, 5, 0, "invoke", "lookup", "svc/1.2.3.4:5", node="n1"),
        Operation(1, 50, 0, "ok", "lookup", "svc/1.2.3.4:5", node="n1"),
    ]
    svg = str(sequence(Recording(nodes=("n1",), history=History(read))))
    assert "ok nothing" in "".join(ElementTree.fromstring(svg).itertext())
