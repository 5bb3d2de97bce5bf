"""The sentences of violations that nodes' traces show: two leaders, a vote given twice, a forgotten log.

Each says which node did what, when and in which term. None from such a function means that the evidence
lacks what the sentence needs.
"""

from __future__ import annotations

import re

from history import NodeLife, TraceEvent
from reports.explain.lines.answers import behind
from reports.explain.lines.effects import written_at
from reports.explain.lines.standstill import standstill_of
from reports.explain.scene import numbered
from reports.explain.steps import did, ended_by, newest_reign, rule_broken
from reports.explain.telling import Telling
from reports.text import last_sentence, seconds, uncapitalized


def voted_twice(telling: Telling) -> str | None:
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


_REACHED = re.compile(r"the votes? of (?P<votes>[^;]+?) had reached it; the voters are (?P<voters>[^;]+?)\. ")


def two_leaders(telling: Telling) -> str | None:
    """Two leaders of one term; or one that had too few votes, and whose."""
    reached = None if telling.evidence is None else _REACHED.search(telling.evidence.text)
    if telling.events and reached is not None:
        event = telling.events[-1]
        return (
            f"{event.node} led term {event.term}{telling.scene.when(event)}, when the votes of "
            f"{reached['votes']} had reached it, no majority of {reached['voters']}"
        )
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


def forgot(telling: Telling) -> str | None:
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


def forbidden(telling: Telling) -> str | None:
    if telling.evidence is None or not telling.events:
        return None
    event = telling.events[-1]
    return f"{event.node} {did(event)}{telling.scene.when(event)}{rule_broken(telling.evidence.title)}"


_ON_DISK = re.compile(r"when it was on the disk of (?P<nodes>.+?): (?P<held>\d+) of (?P<all>\d+) nodes")


def acknowledged_early(telling: Telling) -> str | None:
    """A node acknowledged a write that no majority had on disk, by the order that messages show.

    Who had it is what the checker says: the times of different nodes show no order.
    """
    event = next((one for one in telling.events if one.event == "acknowledge"), None)
    held = None if telling.evidence is None else _ON_DISK.search(telling.evidence.text)
    if event is None or held is None:
        return None
    what = numbered(telling.spans[0]) if telling.spans else "a write"
    nodes = held["nodes"].replace(", ", " and ")
    nodes = nodes if held["held"] == "0" else f"only {nodes}"
    answer = behind(telling.scene, event)
    served = ""
    if answer is not None:
        served = f", as {answer.node}, {answer.role} of term {answer.term}, had answered"
    return (
        f"{event.node}, {event.role} of term {event.term}, acknowledged {what} at index {event.index}"
        f"{telling.scene.when(event)}{served}, when by the order of messages {nodes} had it on disk, "
        f"{held['held']} of {held['all']} nodes"
    )


def against_members(telling: Telling) -> str | None:
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
        votes = uncapitalized(last_sentence(telling.evidence.text))
        return f"{title}{when}: {votes}{_led_too(telling, event)}"
    in_term = "" if "term" in title else f" in term {event.term}"
    return f"{title}{in_term}{when}, when the members were {members}{_since(telling, held)}"


def _led_too(telling: Telling, event: TraceEvent) -> str:
    """`; n1 led term 1, too, at 1.237 s`: another leader of that term."""
    for reign in telling.found.reigns:
        if reign.term == event.term and reign.node != event.node:
            return f"; {reign.node} led term {reign.term}, too,{telling.scene.when(reign.begin)}".rstrip(",")
    return ""


def _since(telling: Telling, event: TraceEvent) -> str:
    return telling.scene.when(event).replace(" at ", " since ", 1)


def stood_still(telling: Telling) -> str | None:
    """Who kept the cluster from going on, and who waited for it; None where no wrong step shows it."""
    found = standstill_of(telling)
    if found is None or telling.evidence is None or not found.is_wrong:
        return None
    return f"{found.words}; so {telling.evidence.title}"


def not_recovered(telling: Telling) -> str | None:
    """When all was healed, what did not come, and who led then."""
    if telling.evidence is None:
        return None
    reign = newest_reign(telling.scene, telling.found, telling.scene.end)
    led = "no node led" if telling.scene.recording.traces else ""
    if reign is not None:
        led = f"{reign.node} led term {reign.term}"
    at_end = f"; at the end {led}" if led else ""
    return f"{telling.evidence.text.removesuffix('.').replace('. The', '; the', 1)}{at_end}"


def left_behind(telling: Telling) -> str | None:
    """Which node did not catch up, up to where, and when that was seen."""
    if telling.evidence is None:
        return None
    return f"{telling.evidence.title}: {uncapitalized(last_sentence(telling.evidence.text))}"


