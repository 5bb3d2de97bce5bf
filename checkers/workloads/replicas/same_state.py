"""Same state: nodes that have applied the same entries hold the same state.

Operations: `hash`, whose reply is a pair of a number and a text: the index of the last entry that the node
has applied, and its state then, such as a hash. The node applied every entry up to that index. Any other
operation is left to other checkers. Where two nodes, or one node at two times, state different states at the
same index, one of them has lost an entry or applied one twice: each replica starts in the same state and
applies the same entries in the same order (Raft, section 5.3, State Machine Safety).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkers.limits import MOST_EVIDENCE
from checkers.verdict import Evidence, IllegalOperation, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import count, plural
from history import NEMESIS, History, Operation, Recording

HASH = "hash"
OTHER_STATE = "two nodes applied the same entries and hold different states"


@dataclass(frozen=True)
class SameState:
    """Compares what nodes state at the same index."""

    name: str = "same-state"

    def judge(self, recording: Recording) -> Verdict:
        """Compare the states of each index.

        Raises:
            IllegalOperation: a reply that is not a pair of a number and a text.
        """
        stated: dict[int, dict[str, Operation]] = {}
        asked: set[str | None] = set()
        for one in recording.history.operations:
            if one.f != HASH or one.process == NEMESIS:
                continue
            asked.add(one.node)
            if one.type == "ok":
                index, state = _pair(one)
                stated.setdefault(index, {}).setdefault(state, one)
        nodes = _comparable(recording)
        bad = {index: list(states.values()) for index, states in stated.items() if len(states) > 1}
        evidence = tuple(
            _evidence(recording.history, index, states)
            for index, states in sorted(bad.items())[:MOST_EVIDENCE]
        )
        mark: Mark
        if evidence:
            mark, summary = Validity.INVALID, evidence[0].text
        elif len(nodes) < 2:
            mark, summary = Unjudged.NOT_EXERCISED, "no two nodes stated their states at the same index"
        elif missing := sorted(str(node) for node in asked - nodes):
            mark = Validity.UNKNOWN
            summary = f"{', '.join(missing)} stated no state at an index of another node"
        else:
            mark = Validity.VALID
            summary = f"{plural(len(nodes), 'node')} held the same state wherever they had applied as much"
        measures = {"indices": len(stated), "nodes": len(nodes), "different": len(bad)}
        return Verdict.marked(self.name, mark, summary, evidence, measures)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _comparable(recording: Recording) -> set[str | None]:
    """The nodes that stated a state at an index at which another node did."""
    nodes: dict[int, set[str | None]] = {}
    for one in recording.history.operations:
        if one.f == HASH and one.type == "ok" and one.process != NEMESIS:
            nodes.setdefault(_pair(one)[0], set()).add(one.node)
    return {node for together in nodes.values() if len(together) > 1 for node in together}


def _pair(one: Operation) -> tuple[int, str]:
    value: Any = one.value
    match value:
        case [int(index), str(state)] if type(index) is int:
            return index, state
    raise IllegalOperation(one.index, f"a hash replies an index and a state, not {value!r}")


def _evidence(history: History, index: int, states: list[Operation]) -> Evidence:
    first, second, *_ = states
    return Evidence(
        f"{first.node} and {second.node} hold different states",
        f"After entry {count(index)}, {first.node} stated {_pair(first)[1]}, and {second.node} stated "
        f"{_pair(second)[1]}.",
        tuple(sorted(history.number(one.index) for one in states)),
        nodes=tuple(str(one.node) for one in states),
        kind=OTHER_STATE,
    )
