"""The sentences of violations that clients saw: a wrong answer, two holders of a lock, transactions without
an order.

Each says who answered which operation with what, when, as what the node took itself, and what contradicts it.
None from such a function means that the evidence lacks what the sentence needs.
"""

from __future__ import annotations

import re

from history.units import SECOND_NS
from reports.explain.scene import answered, numbered, outcome_of
from reports.explain.steps import deposed_by, newest_reign, reign_at
from reports.explain.telling import Telling
from reports.spans import READS, Span
from reports.text import duration, first_sentence, has_time, seconds

LONGEST_NUMBER = 16
_NAMED = re.compile(r"[Ll]et (T\d+) be operation (\d+)")


def anomaly(telling: Telling) -> str | None:
    """Transactions without an order: which saw what of which."""
    evidence = telling.evidence
    if evidence is None:
        return None
    ends = [f"operation {span.index}{telling.scene.at(span.end)}" for span in telling.spans[:3]]
    if not evidence.links:
        return f"{evidence.kind or evidence.title}: {first_sentence(evidence.text)} ({', '.join(ends)})"
    numbers = dict(_NAMED.findall(evidence.text))
    reasons = [
        re.sub(r"\bT\d+\b", lambda match: f"operation {numbers.get(match[0], match[0])}", link.text)
        for link in evidence.links[:3]
    ]
    more = "; and so on" if len(evidence.links) > 3 else ""
    return f"{evidence.kind or evidence.title}: {'; but '.join(reasons)}{more} ({', '.join(ends)})"


_CONTRADICTION = re.compile(
    r"(?P<key>.+?) is not linearizable(: (?P<answer>.+?))?(, although (?P<other>.+))?", re.DOTALL
)
_MOMENT = re.compile(r"(?P<node>\S+) had .* at (?P<time>\d+\.\d{3}) s", re.DOTALL)
_TIME = re.compile(r"\bat (\d+\.\d{3}) s\b")
_THIS_ONE = re.compile(r"\bthis one: operation (\d+)")
_BEGINS_WITH = re.compile(r"Operation (\d+) \(")


def answered_wrongly(telling: Telling) -> str | None:
    """What clients saw: who answered, as what, what contradicts it, and how long before."""
    if telling.evidence is None or not telling.spans:
        return None
    last = culprit(telling)
    title = telling.evidence.title
    who = standing(telling, last)
    match = _CONTRADICTION.fullmatch(title)
    if match is None or last.end is None:
        return f"{title} (operation {last.index}{f'; {last.node}, {who}' if who else ''})"
    answer = match["answer"]
    if last.node is not None and answer is not None and answer.startswith(f"{last.node} "):
        rest = answer.removeprefix(f"{last.node} ")
        sentence = (
            f"{last.node}{f', {who},' if who else ''} {rest} (operation {last.index} on {match['key']})"
        )
    else:
        sentence = f"{outcome_of(last)}{telling.scene.at(last.end)}"
    return sentence + _contradicted(telling, last, match["other"])


def _contradicted(telling: Telling, last: Span, other: str | None) -> str:
    """What an answer contradicts: `, 0.9 s after n1 had acknowledged r582 at 3.1 s (operation 582, ...)`."""
    assert telling.evidence is not None
    if other is not None:
        return f", {_before(telling, last, other)}"
    if not _THIS_ONE.search(telling.evidence.text):
        return f": {first_sentence(telling.evidence.text)}"
    before = [
        span
        for span in telling.spans
        if span.f not in READS and span.outcome == "ok" and span.end is not None and span.end <= last.begin
    ]
    if not before:
        others = [str(span.index) for span in telling.spans if span.index != last.index][:4]
        many = "operation" if len(others) == 1 else "operations"
        return (
            f", which no order explains, with {many} {', '.join(others)}"
            if others
            else ", which no order explains"
        )
    newest = max(before, key=lambda span: span.end or 0)
    facts = _facts(telling, newest)
    return (
        f", {_after(telling, newest, last)} {numbered(newest)} had been {answered(newest)}"
        f"{telling.scene.at(newest.end)}{f' ({facts})' if facts else ''}"
    )


def _before(telling: Telling, last: Span, other: str) -> str:
    """`0.9 s after n1 had acknowledged r582 at 3.1 s (operation 582, index 233, term 2)`."""
    match = _MOMENT.fullmatch(other)
    earlier = next((span for span in telling.spans if match is not None and _is_at(span, match)), None)
    if earlier is None or earlier.end is None or last.end is None:
        return f"although {other}"
    facts = _facts(telling, earlier)
    return (
        f"{_after(telling, earlier, last)} {other} (operation {earlier.index}{f', {facts}' if facts else ''})"
    )


