"""What a seeded bug did in a simulated run, noted by the bug itself, against which an explanation is checked.

A mutant's class overrides a rule. `watched` wraps that class: each time that the rule answers otherwise than
the correct one, or that a rule with effects does what the correct one would not, a `Deed` notes the node, its
term, the time, and after which event of the node's trace it was. For bugs of the disk, whose harm shows only
after a restart, the deeds are the restarts that lost what an earlier life had, as the traces show.

    .venv/bin/python -m tests.reports.explain.deeds [NAME ...]

explains a run of each seeded bug with its known seed, and prints for which of them the headline and the story
name the node, the term and the operation of a deed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from checkers.explanation import Explanation
from harness.mutants.catalogue import MUTANTS
from harness.mutants.mutant import Mutant
from harness.sim.judging import results_of
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from harness.sim.seeds.hunting import options_for
from harness.sim.world.process import Process
from history import Recording
from node_impl.core.build import Parts
from node_impl.core.events import TruncateRecord
from node_impl.core.node import Node
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.registry.commands import decode_command
from node_impl.core.requests import Deregister, Update
from reports.explain import explain
from reports.spans import Spans

STEP_EVENTS = 12
"""A node's step traces at most about this number of events that a deed may be about."""


class Deed(NamedTuple):
    """The bug acted."""

    node: str
    term: int
    time: int
    life: int
    after: int
    """The number of the last event that the node's life had traced."""


LOST_ON_RESTART = frozenset(
    {
        "buffered-log",
        "forgetful",
        "hard-state-not-written",
        "install-over-newer-log",
        "never-fsync",
        "recover-short",
        "swallow-disk-errors",
        "term-not-persisted",
        "vote-not-persisted",
    }
)
"""Bugs whose deeds are restarts that lost something."""

COMPARED = frozenset(
    {
        "index_held_by_a_majority",
        "index_of_reading",
        "lease_ns",
        "outcome_of_orphan",
        "own_match_index",
        "sessions_in_snapshot",
        "snapshot_index",
        "sync_barrier",
        "truncation_point",
    }
)
"""Rules without effects, besides those that answer yes or no: both answers are compared."""


def _forgets(entry: Any) -> bool:
    return (
        entry.kind == "command"
        and entry.index % 4 == 0
        and isinstance(decode_command(entry.payload), Deregister)
    )


def _is_commit_beyond(state: Any, request: AppendEntries) -> bool:
    matched = request.prev_log_index + len(request.entries)
    last: int = state.log.last_index
    is_of_term: bool = request.term == state.current_term
    return is_of_term and min(request.leader_commit, last) > matched


ACTS: Mapping[str, Callable[..., bool]] = {
    "assume-all-matched": lambda self, _, reply: (
        reply.success
        and self._state.role == "leader"
        and reply.term == self._state.current_term
        and reply.match_index < self._state.log.last_index
    ),
    "commit-unmatched": lambda self, _, request: _is_commit_beyond(self._state, request),
    "deregister-forgotten": lambda _, entry: _forgets(entry),
    "discard-on-election": lambda self: self._state.log.last_index > self._state.commit_index,
    "expire-by-own-clock": lambda self, *_: self._raft.state.role != "leader",
    "late-beat-resurrects": lambda self, key: self._beaten.get(key) is not None,
    "list-in-halves": lambda self, body, *_: id(body) in self._begun,
    "obey-deposed-leaders": lambda self, _, request: (
        self._state.role == "follower" and request.term < self._state.current_term
    ),
    "snapshot-applied-again": lambda self: self._raft.snapshots.installed is not None,
    "truncation-not-written": lambda _, records: any(isinstance(one, TruncateRecord) for one in records),
    "update-registers-absent": lambda self, command, _: (
        isinstance(command, Update) and self.get(command.key) is None
    ),
}
"""By bug with effects: whether a call of its rule does what the correct one would not; without, all calls."""
ONE_RULE: Mapping[str, str] = {
    "expire-by-own-clock": "decide",
    "late-beat-resurrects": "outcome_of_late_beat",
    "list-in-halves": "read_state",
}
"""By bug of several methods, the one that does what is wrong."""


def watched(mutant: Mutant, deeds: list[Deed]) -> Parts:
    """The parts of a mutant, which note each deed."""
    broken = mutant.broken
    wrapped = {
        name: _noting(mutant.name, name, broken, deeds)
        for name, member in vars(broken).items()
        if callable(member) and not name.startswith("__") and ONE_RULE.get(mutant.name, name) == name
    }
    part = next(one.name for one in fields(Parts) if getattr(mutant.parts, one.name) is broken)
    changed: dict[str, Any] = {part: type(broken.__name__, (broken,), wrapped)}
    return replace(mutant.parts, **changed)


def _always(*_: Any) -> bool:
    return True