def held_too_much(telling: Telling) -> str | None:
    """Which node held more than its settings allow, when, and who led then."""
    if telling.evidence is None:
        return None
    sizes = [size for size in telling.scene.recording.sizes if size.most > size.bound]
    at = next((size.at for size in sizes if seconds(size.at) in telling.evidence.title), None)
    reign = None if at is None else newest_reign(telling.scene, telling.found, at)
    if reign is None:
        return f"{telling.evidence.title}, in term {telling.events[-1].term}" if telling.events else None
    led = f"as leader of term {reign.term}" if reign.node in telling.evidence.nodes else ""
    return f"{telling.evidence.title}, {led or f'while {reign.node} led term {reign.term}'}"


_INDICES = re.compile(r"\bat index (\d{1,15})\b")
_SKIPPED = re.compile(r"skipped the entry at index (\d{1,15}),")


def applied_twice(telling: Telling) -> str | None:
    """A write that took effect twice: at which indices, and which leaders had put it there; or an entry that
    one node skipped and another carried out."""
    evidence = telling.evidence
    if evidence is None:
        return None
    skipped = _SKIPPED.search(evidence.text)
    if skipped is not None and telling.events:
        event = telling.events[-1]
        entry = next((one for one in event.entries if one.index == int(skipped[1])), None)
        op = None if entry is None else entry.op
        span = telling.scene.span(int(op)) if op is not None and op.isdecimal() else None
        what = "" if span is None else f": {numbered(span)}"
        return (
            f"{event.node} carried out index {skipped[1]} in term {event.term}{telling.scene.when(event)}, "
            f"which {telling.events[0].node} skipped as a copy{what}"
        )
    if len(telling.spans) != 1:
        return None
    put = [
        f"at index {index}, appended by {who.event.node} in term {who.entry.term}"
        f"{telling.scene.when(who.event)}"
        for index in sorted({int(number) for number in _INDICES.findall(evidence.text)})
        if (who := written_at(telling.scene, index)) is not None
    ]
    if len(put) < 2:
        return None
    return f"{numbered(telling.spans[0])} took effect twice: {'; and '.join(put[:2])}"


_PUT = re.compile(r"put (?P<one>.+?), but .+? put (?P<other>.+)\.$")
_ABOVE = re.compile(r" above (?P<one>.+?), \S+ above (?P<other>.+): the two logs")


def different_logs(telling: Telling) -> str | None:
    """Two logs that differ: which node put what where another node has something else."""
    if telling.evidence is None or len(telling.events) != 2:
        return None
    one, other = (telling.scene.time(event) for event in telling.events)
    put, above = _PUT.search(telling.evidence.text), _ABOVE.search(telling.evidence.text)
    match = put or above
    if match is None:
        return None
    both = list(zip(telling.events, (match["one"], match["other"]), strict=True))
    if one is not None and other is not None and one > other:
        both.reverse()  # the checker compares node by node: who came later put what differs
    (first, has), (second, got) = both
    where = ": " if put is not None else " above "
    return (
        f"{second.node} {did(second)}{telling.scene.when(second)}{where}{got}, where {first.node} has {has}"
    )


def different_states(telling: Telling) -> str | None:
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


def ended(telling: Telling) -> str | None:
    """A node ended by itself."""
    if telling.evidence is None or not telling.evidence.nodes:
        return None
    life = telling.scene.ended_by_itself(telling.evidence.nodes[0])
    if life is None or life.ended_at is None:
        return None
    last = telling.found.last.get((life.node, life.life))
    step = _term_before(telling, life) if last is None else f", after it {did(last)}"
    taken = telling.found.taken.get((life.node, life.life))
    if taken is not None:
        term = "" if taken.of_term is None else f" of term {taken.of_term}"
        step += f"; the last message that it took was {taken.peer}'s {taken.message}{term}"
    return f"{telling.evidence.title}{telling.scene.at(life.ended_at)}, in life {life.life}{step}"


def _term_before(telling: Telling, life: NodeLife) -> str:
    """The term of the life before, of a node that ended before it could trace anything."""
    before = [
        last
        for (node, number), last in telling.found.last.items()
        if node == life.node and number < life.life
    ]
    if not before:
        return ""
    last = max(before, key=lambda one: one.life)
    ending = telling.scene.life(last.node, last.life)
    how = ""
    if ending is not None and ending.ended_by is not None:
        how = f"; {ending.ended_by} had ended life {last.life}{telling.scene.at(ending.ended_at)}"
    return f", after it had been in term {last.term}{how}"
