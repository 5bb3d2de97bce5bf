"""What a seeded bug did in a simulated run, noted by the bug itself, against which an explanation is checked.

A mutant's class overrides a rule. `watched` wraps that class: each time that the rule answers otherwise than
the correct one, or that a rule with effects does what the correct one would not, a `Deed` notes the node, its
term, the time, and after which event of the node's trace it was. For bugs of the disk, whose harm shows only
after a restart, the deeds are the restarts that lost what an earlier life had, as the traces show.

    .venv/bin/python -m tests.reports.explain.deeds [NAME ...]
    .venv/bin/python -m tests.reports.explain.deeds --draw SEED

explains a run of each seeded bug with its known seed, and prints for which of them the headline and the story
name the node, the term and the operation of a deed. With `--draw`, ten bugs are drawn, and for each a seed
from which on runs are made until one is invalid.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from checkers.explanation import Explanation
from checkers.verdict import Validity
from harness.mutants.catalogue import MUTANTS
from harness.mutants.mutant import Mutant
from harness.sim.judging import results_of
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from harness.sim.seeds.hunting import options_for
from harness.sim.world.process import Process
from history import Recording
from node_impl.core.build import Parts
from node_impl.core.events import HardState, TruncateRecord
from node_impl.core.node import Node
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.registry.commands import decode_command
from node_impl.core.requests import Deregister, Update
from reports.explain import explain
from reports.explain.lines.under_way import NOTHING_ASKED
from reports.spans import Spans
from tests.reports.pages.first_screen import FirstScreen, in_words

STEP_EVENTS = 12
"""A node's step traces at most about this number of events that a deed may be about."""


class Deed(NamedTuple):
    """The bug acted."""

    node: str
    term: int
    """The node's; of a deed while the node read its disk, the one with which it then began."""
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
        "kernel-trusted",
        "log-before-snapshot",
        "name-not-synced",
        "never-fsync",
        "recover-short",
        "renamed-before-synced",
        "snapshot-overwritten",
        "swallow-disk-errors",
        "term-not-persisted",
        "unreadable-is-new",
        "vote-not-persisted",
    }
)
"""Bugs whose deeds are restarts that lost something, or that could not read what was there."""
PROMISES = frozenset({"hard-state-not-written", "term-not-persisted", "vote-not-persisted"})
"""Those of them that let a message promise what is not on disk: this is a deed, too, whatever is lost."""

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


def _is_commit_beyond(replication: Any, request: AppendEntries) -> bool:
    """Whether more is taken for committed than a request vouches for; if it is refused, that is nothing."""
    state = replication._state
    matched = request.prev_log_index + len(request.entries)
    reached: int = min(request.leader_commit, state.log.last_index)
    is_of_term: bool = request.term == state.current_term
    is_vouched_for = replication.previous_entry_matches(request) and reached <= matched
    return is_of_term and reached > state.commit_index and not is_vouched_for


