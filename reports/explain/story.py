"""Chooses what led to a violation: at most a dozen lines of elections, faults, entries and answers.

Every line that might be in the story has a rank. Those of the lowest rank are taken, of equal ones the
nearest to the violation, and the lines that are taken stand in the order of time. Times are the nodes' own
clocks where traces show them: on one machine they are one clock; elsewhere the order of lines of different
nodes may be off by the difference of their clocks.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from checkers.explanation import MOST_LINES, StoryLine
from checkers.words import count
from history import TraceEvent
from reports.explain.gathered import Reign
from reports.explain.lines.answers import behind
from reports.explain.lines.effects import lines_of_effects
from reports.explain.lines.entries import lines_of_entries
from reports.explain.lines.expiries import lines_of_expiry
from reports.explain.lines.standstill import lines_of_standstill, standstill_of
from reports.explain.lines.under_way import NOTHING_ASKED, near
from reports.explain.scene import decided_of, numbered, outcome_of, ref_of
from reports.explain.sentences.of_clients import culprit
from reports.explain.steps import did, ended_by, index_of, line_of, rule_broken
from reports.explain.telling import OF_ENTRIES, Telling
from reports.faults import FaultPeriod
from reports.spans import READS, Span
from reports.text import seconds

MOST_STEPS = 2
MOST_NAMED = 8
MOST_WRITES = 2
MOST_RESTORED = 3
MOST_ELECTIONS = 5


class Candidate(NamedTuple):
    """A line that may be in the story; the lowest rank first."""

    rank: int
    line: StoryLine


def story_of(telling: Telling) -> tuple[StoryLine, ...]:
    """The lines of a story, in the order of time."""
    candidates = [*_of_cause(telling), *_of_operations(telling)]
    candidates += [Candidate(rank, line) for rank, line in lines_of_entries(telling)]
    found = standstill_of(telling)
    if found is not None:
        if found.is_wrong:
            candidates = [
                Candidate(one.rank, msgspec.structs.replace(one.line, is_wrong=False)) for one in candidates
            ]
        candidates += [Candidate(0, line) for line in lines_of_standstill(telling, found)]
    candidates += [Candidate(1, line) for line in lines_of_effects(telling)]
    candidates = _each_once(candidates)
    if not any(one.line.is_wrong and one.line.operation is not None for one in candidates):
        candidates = _with_its_operation(telling, candidates)
    if telling.cause.verdict.checker == "expiry":
        own = list(lines_of_expiry(telling))
        named = {line.operation for line in own if line.is_wrong}
        candidates = [one for one in candidates if not one.line.is_wrong or one.line.operation not in named]
        candidates += [Candidate(0 if line.is_wrong else 1, line) for line in own]
    matters = [one.line for one in candidates if one.rank <= 2]
    window = _window(telling, matters)
    shown = {line.term for line in matters}
    around = window if telling.wrong is None else _until_the_last_step(telling, window, candidates)
    candidates += _of_elections(telling, around, window, shown)
    candidates += [*_of_lives(telling, around), *_of_faults(telling, around)]
    middle = window[1]
    unique = _each_once(candidates)
    nearest = sorted(unique, key=lambda one: (one.rank, abs((one.line.time or middle) - middle)))
    chosen = [one.line for one in nearest[:MOST_LINES]]
    return tuple(sorted(chosen, key=_by_time))


def _each_once(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The lines, of those about one event or one operation only the fullest, with the lowest rank of them
    all."""
    found: dict[object, Candidate] = {}
    for one in candidates:
        line = one.line
        what: object = line.event if line.event is not None else (line.kind, line.operation, line.text)
        if line.operation is not None and (line.kind == "acknowledge" or " acknowledged " in line.text):
            what = ("acknowledge", line.operation)  # which a trace and a client may both show
        known = found.setdefault(what, one)
        fullest = max((known.line, line), key=lambda line: len(line.text))
        is_wrong = known.line.is_wrong or line.is_wrong
        found[what] = Candidate(
            min(known.rank, one.rank), msgspec.structs.replace(fullest, is_wrong=is_wrong)
        )
    return list(found.values())


def _by_time(line: StoryLine) -> tuple[bool, int, int]:
    order = line.operation or 0 if line.event is None else line.event.seq
    return line.time is None, line.time or 0, order


