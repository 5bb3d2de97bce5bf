"""Finds the violation from which the others follow: by the graph of checkers, and by when each first shows.

The graph (`checkers.causes`) says which checker's violations can explain which. An explanation that begins
after what it would explain is dropped: a node that ended at 6 s did not cause what was lost at 2 s. Of
several root causes, the earliest is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from checkers.causes import causes
from checkers.verdict import Evidence, Validity, Verdict
from reports.explain.scene import Scene

CONFORMANCE = "conformance"
ANSWERS, ORDERS = "index-honesty", "linearizability"
OF_RAFT = frozenset(
    {
        "commit-monotonic",
        "committed-never-truncated",
        "durable-before-acknowledge",
        "durable-log",
        "election-safety",
        "leader-append-only",
        "leader-completeness",
        "log-matching",
        "membership",
        "one-vote-a-term",
        "snapshot-safety",
        "state-machine-safety",
        "term-monotonic",
    }
)
"""The checkers of Raft's invariants, each of which may show what a step that the specification forbids
did."""
NODES_SHOW = OF_RAFT | {CONFORMANCE, "node-health"}
"""Checkers whose violations have their moment in what nodes did."""
HARM = (
    "durability",
    "expiry",
    "beats",
    "applied-once",
    "linearizability",
    "transactions",
    "set-full",
    "total-queue",
    "lock",
    "lease",
    "bank",
    "index-honesty",
    "session-guarantees",
    "recovery",
)
"""Checkers of the harm that clients see, the gravest first."""
MILD = frozenset({"index-honesty", "session-guarantees", "bounded-staleness"})
"""Checkers whose violations are not worth telling as the consequence of another."""
MOST_LOOKED_AT = 40
"""How many pieces of evidence of one verdict are placed in time."""


class Cause(NamedTuple):
    """The violation to tell first."""

    verdict: Verdict
    evidence: Evidence | None
    place: int | None
    """The place of the evidence in the verdict's."""
    follows: tuple[str, ...]
    """The checkers whose violations it may explain, in the verdicts' order."""
    apart: tuple[str, ...]
    """The other checkers that found a violation."""
    more: int
    """How many more violations there are."""


class _First(NamedTuple):
    """The first violation of a verdict."""

    time: int | None
    place: int | None
    at: tuple[str, int, int] = ("", 0, 0)
    """Node, life and number of its last event, which order what one node did in one instant."""


def find_cause(scene: Scene, verdicts: Sequence[Verdict]) -> Cause | None:
    """The root cause of a run's violations; None if there is none."""
    invalid = [verdict for verdict in verdicts if verdict.validity is Validity.INVALID]
    if not invalid:
        return None
    first = {verdict.checker: _first_of(scene, verdict) for verdict in invalid}
    by_name = {verdict.checker: verdict for verdict in invalid}
    effects = _effects(invalid, first)
    caused = {effect for reached in effects.values() for effect in reached}
    roots = [verdict for verdict in invalid if verdict.checker not in caused]
    chosen = min(roots, key=lambda verdict: _rank(first[verdict.checker], verdict, roots))
    follows = effects[chosen.checker]
    place = first[chosen.checker].place
    others = [name for name in by_name if name != chosen.checker]
    count = sum(int(verdict.measures.get("violations", len(verdict.evidence)) or 1) for verdict in invalid)
    return Cause(
        chosen,
        None if place is None else chosen.evidence[place],
        place,
        tuple(name for name in others if name in follows),
        tuple(name for name in others if name not in follows),
        max(count - 1, len(others)),
    )


def time_of(scene: Scene, evidence: Evidence) -> int | None:
    """When a violation shows: at the last of its events, or the last completion of its operations."""
    events = [event for event in map(scene.event, evidence.events) if event is not None]
    times = [time for time in map(scene.time, events) if time is not None]
    if times:
        return max(times)
    if not evidence.operations and not evidence.events and evidence.nodes:
        life = scene.ended_by_itself(evidence.nodes[0])
        return None if life is None else life.ended_at
    ends = [span.end for span in scene.operations(evidence.operations[:MOST_LOOKED_AT])]
    return max((end for end in ends if end is not None), default=None)