def _noting(mutant: str, name: str, broken: type, deeds: list[Deed]) -> Callable[..., Any]:
    rule, correct = getattr(broken, name), getattr(broken.__mro__[1], name)
    is_compared = name in COMPARED or rule.__annotations__.get("return") == "bool"
    acts: Callable[..., bool] = ACTS.get(mutant, _always)

    def noted(self: Any, *arguments: Any) -> Any:
        is_deed = not is_compared and acts(self, *arguments)
        deed = _deed() if is_deed or is_compared else None
        if deed is not None and is_deed:
            deeds.append(deed)  # before the rule, which may end the node
        answer = rule(self, *arguments)
        if deed is not None and is_compared and answer != correct(self, *arguments):
            deeds.append(deed)
        return answer

    return noted


def _deed() -> Deed | None:
    """Who acts now: the simulated process on whose behalf this code runs."""
    frame = sys._getframe(2)
    while frame is not None:
        process = frame.f_locals.get("self")
        if isinstance(process, Process):
            node = process._node
            term = node.raft.state.current_term if isinstance(node, Node) else 0
            life = process.life + (node is None)
            return Deed(process.name, term, process._world.now, life, len(process._trace))
        frame = frame.f_back  # type: ignore[assignment]
    return None


def losses(recording: Recording) -> Iterator[Deed]:
    """The restarts that lost a term, a vote or entries that an earlier life had, and ends by themselves."""
    for node, trace in recording.traces.items():
        term, vote, held = 0, None, 0
        for event in trace.events:
            if event.event == "restart" and event.life > 1:
                lost_vote = event.term == term and vote is not None and event.vote != vote
                if event.term < term or lost_vote or event.last < held:
                    yield Deed(node, event.term, event.at, event.life, event.seq - 1)
            if event.event in ("restart", "term", "vote", "role"):
                term, vote = event.term, event.vote if event.event == "vote" else vote
                vote = None if event.event == "term" else vote
            if event.event == "synced" and event.index is not None:
                held = event.index
            elif event.event in ("truncate", "restart"):
                held = min(held, event.last)


def explained(mutant: Mutant) -> tuple[Explanation | None, list[Deed], SimulatedRun]:
    """The explanation of the run with a mutant's known seed, and what the mutant did in it."""
    deeds: list[Deed] = []
    ran = run(plan_of(mutant.seed, options_for(mutant.name)), parts=watched(mutant, deeds))
    found = results_of(ran)
    recording = ran.recording()
    if mutant.name in LOST_ON_RESTART:
        deeds = list(losses(recording))
    return explain(recording, found.verdicts, found.required), deeds, ran


def unnamed(explanation: Explanation, deeds: list[Deed], ran: SimulatedRun, *, strictly: bool = False) -> str:
    """What headline and story do not name: the node and term of any deed, or its operation; else empty.

    Args:
        strictly: only the headline and the line that is marked as wrong may name node and term.
    """
    recording = ran.recording()
    lines = [line for line in explanation.story if line.is_wrong or not strictly]
    sentences = [explanation.headline, *(line.text for line in lines)]
    named = [deed for deed in deeds if any(_names(text, deed) for text in sentences)]
    if not deeds:
        return "the bug did nothing"
    if not named:
        return "no node and term of a deed"
    spans = Spans.of(recording.history)
    for deed in named:
        for line in lines:
            event = line.event
            at_event = (
                event is not None
                and (event.node, event.life) == (deed.node, deed.life)
                and deed.after < event.seq <= deed.after + STEP_EVENTS
            )
            if at_event or (line.operation is not None and _touches(recording, spans, line.operation, deed)):
                return ""
    return "no operation of a deed"


def _names(text: str, deed: Deed) -> bool:
    return bool(re.search(rf"\b{deed.node}\b", text) and re.search(rf"\bterm {deed.term}\b", text))


def _touches(recording: Recording, spans: Spans, operation: int, deed: Deed) -> bool:
    """Whether an operation was under way at a deed, and the node served it, led, or held its entry."""
    position = spans.position(operation)
    span = None if position is None else spans.span(position)
    if span is None or span.is_nemesis or span.begin > deed.time:
        return False
    if span.end is not None and span.outcome == "ok" and span.end < deed.time:
        return False
    if span.node == deed.node:
        return True
    trace = recording.traces[deed.node]
    before = [event for event in trace.events if (event.life, event.seq) <= (deed.life, deed.after)]
    if before and before[-1].role == "leader":
        return True  # to which other nodes forward what their clients ask
    return any(entry.op == str(operation) for event in trace.events for entry in event.entries)


def main() -> None:
    """Print for which seeded bugs headline and story name the deed."""
    names = sys.argv[1:] or list(MUTANTS)
    passed = strictly = 0
    for name in names:
        explanation, deeds, ran = explained(MUTANTS[name])
        lacks = "nothing was found" if explanation is None else unnamed(explanation, deeds, ran)
        passed += not lacks
        is_strict = explanation is not None and not unnamed(explanation, deeds, ran, strictly=True)
        strictly += is_strict
        loose = "" if is_strict else "  (not by the headline and the marked line alone)"
        sys.stdout.write(f"{'no ' if lacks else 'yes'} {name:28} {len(deeds):6} deeds  {lacks}{loose}\n")
        sys.stdout.flush()
    sys.stdout.write(
        f"{passed} of {len(names)} name node, term and operation of the cause, {strictly} by the headline "
        "and the marked line alone\n"
    )


if __name__ == "__main__":
    main()