def _window(telling: Telling, lines: Iterable[StoryLine]) -> tuple[int, int]:
    """From the first to the last moment of the lines that must be there."""
    times = [line.time for line in lines if line.time is not None]
    return (min(times), max(times)) if times else (0, telling.scene.end)


def _until_the_last_step(
    telling: Telling, window: tuple[int, int], candidates: Iterable[Candidate]
) -> tuple[int, int]:
    """The time in which elections, lives and faults matter: until the last step of a node about the cause or
    its entry. What came later, when clients only saw what was done, explains nothing."""
    own = telling.indices[:1]
    steps = [
        one.line.time
        for one in candidates
        if one.line.event is not None
        and one.line.time is not None
        and (one.rank == 0 or one.line.index in own)
    ]
    return (window[0], max(steps)) if steps else window


def _of_cause(telling: Telling) -> Iterator[Candidate]:
    """The events of the evidence, and the steps that the specification forbids."""
    wrong = None if telling.wrong is None else ref_of(telling.wrong)
    for event in telling.events:
        yield Candidate(0, _step(telling, event, "", is_wrong=ref_of(event) == wrong))
        answer = behind(telling.scene, event) if event.event == "acknowledge" else None
        if answer is not None:
            line = _step(telling, answer, "", is_wrong=False)
            role = f"{answer.node}, {answer.role} of term {answer.term},"
            yield Candidate(1, msgspec.structs.replace(line, text=line.text.replace(answer.node, role, 1)))
    for number, (event, evidence) in enumerate(telling.steps[:MOST_STEPS]):
        broken = rule_broken(evidence.title)
        yield Candidate(
            0 if number == 0 else 3, _step(telling, event, broken, is_wrong=ref_of(event) == wrong)
        )
    yield from _what_came_of_votes(telling)
    if telling.cause.verdict.checker in ("snapshot-safety", "state-machine-safety"):
        nodes = {event.node for event in telling.events}
        for event in [one for one in telling.found.restored if one.node in nodes][-MOST_RESTORED:]:
            yield Candidate(1, _step(telling, event, "", is_wrong=False))
    for node in _nodes_without_events(telling):
        life = telling.scene.ended_by_itself(node)
        if life is not None:
            last = telling.found.last.get((life.node, life.life))
            if last is not None:
                yield Candidate(0, _step(telling, last, "", is_wrong=False))
            status = "" if life.status is None else f", with exit status {life.status}"
            yield Candidate(
                0,
                StoryLine(
                    text=f"{node} ended by itself in life {life.life}{status}",
                    kind="end",
                    time=life.ended_at,
                    node=node,
                    is_wrong=telling.cause.verdict.checker == "node-health",
                ),
            )


def _step(telling: Telling, event: TraceEvent, broken: str, *, is_wrong: bool) -> StoryLine:
    """The line of a step of a node, with the operation of its entry if that is known."""
    line = line_of(telling.scene, event, f"{event.node} {did(event)}{broken}", is_wrong=is_wrong)
    span = operation_of(telling, event)
    if span is None:
        decided = "".join(decided_of(entry.op) for entry in event.entries) if event.event == "append" else ""
        return msgspec.structs.replace(line, text=f"{line.text}{decided}")
    return msgspec.structs.replace(line, operation=span.index, text=f"{line.text}: {numbered(span)}")


def operation_of(telling: Telling, event: TraceEvent) -> Span | None:
    """The client's operation that an event is about: that of its entry, or of the first one it removes."""
    op = event.op
    if op is None and event.entries and event.event in OF_ENTRIES:
        op = next((entry.op for entry in event.entries if entry.op is not None), None)
    index = index_of(event)
    if op is None and index is not None and event.event in OF_ENTRIES:
        here = [fact for fact in telling.found.of(index) if fact.event.node == event.node and fact.entry]
        last = [fact for fact in here if (fact.event.life, fact.event.seq) <= (event.life, event.seq)]
        op = last[-1].entry.op if last and last[-1].entry is not None else None
    if op is None or not op.isdecimal():
        return None
    return telling.scene.span(int(op))