def _first_of(scene: Scene, verdict: Verdict) -> _First:
    found = [
        _First(time_of(scene, evidence), place, _last_event(evidence))
        for place, evidence in enumerate(verdict.evidence[:MOST_LOOKED_AT])
        if evidence.title != NOT_KNOWN
    ]
    return min(
        found, key=lambda one: (one.time is None, one.time or 0, one.place), default=_First(None, None)
    )


def _last_event(evidence: Evidence) -> tuple[str, int, int]:
    if not evidence.events:
        return ("", 0, 0)
    last = evidence.events[-1]
    return (last.node, last.life, last.seq)


NOT_KNOWN = "not known from the traces"
"""The title of evidence that says what is missing, next to the violations of an invalid verdict."""


def _effects(invalid: Sequence[Verdict], first: dict[str, _First]) -> dict[str, set[str]]:
    """By checker, those that it may explain, also over others: none that shows before it."""
    if len(first) == 1:
        return {name: set() for name in first}
    import networkx as nx  # imported here: it takes longer to load than most histories to judge

    graph = causes(invalid)
    effects = {
        name: {effect for effect in nx.descendants(graph, name) if _may_follow(first, name, effect)}
        for name in first
    }
    if {ANSWERS, ORDERS} <= set(first) and _not_later(first[ANSWERS], first[ORDERS]):
        # An answer that contradicts the log at its own index is the wrong step; that no order explains all
        # answers only follows from it.
        effects[ORDERS].discard(ANSWERS)
        effects[ANSWERS] |= {ORDERS, *effects[ORDERS]}
    if CONFORMANCE in effects:
        # The specification has every step of a node: one that it forbids may explain all that comes after it.
        step = first[CONFORMANCE]
        others = set(first) - {CONFORMANCE}
        after = {name for name in others if name not in NODES_SHOW or not _not_later(first[name], step)}
        for name in after:
            effects[name].discard(CONFORMANCE)
        effects[CONFORMANCE] |= after
        for name in others - after:
            if name in OF_RAFT:
                effects[name].add(CONFORMANCE)
                effects[name] |= {one for one in after if _may_follow(first, name, one)}
    return effects


def _not_later(one: _First, other: _First) -> bool:
    if one.time is None or other.time is None:
        return True
    if one.time == other.time and one.at[0] and one.at[0] == other.at[0]:
        return one.at <= other.at
    return one.time <= other.time


def _may_follow(first: dict[str, _First], cause: str, effect: str) -> bool:
    """Whether an effect does not show before its cause. What clients see may: a read of an entry that was
    lost later is wrong only when the whole run is known. A decision on an instance comes before its effect; a
    silence in which none came explains nothing that has a time."""
    if cause == "beats" and first[cause].time is None:
        return False
    may_be_before = effect not in NODES_SHOW and cause not in ("beats", "snapshot-safety")
    return may_be_before or _not_later(first[cause], first[effect])


def _rank(first: _First, verdict: Verdict, roots: Sequence[Verdict]) -> tuple[int, bool, int, bool, int]:
    """What nodes did comes first, by time; of equal ones, conformance last, as the others say what the step
    meant.

    Then the harm that clients saw, the gravest first. States that differ at the end show that something went
    wrong and not what: so they come last, if some harm shows before.
    """
    name = verdict.checker
    harm = HARM.index(name) if name in HARM else None
    if name == "snapshot-safety" and any(one.checker in HARM for one in roots):
        tier = len(HARM) + 1
    elif name in NODES_SHOW:
        tier = 0
    else:
        tier = len(HARM) + 2 if harm is None else 1 + harm
    return tier, first.time is None, first.time or 0, name == CONFORMANCE, first.at[2]
