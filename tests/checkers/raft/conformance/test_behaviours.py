"""Random behaviours of the specification are accepted; what is accepted has Raft's invariants."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from checkers.raft import raft_invariants
from checkers.raft.conformance import Conformance
from checkers.verdict import Validity, Verdict
from history import NodeTrace, TraceEvent
from tests.checkers.builders import recording
from tests.checkers.raft.conformance.behaviour import Behaviour


def judge(traces: dict[str, NodeTrace]) -> Verdict:
    return Conformance().check(recording(nodes=tuple(traces), traces=traces))


def wandering(seed: int, steps: int = 250) -> Behaviour:
    random = Random(seed)
    behaviour = Behaviour(("n1", "n2", "n3", "n4", "n5")[: random.choice((1, 3, 3, 4, 5))])
    first, *others = behaviour.names
    if random.random() < 0.7:
        behaviour.elect(first, *others)
    behaviour.wander(random, steps)
    return behaviour


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_random_behaviour_of_the_specification_is_never_invalid(seed: int) -> None:
    verdict = judge(wandering(seed).traces())
    assert verdict.validity is not Validity.INVALID, verdict.evidence[0]
    assert verdict.validity is Validity.VALID or "trivially" in verdict.summary


def test_most_random_behaviours_elect_and_commit() -> None:
    verdicts = [judge(wandering(seed).traces()) for seed in range(40)]
    assert sum(verdict.validity is Validity.VALID for verdict in verdicts) >= 12
    actions = [verdict.measures["actions"] for verdict in verdicts]
    assert sum(a.get("Restart", 0) for a in actions) > 20
    assert sum(a.get("BecomeLeader", 0) for a in actions) > 40


def changes(event: TraceEvent, names: Sequence[str], random: Random) -> list[dict[str, Any]]:
    """Other lines that a node might have written in the place of this one."""
    found: list[dict[str, Any]] = []
    match event.event:
        case "vote":
            found += [{"vote": name} for name in names if name != event.vote]
        case "commit":
            found += [{"commit": event.commit + 1}, {"commit": event.commit - 1}]
        case "term":
            found += [{"term": event.term + 1}, {"term": event.term - 1}]
        case "role":
            found += [{"role": role} for role in ("leader", "candidate", "follower") if role != event.role]
        case "append":
            row = event.entries[-1]
            found.append({"entries": (*event.entries[:-1], msgspec.structs.replace(row, hash="f" * 16))})
            found.append({"entries": (*event.entries[:-1], msgspec.structs.replace(row, term=row.term + 1))})
        case "truncate":
            found.append({"index": (event.index or 0) - 1, "last": event.last - 1})
        case "synced":
            found.append({"index": (event.index or 0) + random.choice((-1, 1))})
        case "restart" if event.life > 1:
            found += [{"term": event.term + 1}, {"term": event.term - 1}, {"vote": random.choice(names)}]
            found.append({"last": event.last - 1, "entries": ()})
        case "send" if event.ok is not None:
            found.append({"ok": not event.ok})
            if event.message == "AppendEntriesReply":
                found.append({"index": (event.index or 0) + 1})
        case "send" if event.message == "AppendEntries":
            found += [{"index": (event.index or 0) + 1}, {"count": event.count + 1}]
        case "send":
            found.append({"index": (event.index or 0) + 1})
    return [change for change in found if all(value is None or value != -1 for value in change.values())]


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), pick=st.integers(0, 2**32))
def test_a_changed_line_is_refused_or_breaks_no_invariant(seed: int, pick: int) -> None:
    """The proof that a change was harmless is independent of the specification's statement: what Raft
    guarantees (Figure 3) still holds of the changed traces, by checkers that share no code with it."""
    random = Random(pick)
    behaviour = wandering(seed % 300)
    traces = behaviour.traces()
    places = [
        (name, at, change)
        for name, trace in traces.items()
        for at, event in enumerate(trace.events)
        for change in changes(event, behaviour.names, random)
    ]
    if not places:
        return
    name, at, change = random.choice(places)
    events = list(traces[name].events)
    events[at] = msgspec.structs.replace(events[at], **change)
    traces[name] = NodeTrace(name, tuple(events))
    if judge(traces).validity is Validity.INVALID:
        return
    run = recording(nodes=tuple(traces), traces=traces)
    broken = [
        v for v in (checker.check(run) for checker in raft_invariants()) if v.validity is Validity.INVALID
    ]
    assert not broken, (name, at, change, broken[0].evidence[0])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 300), pick=st.integers(0, 2**32))
def test_a_line_that_no_action_allows_is_always_refused(seed: int, pick: int) -> None:
    """Whatever surrounds it: a state that differs from what the actions came to, a vote for who did not
    ask, an entry that no leader sent."""
    random = Random(pick)
    behaviour = wandering(seed)
    traces = behaviour.traces()
    places: list[tuple[str, int, dict[str, Any]]] = []
    for name, trace in traces.items():
        for at, event in enumerate(trace.events):
            if event.event == "restart":
                continue
            places.append((name, at, {"last": event.last + 1}))
            places.append((name, at, {"commit": event.commit + 1}))
            if event.event == "vote" and event.vote != name:
                places += [(name, at, {"vote": v}) for v in behaviour.names if v not in (event.vote, name)]
            if event.event == "append" and event.role != "leader":
                row = msgspec.structs.replace(event.entries[-1], hash="f" * 16)
                places.append((name, at, {"entries": (*event.entries[:-1], row)}))
    if not places:
        return
    name, at, change = random.choice(places)
    events = list(traces[name].events)
    events[at] = msgspec.structs.replace(events[at], **change)
    traces[name] = NodeTrace(name, tuple(events))
    verdict = judge(traces)
    assert verdict.validity is Validity.INVALID, (name, at, change)
    event = events[at]
    refused = {event.seq}
    if event.event == "commit" and at + 1 < len(events):
        # A leader may be able to commit one more: then the next line, which takes it back, is what cannot be.
        refused.add(events[at + 1].seq)
    assert any(
        ref.node == name and ref.life == event.life and ref.seq in refused
        for evidence in verdict.evidence
        for ref in evidence.events
    )
