"""The sentences of instances that live by beats: who removed one that was alive, or brought back one that was
gone; and who answered so.
"""

from __future__ import annotations

from checkers.registry.names import EXPIRE
from reports.explain.lines.expiries import (
    asked,
    beats_then,
    expired_nothing,
    forgotten_by_one,
    removal_of,
)
from reports.explain.sentences.of_clients import in_full, leader_then
from reports.explain.telling import Telling
from reports.text import seconds


def wrong_about_an_instance(telling: Telling) -> str | None:
    """Who decided that the instance is gone, or is there: the node, its term and the index of the entry."""
    return _of_nothing(telling) or _by_itself(telling) or _removed(telling) or in_full(telling)


def _of_nothing(telling: Telling) -> str | None:
    found = expired_nothing(telling)
    if found is None:
        return None
    event, entry = found.made
    beat = next(beats_then(telling, found.key, event), None)
    upon = "" if beat is None else f", upon the late beat of operation {beat.index}"
    return (
        f"{event.node}, leader of term {event.term}, registered {found.key}, which no client had asked for, "
        f"at index {entry.index}{telling.scene.when(event)}{upon}; index {found.expiry[1].index} expired it"
    )


def _by_itself(telling: Telling) -> str | None:
    found = forgotten_by_one(telling)
    if found is None or found.wrong.end is None:
        return None
    wrong = found.wrong
    since = "" if found.shown is None or found.shown.end is None else f" after {seconds(found.shown.end)}"
    by = "" if found.by is None else f" of term {found.by.entry.term} by {found.by.event.node}"
    made = "" if found.made.span is None else f", operation {found.made.span.index}"
    then = leader_then(telling, found.wrong.end)
    return (
        f"{wrong.node}{f', {then},' if then else ''} removed {found.key} by itself{since}: no entry up to "
        f"index {wrong.raft_index} removes {found.id} (index {found.made.at_index}{by}{made}); operation "
        f"{wrong.index} shows it{telling.scene.at(wrong.end)}"
    )


def _removed(telling: Telling) -> str | None:
    """The answer against the log, with the leader that had removed the instance."""
    found, sentence = asked(telling), in_full(telling)
    if found is None or sentence is None:
        return None
    removal = removal_of(telling, *found)
    if removal is None:
        return None
    event, index = removal
    return (
        f"{sentence}; {event.node}, leader of term {event.term}, had removed it at index {index}"
        f"{telling.scene.when(event)}"
    )


def decided_early(telling: Telling) -> str | None:
    """Which leader decided on an instance, with which entry, after which beat; the title says how soon."""
    if telling.evidence is None or not telling.events:
        return None
    event, title = telling.events[-1], telling.evidence.title
    index = next(
        (
            f" at index {entry.index}"
            for entry in event.entries
            if entry.op is not None
            and entry.op.startswith(f"{EXPIRE}:")
            and entry.op.split(":", 3)[3] in title
        ),
        "",
    )
    who = f"{event.node}, leader of term {event.term},"
    beat = f" (operation {telling.spans[-1].index})" if telling.spans else ""
    return f"{title.replace(event.node, who, 1)}{beat}{index}{telling.scene.when(event)}"