def _after(telling: Telling, earlier: Span, last: Span) -> str:
    between = (last.end or 0) - (earlier.end or 0)
    return f"{duration(between)} after" if between > 0 and telling.scene.is_timed else "although"


def _facts(telling: Telling, span: Span) -> str:
    """`index 233, term 2`, as far as the reply and the traces name them."""
    if span.raft_index is None:
        return ""
    terms = [
        fact.entry.term
        for fact in telling.found.of(span.raft_index)
        if fact.entry is not None and fact.entry.op == str(span.index)
    ]
    return ", ".join([f"index {span.raft_index}", *(f"term {term}" for term in terms[:1])])


def _is_at(span: Span, match: re.Match[str]) -> bool:
    """Whether an operation is the one that a title names by its node and the time of its answer."""
    if span.end is None or f"{span.end / SECOND_NS:.3f}" != match["time"]:
        return False
    return span.node is None or span.node == match["node"]


def culprit(telling: Telling) -> Span:
    """The operation whose answer is wrong: the one that the evidence names, else the last to be answered."""
    named = _THIS_ONE.search(telling.evidence.text) if telling.evidence is not None else None
    if named is not None and len(named[1]) < LONGEST_NUMBER:
        for span in telling.spans:
            if span.index == int(named[1]):
                return span
    times = _TIME.findall(telling.evidence.title) if telling.evidence is not None else []
    then = [
        span
        for span in telling.spans
        if times and span.end is not None and f"{span.end / SECOND_NS:.3f}" == times[0]
    ]
    if then:
        first = _BEGINS_WITH.match(telling.evidence.text) if telling.evidence is not None else None
        # a file without times has all at 0.000 s
        return next((span for span in then if first is not None and str(span.index) == first[1]), then[0])
    return max(telling.spans, key=lambda span: (span.end or 0, span.index))


def standing(telling: Telling, span: Span) -> str:
    """What the node that answered took itself for: `leader of term 1, deposed at 3.750 s`; else who led."""
    node, time = span.node, span.end
    if node is None or time is None:
        return ""
    reign = reign_at(telling.scene, telling.found.reigns, node, time)
    if reign is None:
        return leader_then(telling, time)
    other = deposed_by(telling.scene, telling.found, reign, time)
    if other is None:
        return f"leader of term {reign.term}"
    fault = telling.scene.fault_on(node, time)
    under = f" under {fault.label} since {seconds(fault.begin)}" if fault is not None else ""
    return (
        f"leader of term {reign.term}{under}, deposed{telling.scene.when(other.begin)} by {other.node}, "
        f"leader of term {other.term}"
    )


def leader_then(telling: Telling, time: int) -> str:
    """`no leader while n2 led term 2`: the leader of the newest term at that time, if one led."""
    newest = newest_reign(telling.scene, telling.found, time)
    return "" if newest is None else f"no leader while {newest.node} led term {newest.term}"


def in_full(telling: Telling) -> str | None:
    """The first sentence of the evidence, which says what was wrong with which answer; when, and who led."""
    if telling.evidence is None or not telling.spans:
        return None
    last = culprit(telling)
    who = standing(telling, last)
    sentence = first_sentence(telling.evidence.text)
    at = telling.scene.at(last.end)
    when = "" if has_time(sentence) or not at else f"; operation {last.index} was answered{at}"
    return f"{sentence}{when}{f' ({last.node}, {who})' if who else ''}"


def two_holders(telling: Telling) -> str | None:
    """Who got a lock by which operation while who else held it; of a token, the sentence of the evidence."""
    if telling.evidence is None or not telling.spans:
        return None
    if not telling.evidence.title.startswith("two processes held a lock") or len(telling.spans) < 2:
        return in_full(telling)
    first, second = telling.spans[0], telling.spans[-1]
    key = "" if second.key is None else f" {second.key}"
    since = telling.scene.at(first.end).replace(" at ", " since ", 1)
    return (
        f"process {second.process} got the lock{key}{_by(second)}{telling.scene.at(second.end)} (operation "
        f"{second.index}), while process {first.process} held it{_by(first)}{since} (operation {first.index})"
    )


def _by(span: Span) -> str:
    return "" if span.node is None else f" from {span.node}"


def watched(telling: Telling) -> str | None:
    """Who answered a watch, with what was wrong with the answer."""
    if telling.evidence is None or not telling.spans:
        return None
    last = culprit(telling)
    why = telling.evidence.text.partition("): ")[2].removesuffix(".")
    return f"{outcome_of(last)}{telling.scene.at(last.end)}: {why or telling.evidence.title}"
