"""Where the tests of conformance begin: behaviours that the specification has, and how they are judged."""

from __future__ import annotations

from checkers.raft.conformance import Conformance
from checkers.verdict import Evidence, Verdict
from history import NodeTrace
from tests.checkers.builders import recording
from tests.checkers.raft.conformance.behaviour import Behaviour


def judge(traces: Behaviour | dict[str, NodeTrace], nodes: tuple[str, ...] = ("n1", "n2", "n3")) -> Verdict:
    built = traces.traces() if isinstance(traces, Behaviour) else traces
    return Conformance().check(recording(nodes=nodes, traces=built))


def settled() -> Behaviour:
    """n1 leads term 1; all hold two entries and have committed the first."""
    b = Behaviour()
    b.elect("n1", "n2", "n3")
    b.replicate("n1", "n2", "n3")
    b.advance("n1", 1)
    b.client_request("n1")
    b.synced("n1")
    b.replicate("n1", "n2", "n3")
    return b


def deposed() -> Behaviour:
    """As `settled`; n1 has then a third entry that nobody else holds, and n2 leads term 2."""
    b = settled()
    b.client_request("n1")
    b.synced("n1")
    b.elect("n2", "n3")
    return b


def unlike() -> Behaviour:
    """n1's third entry is of term 1; n2 leads term 2, with another third entry and a fourth."""
    b = deposed()
    b.client_request("n2")
    return b


def votes_twice(b: Behaviour) -> None:
    for candidate in ("n2", "n3"):
        b.timeout(candidate)
        b.synced(candidate)
    b.deliver_to("n1", "n2")
    b.deliver_to("n1", "n3")
    b["n1"].voted_for = "n3"
    b.line("n1", "vote", vote="n3")


def found(evidence: tuple[Evidence, ...], action: str, guard: str) -> bool:
    return any(f"{action} does not allow" in item.title and guard in item.title for item in evidence)
