"""The one sentence of a violation: who, what, when.

Each kind of violation has a function that knows its evidence: of what nodes did in `of_nodes`, of what
clients saw in `of_clients`. Where none does, the title of the evidence stands, with the time, the
node's role and the term that the traces add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reports.explain.cause import CONFORMANCE
from reports.explain.lines.effects import without_effect
from reports.explain.scene import outcome_of
from reports.explain.sentences.of_clients import anomaly, answered_wrongly, in_full, two_holders, watched
from reports.explain.sentences.of_instances import decided_early, wrong_about_an_instance
from reports.explain.sentences.of_nodes import (
    acknowledged_early,
    against_members,
    applied_twice,
    different_logs,
    different_states,
    ended,
    forbidden,
    forgot,
    held_too_much,
    left_behind,
    not_recovered,
    stood_still,
    two_leaders,
    voted_twice,
)
from reports.explain.telling import Telling
from reports.text import has_time, shorten

LONGEST = 240
"""Characters of a headline: three lines of a terminal of 80 columns."""

Sentence = Callable[[Telling], str | None]


def headline(telling: Telling) -> str:
    """The sentence, with what followed from it."""
    evidence = telling.evidence
    if evidence is None:
        return f"{telling.cause.verdict.checker}: {telling.cause.verdict.summary}"
    make = SENTENCES.get(telling.cause.verdict.checker)
    sentence = (make(telling) if make is not None else None) or _plain(telling)
    sentence = _AGAIN.sub(r"\1: it", sentence)
    effect = "" if telling.effect is None else _in_brief(telling.effect.title) + without_effect(telling)
    if effect and effect not in sentence and len(sentence) + len(effect) + len(AFTER) <= LONGEST:
        sentence += f"{AFTER}{effect}"
    for less, rest in _LESS:
        if len(sentence) > LONGEST:
            sentence = less.sub(rest, sentence)
    return shorten(sentence, LONGEST)


_AGAIN = re.compile(r"(\(operation (\d+)(?: [^()]{1,200})?\)): Operation \2 \([^()]{1,200}\)")
"""An operation that is named a second time, with all that was said of it the first time."""
_LESS = (
    (re.compile(r" under [^,]{1,100}? since [\d.]+ s"), ""),
    (re.compile(r"(\(operation \d+) on [^()]{1,200}\)"), r"\1)"),
    (re.compile(r" \([a-z-]+ [^()]{1,200}\)(?= (?:at index|had been))"), ""),
)
"""What is left out of a long headline, in this order, as the story has it: the fault, keys, arguments."""
AFTER = "; then "
_DETAILS = (
    re.compile(r", acknowledged .*?,(?= was )"),
    re.compile(r" in the linearizable list.*$"),
    re.compile(r" \(only .*?\)"),
    re.compile(r"(?<= is not linearizable): .*$", re.DOTALL),
)
"""What the title of a consequence says more than who suffered what; the story and the evidence have it."""


def _in_brief(title: str) -> str:
    """What followed, without the details: `registration r219 was lost`."""
    for detail in _DETAILS:
        title = detail.sub("", title)
    return title


def _plain(telling: Telling) -> str:
    """The title of the evidence, with the time and the term that it does not name."""
    assert telling.evidence is not None
    title = telling.evidence.title
    if telling.events:
        event = telling.events[-1]
        when = telling.scene.when(event)
        title += f" in term {event.term}" if "term" not in title else ""
        return title if has_time(title) else title + when
    if has_time(title) or not telling.spans:
        return title
    shown = [*telling.spans[:1], *telling.spans[1:][-2:]]
    return f"{title}: {'; '.join(f'{outcome_of(span)}{telling.scene.at(span.end)}' for span in shown)}"


SENTENCES: Mapping[str, Sentence] = {
    "one-vote-a-term": lambda telling: voted_twice(telling) or forgot(telling),
    "election-safety": two_leaders,
    "term-monotonic": forgot,
    "durable-log": forgot,
    CONFORMANCE: forbidden,
    "durable-before-acknowledge": acknowledged_early,
    "linearizability": answered_wrongly,
    "index-honesty": in_full,
    "session-guarantees": in_full,
    "sessions": in_full,
    "causal": in_full,
    "watch": watched,
    "watch-order": in_full,
    "membership": against_members,
    "membership-views": in_full,
    "subscriptions": in_full,
    "log-matching": different_logs,
    "recovery": lambda telling: stood_still(telling) or not_recovered(telling),
    "convergence": lambda telling: stood_still(telling) or left_behind(telling),
    "liveness": stood_still,
    "applied-once": applied_twice,
    "lease": two_holders,
    "bounded-staleness": answered_wrongly,
    "durability": answered_wrongly,
    "snapshot-safety": different_states,
    "node-health": ended,
    "resources": held_too_much,
    "transactions": anomaly,
    "expiry": wrong_about_an_instance,
    "beats": decided_early,
}
"""By checker, the function that makes its sentence; None from it falls back to the plain one."""
