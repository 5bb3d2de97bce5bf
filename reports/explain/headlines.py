"""The one sentence of a violation: who, what, when.

Each kind of violation has a function here that knows its evidence. Where none does, the title of the evidence
stands, with the time, the node's role and the term that the traces add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from history import TraceEvent
from history.units import SECOND_NS
from reports.explain.cause import CONFORMANCE
from reports.explain.gathered import Reign
from reports.explain.scene import answered, numbered, outcome_of
from reports.explain.steps import deposed_by, did, ended_by, reign_at, rule_broken
from reports.explain.telling import Telling
from reports.spans import READS, Span
from reports.text import duration, seconds, shorten

LONGEST_NUMBER = 16
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
    effect = "" if telling.effect is None else _in_brief(telling.effect.title)
    if effect and effect not in sentence and len(sentence) + len(effect) + len(AFTER) <= LONGEST:
        sentence += f"{AFTER}{effect}"
    for less, rest in _LESS:
        if len(sentence) > LONGEST:
            sentence = less.sub(rest, sentence)
    return shorten(sentence, LONGEST)


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
        return title if _HAS_TIME.search(title) else title + when
    if _HAS_TIME.search(title) or not telling.spans:
        return title
    shown = [*telling.spans[:1], *telling.spans[1:][-2:]]
    return f"{title}: {'; '.join(f'{outcome_of(span)}{telling.scene.at(span.end)}' for span in shown)}"


_HAS_TIME = re.compile(r"\d s\b")
_NAMED = re.compile(r"[Ll]et (T\d+) be operation (\d+)")


def _anomaly(telling: Telling) -> str | None:
    """Transactions without an order: which saw what of which."""
    evidence = telling.evidence
    if evidence is None:
        return None
    ends = [f"operation {span.index}{telling.scene.at(span.end)}" for span in telling.spans[:3]]
    if not evidence.links:
        return f"{evidence.kind or evidence.title}: {_first_sentence(evidence.text)} ({', '.join(ends)})"
    numbers = dict(_NAMED.findall(evidence.text))
    reasons = [
        re.sub(r"\bT\d+\b", lambda match: f"operation {numbers.get(match[0], match[0])}", link.text)
        for link in evidence.links[:3]
    ]
    more = "; and so on" if len(evidence.links) > 3 else ""
    return f"{evidence.kind or evidence.title}: {'; but '.join(reasons)}{more} ({', '.join(ends)})"


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".")


def _voted_twice(telling: Telling) -> str | None:
    if len(telling.events) != 2:
        return None
    first, second = telling.events
    if second.event != "vote":
        return None
    scene = telling.scene
    return (
        f"{second.node} voted for {second.vote} in term {second.term}{scene.when(second)}, although it had "
        f"voted for {first.vote or 'another'} in that term{scene.when(first)}"
    )


def _two_leaders(telling: Telling) -> str | None:
    if len(telling.events) != 2 or telling.events[0].node == telling.events[1].node:
        return None
    first, second = telling.events
    scene, term = telling.scene, first.term
    voters: dict[str, set[str]] = {}
    for vote in telling.found.votes:
        if vote.term == term and vote.vote is not None:
            voters.setdefault(vote.node, set()).add(vote.vote)
    twice = [node for node, given in voters.items() if len(given) > 1]
    why = f"; {' and '.join(twice)} voted for both" if twice else ""
    return (
        f"{first.node} led term {term}{scene.when(first)}, and {second.node} led the same term"
        f"{scene.when(second)}{why}"
    )


def _forgot(telling: Telling) -> str | None:
    """A node came back without what it had on disk, or had shown to others."""
    if len(telling.events) != 2 or telling.events[1].event != "restart":
        return None
    before, restart = telling.events
    scene = telling.scene
    fault = struck(telling, restart)
    return (
        f"{restart.node} began life {restart.life}{scene.when(restart)}{fault} in term {restart.term} with "
        f"{f'its vote for {restart.vote}' if restart.vote else 'no vote'} and a log up to index "
        f"{restart.last}, although it {_had(before)}{scene.when(before)}"
    )


def _had(event: TraceEvent) -> str:
    """What bound a node when it was struck."""
    state = f"term {event.term}, its vote for {event.vote}" if event.vote else f"term {event.term}"
    if event.event == "synced":
        return f"had {state} and its log up to index {event.index or event.last} on disk"
    return f"{did(event).replace('sent', 'had sent', 1)}"


def struck(telling: Telling, restart: TraceEvent) -> str:
    """`, after kill n1 at 3.1 s`: what ended the life before."""
    life = telling.scene.life(restart.node, restart.life - 1)
    if life is None or life.ended_at is None:
        return ""
    return f", after {ended_by(life)} at {seconds(life.ended_at)},"


def _forbidden(telling: Telling) -> str | None:
    if telling.evidence is None or not telling.events:
        return None
    event = telling.events[-1]
    return f"{event.node} {did(event)}{telling.scene.when(event)}{rule_broken(telling.evidence.title)}"


_ON_DISK = re.compile(r"when it was on the disk of (?P<nodes>.+?): (?P<held>\d+) of (?P<all>\d+) nodes")


def _acknowledged(telling: Telling) -> str | None:
    """A node acknowledged a write that no majority had on disk, by the order that messages show.

    Who had it is what the checker says: the times of different nodes show no order.
    """
    event = next((one for one in telling.events if one.event == "acknowledge"), None)
    held = None if telling.evidence is None else _ON_DISK.search(telling.evidence.text)
    if event is None or held is None:
        return None
    what = numbered(telling.spans[0]) if telling.spans else "a write"
    nodes = held["nodes"].replace(", ", " and ")
    return (
        f"{event.node}, {event.role} of term {event.term}, acknowledged {what} at index {event.index}"
        f"{telling.scene.when(event)}, when by the order of messages only {nodes} had it on disk, "
        f"{held['held']} of {held['all']} nodes"
    )


_CONTRADICTION = re.compile(
    r"(?P<key>.+?) is not linearizable(: (?P<answer>.+?))?(, although (?P<other>.+))?", re.DOTALL
)
_MOMENT = re.compile(r"(?P<node>\S+) had .* at (?P<time>\d+\.\d{3}) s", re.DOTALL)
_TIME = re.compile(r"\bat (\d+\.\d{3}) s\b")
_THIS_ONE = re.compile(r"\bthis one: operation (\d+)")


def _answered(telling: Telling) -> str | None:
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
        return f": {_first_sentence(telling.evidence.text)}"
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
    for span in telling.spans if times else ():
        if span.end is not None and f"{span.end / SECOND_NS:.3f}" == times[0]:
            return span
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
    newest = _newest_reign(telling, time)
    return "" if newest is None else f"no leader while {newest.node} led term {newest.term}"


def _newest_reign(telling: Telling, time: int) -> Reign | None:
    leads = [
        reign
        for other in telling.scene.recording.nodes
        if (reign := reign_at(telling.scene, telling.found.reigns, other, time)) is not None
    ]
    return max(leads, key=lambda reign: reign.term, default=None)


def _in_full(telling: Telling) -> str | None:
    """The first sentence of the evidence, which says what was wrong with which answer; when, and who led."""
    if telling.evidence is None or not telling.spans:
        return None
    last = culprit(telling)
    who = standing(telling, last)
    sentence = _first_sentence(telling.evidence.text)
    at = telling.scene.at(last.end)
    when = "" if _HAS_TIME.search(sentence) or not at else f"; operation {last.index} was answered{at}"
    return f"{sentence}{when}{f' ({last.node}, {who})' if who else ''}"


def _member(telling: Telling) -> str | None:
    """Who led, or changed the members, against the members that it knew; and since when it knew them."""
    if telling.evidence is None or len(telling.events) < 2:
        return None
    held, event = telling.events[0], telling.events[-1]
    when, members = telling.scene.when(event), ", ".join(held.members or ())
    title = telling.evidence.title
    if title.endswith(" after its removal"):
        what = numbered(telling.spans[0]) if telling.spans else ""
        return (
            f"{event.node}, leader of term {event.term}, {did(event)}{when}{f': {what}' if what else ''}, "
            f"although the members were {members} without it{_since(telling, held)}"
        )
    if "majority of voters" in title:
        return f"{title}{when}: {_uncapitalized(_last_sentence(telling.evidence.text))}"
    in_term = "" if "term" in title else f" in term {event.term}"
    return f"{title}{in_term}{when}, when the members were {members}{_since(telling, held)}"


def _since(telling: Telling, event: TraceEvent) -> str:
    return telling.scene.when(event).replace(" at ", " since ", 1)


def _last_sentence(text: str) -> str:
    return text.removesuffix(".").rpartition(". ")[2]


def _uncapitalized(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _not_recovered(telling: Telling) -> str | None:
    """When all was healed, what did not come, and who led then."""
    if telling.evidence is None:
        return None
    reign = _newest_reign(telling, telling.scene.end)
    led = "no node led" if telling.scene.recording.traces else ""
    if reign is not None:
        led = f"{reign.node} led term {reign.term}"
    at_end = f"; at the end {led}" if led else ""
    return f"{telling.evidence.text.removesuffix('.').replace('. The', '; the', 1)}{at_end}"


def _two_holders(telling: Telling) -> str | None:
    """Who got a lock by which operation while who else held it; of a token, the sentence of the evidence."""
    if telling.evidence is None or not telling.spans:
        return None
    if not telling.evidence.title.startswith("two processes held a lock") or len(telling.spans) < 2:
        return _in_full(telling)
    first, second = telling.spans[0], telling.spans[-1]
    key = "" if second.key is None else f" {second.key}"
    since = telling.scene.at(first.end).replace(" at ", " since ", 1)
    return (
        f"process {second.process} got the lock{key}{_by(second)}{telling.scene.at(second.end)} (operation "
        f"{second.index}), while process {first.process} held it{_by(first)}{since} (operation {first.index})"
    )


def _by(span: Span) -> str:
    return "" if span.node is None else f" from {span.node}"


def _watched(telling: Telling) -> str | None:
    """Who answered a watch, with what was wrong with the answer."""
    if telling.evidence is None or not telling.spans:
        return None
    last = culprit(telling)
    why = telling.evidence.text.partition("): ")[2].removesuffix(".")
    return f"{outcome_of(last)}{telling.scene.at(last.end)}: {why or telling.evidence.title}"


def _behind(telling: Telling) -> str | None:
    """Which node did not catch up, up to where, and when that was seen."""
    if telling.evidence is None:
        return None
    return f"{telling.evidence.title}: {_uncapitalized(_last_sentence(telling.evidence.text))}"


def _different_states(telling: Telling) -> str | None:
    """Two nodes have different states at one index: how each came to it."""
    if telling.evidence is None or len(telling.events) != 2:
        return None
    first, second = telling.events
    if first.node == second.node:
        return None
    how = [words for event in (first, second) if (words := _came_by(telling, event))]
    return (
        f"{telling.evidence.title}, seen when {first.node} {did(first)}{telling.scene.when(first)} and "
        f"{second.node} {did(second)}{telling.scene.when(second)}{f'; {how[0]}' if how else ''}"
    )


def _came_by(telling: Telling, event: TraceEvent) -> str:
    """The last snapshot that a node restored before, by installing it or by beginning a life with it."""
    found = [one for one in telling.found.restored if one.node == event.node and _is_before(one, event)]
    if not found:
        return ""
    last = max(found, key=lambda one: (one.life, one.seq))
    return f"{last.node} had {_perfect(did(last))}{telling.scene.when(last)}"


def _perfect(words: str) -> str:
    return words.replace("began", "begun", 1).replace("took", "taken", 1)


def _is_before(one: TraceEvent, other: TraceEvent) -> bool:
    return (one.life, one.seq) < (other.life, other.seq)


def _ended(telling: Telling) -> str | None:
    """A node ended by itself."""
    if telling.evidence is None or not telling.evidence.nodes:
        return None
    life = telling.scene.ended_by_itself(telling.evidence.nodes[0])
    if life is None or life.ended_at is None:
        return None
    last = telling.found.last.get((life.node, life.life))
    step = "" if last is None else f", after it {did(last)}"
    return f"{telling.evidence.title}{telling.scene.at(life.ended_at)}, in life {life.life}{step}"


SENTENCES: Mapping[str, Sentence] = {
    "one-vote-a-term": lambda telling: _voted_twice(telling) or _forgot(telling),
    "election-safety": _two_leaders,
    "term-monotonic": _forgot,
    "durable-log": _forgot,
    CONFORMANCE: _forbidden,
    "durable-before-acknowledge": _acknowledged,
    "linearizability": _answered,
    "index-honesty": _in_full,
    "session-guarantees": _in_full,
    "sessions": _in_full,
    "causal": _in_full,
    "watch": _watched,
    "watch-order": _in_full,
    "membership": _member,
    "membership-views": _in_full,
    "recovery": _not_recovered,
    "convergence": _behind,
    "lease": _two_holders,
    "bounded-staleness": _answered,
    "durability": _answered,
    "snapshot-safety": _different_states,
    "node-health": _ended,
    "transactions": _anomaly,
    "expiry": _in_full,
}
"""By checker, the function that makes its sentence; None from it falls back to the plain one."""
