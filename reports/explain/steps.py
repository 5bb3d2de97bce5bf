"""Says in words what a node did at one trace event, who led then, and which rule a forbidden step breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from checkers.explanation import LineKind, StoryLine
from history import NodeLife, TraceEvent
from reports.explain.gathered import Gathered, Reign
from reports.explain.scene import Scene, ref_of

RULES: Mapping[str, str] = {
    "votesGranted[i] \\in Quorum": "without the votes of a majority",
    "grant: votedFor[i] \\in {Nil, j}": "although it had already voted in that term",
    "grant: logOk": "although its own log was more up to date than the candidate's",
    "grant: m.mterm": "although it was in another term than the candidate",
    "Agree(index) \\in Quorum": "before a majority held that entry",
    "log[i][Max(agreeIndexes)].term": "by counting the copies of an entry of an earlier term",
    "logOk: m.mprevLogTerm": "although its own entry before the leader's next one is of another term",
    "logOk: m.mprevLogIndex": "although its log ended before the leader's previous entry",
    "accept: m.mterm": "to the leader of an earlier term",
    "accept: state[i] = Follower": "without being a follower",
    "conflict: log[i][index].term": "although no entry of the leader's differed from its own",
    "what the message promises": "before what the message promises was on its disk",
    "log'[i] is what was on disk": "although another log was on its disk",
    "currentTerm'[i] and votedFor'[i] are what": "although a later term, or a vote, was on its disk",
    "index > commitIndex[i]": "although it had already committed more than that",
    "index <= lastApplied[i]": "although it had not applied that much",
    "m.mterm > currentTerm[i]": "although no message of a later term had come",
    "already done: commitIndex'[i]": "although the leader's message did not vouch for that much",
    "i \\in Server": "although it has no vote among the members",
    "m \\in DOMAIN messages": "although no message asked for it",
    "commitIndex'[i] >= commitIndex[i]": "so that its commitIndex went back",
}
"""By the beginning of a guard of the specification: what a step was that it does not allow."""

_GUARD = re.compile(r"took a step that (\w+) does not allow: (.*)", re.DOTALL)


def rule_broken(title: str) -> str:
    """The rule that a forbidden step breaks, as the end of a sentence; from the title of its evidence."""
    match = _GUARD.search(title)
    if match is None:
        return ", which Raft does not allow"
    action, guard = match.groups()
    words = next((words for beginning, words in RULES.items() if guard.startswith(beginning)), None)
    return f", {words}" if words is not None else f", which {action} does not allow ({guard})"


def did(event: TraceEvent) -> str:
    """What a node did at an event: `voted for n2 in term 3`."""
    span = "" if not event.entries else _indices(event)
    words = {
        "restart": f"began life {event.life} in term {event.term} with a log up to index {event.last}",
        "term": f"entered term {event.term}",
        "vote": f"voted for {event.vote} in term {event.term}"
        if event.vote
        else f"had no vote in term {event.term}",
        "role": f"became {event.role} of term {event.term}",
        "append": f"appended {span} in term {event.term}",
        "truncate": f"removed index {event.index} and above from its log in term {event.term}",
        "synced": f"had its log up to index {event.index} on disk, in term {event.term}",
        "commit": f"took everything up to index {event.commit} for committed, in term {event.term}",
        "apply": f"applied {span} in term {event.term}",
        "configuration": f"had the members {', '.join(event.members or ())} in term {event.term}",
        "send": f"sent {event.message} to {event.peer} in term {event.term}",
        "receive": f"received {event.message} from {event.peer} in term {event.term}",
        "acknowledge": f"acknowledged index {event.index} in term {event.term}",
        "stop": f"stopped in order, in term {event.term}",
    }
    if event.event == "snapshot":
        how = "took a snapshot" if event.peer is None else f"installed {event.peer}'s snapshot"
        return f"{how} up to index {event.index} in term {event.term}"
    return words.get(event.event, f"{event.event} in term {event.term}")


def _indices(event: TraceEvent) -> str:
    first, last = event.entries[0].index, event.entries[-1].index
    return f"index {first}" if first == last else f"index {first} to {last}"


KINDS: Mapping[str, LineKind] = {
    "restart": "restart",
    "term": "term",
    "vote": "vote",
    "role": "election",
    "append": "append",
    "truncate": "truncate",
    "synced": "disk",
    "commit": "commit",
    "apply": "apply",
    "snapshot": "snapshot",
    "configuration": "configuration",
    "send": "message",
    "receive": "message",
    "acknowledge": "acknowledge",
    "stop": "end",
}


def line_of(scene: Scene, event: TraceEvent, text: str | None = None, *, is_wrong: bool = False) -> StoryLine:
    """The line of a story about an event."""
    return StoryLine(
        text=text or f"{event.node} {did(event)}",
        kind=KINDS.get(event.event, "note"),
        time=scene.time(event),
        node=event.node,
        operation=None,
        term=event.term,
        index=index_of(event),
        event=ref_of(event),
        is_wrong=is_wrong,
    )


def index_of(event: TraceEvent) -> int | None:
    """The index in the log that an event is about."""
    if event.event in ("append", "apply") and event.entries:
        return event.entries[0].index
    if event.event == "commit":
        return event.commit
    return event.index


def ended_by(life: NodeLife) -> str:
    """What ended a life: `the fault kill ended life 1`."""
    if life.ended_by is None:
        return f"life {life.life} had ended by itself"
    return f"{life.ended_by} ended life {life.life}"


def reign_at(scene: Scene, reigns: Sequence[Reign], node: str, time: int) -> Reign | None:
    """In which term a node took itself for the leader then; None if it did not, or it is not known."""
    for reign in reigns:
        begin = scene.time(reign.begin)
        end = None if reign.end is None else scene.time(reign.end)
        if reign.node == node and begin is not None and begin <= time and (end is None or time <= end):
            return reign
    return None


def newest_reign(scene: Scene, found: Gathered, time: int) -> Reign | None:
    """The leader of the newest term at that time, if one led."""
    leads = [
        reign
        for node in scene.recording.nodes
        if (reign := reign_at(scene, found.reigns, node, time)) is not None
    ]
    return max(leads, key=lambda reign: reign.term, default=None)


def deposed_by(scene: Scene, found: Gathered, reign: Reign, time: int) -> Reign | None:
    """The first leader of a later term that was elected before this time, while the node still led."""
    later = [
        (begin, other)
        for other in found.reigns
        if other.term > reign.term
        and other.node != reign.node
        and (begin := scene.time(other.begin)) is not None
        and begin <= time
    ]
    return min(later, key=lambda one: one[0])[1] if later else None
