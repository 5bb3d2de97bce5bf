"""Chooses what led to a violation: at most a dozen lines of elections, faults, entries and answers.

Every line that might be told has a rank. Those of the lowest rank are taken, of equal ones the nearest to
the violation, and the lines that are taken stand in the order of time. Times are the nodes' own clocks where
traces show them: on one machine they are one clock; elsewhere the order of lines of different nodes may be
off by the difference of their clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from checkers.explanation import MOST_LINES, StoryLine
from reports.explain.gathered import Fact, Reign
from reports.explain.scene import answer_of, name_of, numbered, ref_of
from reports.explain.steps import did, ended_by, line_of, rule_broken
from reports.explain.telling import Telling
from reports.faults import FaultPeriod
from reports.spans import READS, Span
from reports.text import seconds

MOST_STEPS = 2


class Candidate(NamedTuple):
    """A line that may be told; the lowest rank first."""

    rank: int
    line: StoryLine


def story_of(telling: Telling) -> tuple[StoryLine, ...]:
    """The lines of a story, in the order of time."""
    candidates = [*_of_cause(telling), *_of_steps(telling), *_of_operations(telling), *_of_entries(telling)]
    window = _window(telling, [one.line for one in candidates if one.rank <= 2])
    candidates += [*_of_elections(telling, window), *_of_lives(telling, window), *_of_faults(telling, window)]
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
    return line.time is None, line.time or 0, 0 if line.event is None else line.event.seq


def _window(telling: Telling, lines: Iterable[StoryLine]) -> tuple[int, int]:
    """From the first to the last moment of the lines that must be told."""
    times = [line.time for line in lines if line.time is not None]
    return (min(times), max(times)) if times else (0, telling.scene.end)


def _of_cause(telling: Telling) -> Iterator[Candidate]:
    wrong = telling.wrong
    for event in telling.events:
        is_wrong = wrong is not None and ref_of(event) == ref_of(wrong)
        line = line_of(telling.scene, event, is_wrong=is_wrong)
        if event.event in ("append", "truncate", "acknowledge", "apply") and line.index is not None:
            line = _with_operation(telling, line, event.op)
        yield Candidate(0, line)


def _with_operation(telling: Telling, line: StoryLine, op: str | None) -> StoryLine:
    """The line with the operation of its entry, if that is known."""
    if op is None or not op.isdecimal() or (span := telling.scene.span(int(op))) is None:
        return line
    return msgspec.structs.replace(line, operation=span.index, text=f"{line.text}: {numbered(span)}")


def _of_steps(telling: Telling) -> Iterator[Candidate]:
    wrong = telling.wrong
    for number, (event, evidence) in enumerate(telling.steps[:MOST_STEPS]):
        is_wrong = wrong is not None and ref_of(event) == ref_of(wrong)
        text = f"{event.node} {did(event)}{rule_broken(evidence.title)}"
        yield Candidate(0 if number == 0 else 3, line_of(telling.scene, event, text, is_wrong=is_wrong))


# ---- operations ------------------------------------------------------------------------------------------


def _of_operations(telling: Telling) -> Iterator[Candidate]:
    for rank, spans in ((1, telling.spans), (2, telling.effect_spans)):
        last = max(spans, key=lambda span: (span.end or 0, span.index), default=None)
        for span in spans:
            mine = span is last
            wrong = mine and telling.wrong is None and rank == 1
            yield Candidate(0 if wrong else rank - mine, _answered(span, is_wrong=wrong))


def _answered(span: Span, *, is_wrong: bool = False) -> StoryLine:
    """What a client asked and was answered, when it was answered; without an answer, when it asked."""
    where = f" at index {span.raft_index}" if span.raft_index is not None else ""
    by = f"{span.node} " if span.node is not None else ""
    if span.end is None or span.outcome in ("pending", "info"):
        sent = f", sent to {span.node}," if span.node is not None else ""
        text = f"{numbered(span)}{sent} had no answer that says whether it happened"
        when, kind = span.begin, "invoke"
    elif span.outcome == "fail":
        text = f"{numbered(span)} failed{f': {span.error}' if span.error else ''}"
        when, kind = span.end, "complete"
    elif span.f in READS:
        text = f"{by}answered operation {span.index} ({name_of(span)}) with {answer_of(span)}{where}"
        when, kind = span.end, "complete"
    else:
        text = f"{by}acknowledged operation {span.index} ({name_of(span)}){where}"
        when, kind = span.end, "complete"
    return StoryLine(
        text=text,
        kind="invoke" if kind == "invoke" else "complete",
        time=when,
        node=span.node,
        process=span.process,
        operation=span.index,
        index=span.raft_index,
        is_wrong=is_wrong,
    )


# ---- entries ---------------------------------------------------------------------------------------------


def _of_entries(telling: Telling) -> Iterator[Candidate]:
    for number, index in enumerate(telling.indices):
        rank = 1 + 2 * (number > 0)
        facts = telling.found.of(index)
        for name in ("append", "truncate", "lost", "acknowledge"):
            of_kind = [fact for fact in facts if fact.kind == name]
            if name == "append":
                of_kind = [fact for fact in of_kind if fact.event.role == "leader"][:3]
            for fact in of_kind[:3]:
                yield Candidate(rank, _fact(telling, fact))
        grouped = _on_disk(telling, facts, index)
        if grouped is not None:
            yield Candidate(rank + 1, grouped)
        for fact in sorted((one for one in facts if one.kind == "commit"), key=lambda one: one.event.at)[:1]:
            yield Candidate(rank + 1, _fact(telling, fact))


def _entry(telling: Telling, fact: Fact) -> tuple[str, int | None]:
    """The entry of a fact in words, and the number of its operation."""
    entry = fact.entry
    if entry is None:
        return f"the entry at index {fact.at_index}", None
    if (
        entry.op is not None
        and entry.op.isdecimal()
        and (span := telling.scene.span(int(entry.op))) is not None
    ):
        return f"{numbered(span)} at index {fact.at_index} of term {entry.term}", span.index
    return f"an entry of the leader's own at index {fact.at_index} of term {entry.term}", None


def _fact(telling: Telling, fact: Fact) -> StoryLine:
    event = fact.event
    what, operation = _entry(telling, fact)
    role = f", {event.role} of term {event.term}," if event.role == "leader" else ""
    words = {
        "append": f"{event.node}{role} appended {what}",
        "truncate": f"{event.node}{role} removed {what} from its log, in term {event.term}",
        "lost": f"{event.node} came back in term {event.term} without {what}",
        "acknowledge": f"{event.node}{role} acknowledged {what}",
        "commit": f"{event.node}{role} took {what} for committed, in term {event.term}",
        "apply": f"{event.node} applied {what}",
        "disk": f"{event.node} had {what} on disk",
        "snapshot": f"{event.node} installed a snapshot that holds index {fact.at_index}",
    }
    return StoryLine(
        text=words[fact.kind],
        kind="truncate" if fact.kind == "lost" else fact.kind,
        time=telling.scene.time(event),
        node=event.node,
        operation=operation,
        term=event.term,
        index=fact.at_index,
        event=ref_of(event),
    )


def _on_disk(telling: Telling, facts: list[Fact], index: int) -> StoryLine | None:
    """Which nodes had the entry on disk, and when, in one line; for the entry that is told of."""
    held = [fact for fact in facts if fact.kind == "disk"]
    if not held:
        return None
    first = min(held, key=lambda fact: fact.event.at)
    same = [fact for fact in held if _identity(fact) == _identity(first)]
    by_node = {fact.event.node: fact for fact in reversed(same)}
    what, operation = _entry(telling, first)
    parts = [
        f"{node} at {seconds(at)}" if (at := telling.scene.time(fact.event)) is not None else node
        for node, fact in sorted(by_node.items(), key=lambda one: one[1].event.at)
    ]
    return StoryLine(
        text=f"on disk had {what}: {', '.join(parts)}",
        kind="disk",
        time=telling.scene.time(first.event),
        node=first.event.node,
        operation=operation,
        term=first.event.term,
        index=index,
        event=ref_of(first.event),
    )


def _identity(fact: Fact) -> tuple[int, str] | None:
    return None if fact.entry is None else (fact.entry.term, fact.entry.hash)


# ---- what went on around it ------------------------------------------------------------------------------


def _of_elections(telling: Telling, window: tuple[int, int]) -> Iterator[Candidate]:
    terms = {line.term for line in (*(e for e in telling.events), *(e for e, _ in telling.steps[:1]))}
    before: Reign | None = None
    timed = sorted(
        (
            (time, reign)
            for reign in telling.found.reigns
            if (time := telling.scene.time(reign.begin)) is not None
        ),
        key=lambda one: one[0],
    )
    within = []
    for time, reign in timed:
        if time < window[0]:
            before = reign
        elif time <= window[1]:
            within.append(reign)
    told = ([before] if before is not None else []) + within
    for reign in told:
        text = f"{reign.node} became leader of term {reign.term}"
        rank = 1 if reign.term in terms else 2
        yield Candidate(rank, line_of(telling.scene, reign.begin, text))


def _of_lives(telling: Telling, window: tuple[int, int]) -> Iterator[Candidate]:
    nodes = set(_nodes(telling))
    for restart in telling.found.restarts:
        time = telling.scene.time(restart)
        if restart.life == 1 or time is None or not window[0] <= time <= window[1]:
            continue
        life = telling.scene.life(restart.node, restart.life - 1)
        why = "" if life is None else f", after {ended_by(life)}"
        text = f"{restart.node} {did(restart)}{why}"
        yield Candidate(2 if restart.node in nodes else 4, line_of(telling.scene, restart, text))


def _of_faults(telling: Telling, window: tuple[int, int]) -> Iterator[Candidate]:
    nodes = set(_nodes(telling))
    for period in telling.scene.faults:
        if period.end < window[0] or period.begin > window[1]:
            continue
        touches = bool(nodes & set(period.nodes)) or not period.nodes
        yield Candidate(2 if touches else 4, _broken(period))


def _broken(period: FaultPeriod) -> StoryLine:
    until = f", until {seconds(period.end)}" if period.healed else ", until the end"
    return StoryLine(
        text=f"the nemesis began: {period.label}{until}",
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