def _with_its_operation(telling: Telling, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The lines, with the operation that the wrong step was about, where the step itself names none.

    It is the first one of the evidence; where that has none, one that was under way. Where no line is wrong,
    since a checker shows no step, a line of its own names it.
    """
    wrong = telling.wrong
    ended = next(map(telling.scene.ended_by_itself, _nodes_without_events(telling)), None)
    marked = next((place for place, one in enumerate(candidates) if one.line.is_wrong), None)
    if wrong is not None:
        node, time = wrong.node, telling.scene.time(wrong)
    elif ended is not None:
        node, time = ended.node, ended.ended_at
    else:
        return list(candidates)
    index = None
    if telling.spans:
        operation, words = telling.spans[0].index, f"about {numbered(telling.spans[0])}"
    elif (found := near(telling.scene, node, time, wrong)) is not None:
        operation, words, index = found.span.index, found.words(node), found.at_index
    else:
        operation, words = None, NOTHING_ASKED
    if marked is None:
        if telling.spans:
            return list(candidates)
        line = StoryLine(text=words, kind="note", time=time, node=node, operation=operation, index=index)
        return [*candidates, Candidate(0, line)]
    rank, line = candidates[marked]
    named = msgspec.structs.replace(line, text=f"{line.text}; {words}", operation=operation)
    return [*candidates[:marked], Candidate(rank, named), *candidates[marked + 1 :]]


def _nodes_without_events(telling: Telling) -> tuple[str, ...]:
    """The nodes of evidence that has no events of theirs: a node's end has none."""
    return () if telling.evidence is None or telling.events else tuple(telling.evidence.nodes)


def _what_came_of_votes(telling: Telling) -> Iterator[Candidate]:
    """Who voted for whom in a term that should not have had its leader, and what that leader wrote first."""
    events = [*telling.events, *(event for event, _ in telling.steps[:1])]
    terms = {event.term for event in events if event.event in ("role", "vote")}
    for term in sorted(terms)[:2]:
        votes = [vote for vote in telling.found.votes if vote.term == term]
        if len(votes) > 1 and any(event.event == "role" for event in events):
            given = ", ".join(f"{vote.node} for {vote.vote}" for vote in votes[:MOST_NAMED])
            last = max(votes, key=lambda vote: vote.at)
            line = line_of(
                telling.scene, last, f"votes that nodes gave in term {term}, early or late: {given}"
            )
            yield Candidate(1, msgspec.structs.replace(line, node=None, event=None))
        for reign in telling.found.reigns:
            if reign.term == term and reign.first is not None:
                yield Candidate(1, _step(telling, reign.first, "", is_wrong=False))


# ---- operations ------------------------------------------------------------------------------------------


def _of_operations(telling: Telling) -> Iterator[Candidate]:
    """The operations of the evidence: the last answer, the writes that were acknowledged, then the others."""
    for rank, spans in ((1, telling.spans), (2, telling.effect_spans)):
        last = _last(telling, spans)
        both = {span.index for span in telling.spans} & {span.index for span in telling.effect_spans}
        written = [span for span in spans if span.f not in READS and span.outcome == "ok"]
        first = [*(span for span in spans if span.index in both), *written][:MOST_WRITES]
        for span in spans:
            if span is last:
                is_wrong = telling.wrong is None and rank == 1
                yield Candidate(0 if rank == 1 else 1, _answered(telling, span, is_wrong=is_wrong))
            else:
                yield Candidate(rank if span in first else rank + 2, _answered(telling, span))


def _last(telling: Telling, spans: Sequence[Span]) -> Span | None:
    """The operation whose answer is wrong; of what followed, the last one to be answered."""
    if not spans:
        return None
    if spans is telling.spans:
        return culprit(telling)
    return max(spans, key=lambda span: (span.end or 0, span.index))


def _answered(telling: Telling, span: Span, *, is_wrong: bool = False) -> StoryLine:
    """What a client asked and was answered, when it was answered; without an answer, when it asked."""
    is_open = span.end is None or span.outcome in ("pending", "info")
    time = span.begin if span.end is None or is_open else span.end
    return StoryLine(
        text=outcome_of(span),
        kind="invoke" if is_open else "complete",
        time=time if telling.scene.is_timed else None,
        node=span.node,
        process=span.process,
        operation=span.index,
        index=span.raft_index,
        is_wrong=is_wrong,
    )


# ---- what went on around it ------------------------------------------------------------------------------


def _of_elections(
    telling: Telling,
    around: tuple[int, int],
    window: tuple[int, int],
    shown: Container[int | None],
) -> Iterator[Candidate]:
    """The leaders of the terms of the cause in the whole story, the last one before it, and those until the
    last step: of terms that no other line is of, only where there is room. Many of these are one line."""
    terms = {event.term for event in (*telling.events, *(event for event, _ in telling.steps[:1]))}
    timed = sorted(
        (
            (time, reign)
            for reign in telling.found.reigns
            if (time := telling.scene.time(reign.begin)) is not None
        ),
        key=lambda one: one[0],
    )
    before = [reign for time, reign in timed if time < window[0]][-1:]
    within = [
        reign
        for time, reign in timed
        if window[0] <= time <= (window[1] if reign.term in terms else around[1])
    ]
    others = [reign for reign in within if reign.term not in terms]
    if len(others) > MOST_ELECTIONS:
        within = [reign for reign in within if reign.term in terms]
        yield Candidate(3, _many_leaders(telling, others))
    for reign in (*before, *within):
        begins = "became leader of" if reign.begin.event == "role" else "led"
        line = line_of(telling.scene, reign.begin, f"{reign.node} {begins} term {reign.term}")
        rank = 1 if reign.term in terms else 2 if reign.term in shown else 4
        yield Candidate(rank, msgspec.structs.replace(line, kind="election", index=None))


def _many_leaders(telling: Telling, reigns: Sequence[Reign]) -> StoryLine:
    """One line for leaders that followed one another; they are in the order of time."""
    first, last = reigns[0], reigns[-1]
    until = telling.scene.time(last.begin)
    text = (
        f"from here, {count(len(reigns))} leaders followed one another in terms {first.term} to {last.term}"
        f"{'' if until is None else f', the last from {seconds(until)} on'}"
    )
    return msgspec.structs.replace(line_of(telling.scene, first.begin, text), kind="election", index=None)


def _of_lives(telling: Telling, window: tuple[int, int]) -> Iterator[Candidate]:
    nodes = set(_nodes(telling))
    for restart in telling.found.restarts:
        time = telling.scene.time(restart)
        if restart.life == 1 or time is None or not window[0] <= time <= window[1]:
            continue
        life = telling.scene.life(restart.node, restart.life - 1)
        why = "" if life is None else f", after {ended_by(life)}"
        text = f"{restart.node} {did(restart)}{why}"
        yield Candidate(3 if restart.node in nodes else 4, line_of(telling.scene, restart, text))


def _of_faults(telling: Telling, window: tuple[int, int]) -> Iterator[Candidate]:
    """The faults of that time; first those under which a node at fault was when it happened."""
    nodes = set(_nodes(telling))
    moment = _moment(telling, window)
    for period in telling.scene.faults:
        if period.end < window[0] or period.begin > window[1]:
            continue
        touches = bool(nodes & set(telling.scene.struck_by(period)))
        strikes = touches and period.begin <= moment <= period.end
        yield Candidate(1 if strikes else 3 if touches else 4, _broken(period))


def _moment(telling: Telling, window: tuple[int, int]) -> int:
    """When the step that must not happen was taken; without one, the end of the story."""
    time = None if telling.wrong is None else telling.scene.time(telling.wrong)
    return window[1] if time is None else time


def _broken(period: FaultPeriod) -> StoryLine:
    until = f", until {seconds(period.end)}" if period.healed else ", until the end"
    return StoryLine(
        text=f"fault: {period.label}{until}",
        kind="fault",
        time=period.begin,
        node=period.nodes[0] if len(period.nodes) == 1 else None,
        operation=period.operation,
    )


def _nodes(telling: Telling) -> list[str]:
    wrong = telling.wrong
    found = [wrong.node] if wrong is not None else []
    found += [event.node for event in telling.events]
    found += [span.node for span in telling.spans if span.node is not None]
    return list(dict.fromkeys(found))


def nodes_of(telling: Telling) -> tuple[str, ...]:
    """The nodes that take part, the one at fault first."""
    return tuple(_nodes(telling))