ACTS: Mapping[str, Callable[..., bool]] = {
    "assume-all-matched": lambda self, _, reply: (
        reply.success
        and self._state.role == "leader"
        and reply.term == self._state.current_term
        and reply.match_index < self._state.log.last_index
    ),
    "commit-unmatched": lambda self, _, request: _is_commit_beyond(self, request),
    "deregister-forgotten": lambda _, entry: _forgets(entry),
    "hard-state-not-written": lambda _, records: any(isinstance(one, HardState) for one in records),
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
        if deed is not None and name == "enter_term":
            deed = deed._replace(term=arguments[0])
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
            elif event.event == "truncate":
                held = min(held, event.last)
            elif event.event == "restart":
                held = event.last  # a correct node has on disk what it begins with
    for life in recording.lives:
        if life.ended_by is None and life.ended_at is not None:
            last = recording.traces[life.node].events[-1]
            yield Deed(life.node, last.term, life.ended_at, life.life, last.seq)


def explained(mutant: Mutant, seed: int | None = None) -> tuple[Explanation | None, list[Deed], SimulatedRun]:
    """The explanation of the run with a seed, or with a mutant's known one, and what the mutant did in it."""
    deeds: list[Deed] = []
    seed = mutant.seed if seed is None else seed
    ran = run(plan_of(seed, options_for(mutant.name)), parts=watched(mutant, deeds))
    found = results_of(ran)
    recording = ran.recording()
    if mutant.name in LOST_ON_RESTART:
        deeds = [*losses(recording), *(deeds if mutant.name in PROMISES else ())]
    begun = {
        (event.node, event.life): event.term
        for trace in recording.traces.values()
        for event in trace.events
        if event.event == "restart"
    }
    deeds = [
        deed if deed.term else deed._replace(term=begun.get((deed.node, deed.life), 0)) for deed in deeds
    ]
    return explain(recording, found.verdicts, found.required), deeds, ran


def unnamed(screen: FirstScreen, deeds: list[Deed], ran: SimulatedRun) -> str:
    """What the words of a first screen do not name: node and term of a deed, or its operation; else empty."""
    recording = ran.recording()
    sentences = [screen.headline, *(words for _, words in screen.lines)]
    named = [deed for deed in deeds if any(_names(text, deed) for text in sentences)]
    if not deeds:
        return "the bug did nothing"
    if not named:
        return "no node and term of a deed"
    spans = Spans.of(recording.history)
    numbered = [
        (line, line.operation)
        for line, words in screen.lines
        if line.operation is not None and re.search(rf"\boperation {line.operation}\b", words)
    ]
    in_headline = {int(number) for number in re.findall(r"\boperation (\d{1,15})\b", screen.headline)}
    begins = spans.begin[spans.client]
    first = int(begins.min()) if len(begins) else None
    for deed in named:
        if any(NOTHING_ASKED in words for words in sentences) and (first is None or deed.time < first):
            return ""
        if any(_touches(recording, spans, operation, deed) for operation in in_headline):
            return ""
        for line, operation in numbered:
            event = line.event
            at_event = (
                event is not None
                and (event.node, event.life) == (deed.node, deed.life)
                and deed.after < event.seq <= deed.after + STEP_EVENTS
            )
            if at_event or _touches(recording, spans, operation, deed):
                return ""
    return "no operation of a deed"


def _names(text: str, deed: Deed) -> bool:
    return bool(re.search(rf"\b{deed.node}\b", text) and re.search(rf"\bterm {deed.term}\b", text))


def _touches(recording: Recording, spans: Spans, operation: int, deed: Deed) -> bool:
    """Whether an operation was under way at a deed, and the node served it, led, or held its entry; or it
    was the last one in the node's log."""
    position = spans.position(operation)
    span = None if position is None else spans.span(position)
    if span is None or span.is_nemesis or span.begin > deed.time:
        return False
    trace = recording.traces[deed.node]
    before = [event for event in trace.events if (event.life, event.seq) <= (deed.life, deed.after)]
    appended = (event for event in before if event.event == "append")
    held = [entry.op for event in appended for entry in event.entries if entry.op is not None]
    if held and held[-1] == str(operation):
        return True
    if span.end is not None and span.outcome == "ok" and span.end < deed.time:
        return False
    if span.node == deed.node:
        return True
    if before and before[-1].role == "leader":
        return True  # to which other nodes forward what their clients ask
    return any(entry.op == str(operation) for event in trace.events for entry in event.entries)


DRAWN = 10
MOST_TRIES = 12
"""Seeds that are run until one shows a drawn bug; one that none of them shows is drawn again."""


def drawn(seed: int) -> Iterator[tuple[str, int]]:
    """Bugs in a drawn order, each with the first of its seeds."""
    chance = random.Random(seed)
    for name in chance.sample(sorted(MUTANTS), len(MUTANTS)):
        yield name, chance.randrange(1_000_000, 1_000_000_000)


def first_invalid(name: str, seed: int) -> tuple[int, Explanation, list[Deed], SimulatedRun] | None:
    """The first run from a seed on that is invalid; None if no run of `MOST_TRIES` is."""
    for tried in range(seed, seed + MOST_TRIES):
        explanation, deeds, ran = explained(MUTANTS[name], tried)
        if explanation is not None and explanation.validity is Validity.INVALID:
            return tried, explanation, deeds, ran
    return None


def main() -> None:
    """Print for which seeded bugs headline and story name the deed."""
    names = sys.argv[1:] or list(MUTANTS)
    wanted = drawn(int(names[1])) if names[0] == "--draw" else ((name, None) for name in names)
    looked = passed = strictly = 0
    for name, begin in wanted:
        if begin is None:
            explanation, deeds, ran = explained(MUTANTS[name])
        else:
            found = first_invalid(name, begin)
            if found is None:
                sys.stdout.write(f"    {name:28} no seed from {begin} on shows it\n")
                continue
            _, explanation, deeds, ran = found
        lacks = "nothing was found" if explanation is None else unnamed(in_words(explanation), deeds, ran)
        looked += 1
        passed += not lacks
        is_strict = explanation is not None and not unnamed(in_words(explanation, strictly=True), deeds, ran)
        strictly += is_strict
        loose = "" if is_strict else "  (not by the headline and the marked line alone)"
        seed = ran.plan.test.seed
        sys.stdout.write(
            f"{'no ' if lacks else 'yes'} {name:28} seed {seed:9} {len(deeds):6} deeds  {lacks}{loose}\n"
        )
        if lacks and explanation is not None:
            sys.stdout.write(f"        {explanation.headline}\n")
        sys.stdout.flush()
        if begin is not None and looked == DRAWN:
            break
    sys.stdout.write(
        f"{passed} of {looked} name node, term and operation of the cause, {strictly} by the headline "
        "and the marked line alone\n"
    )


if __name__ == "__main__":
    main()
