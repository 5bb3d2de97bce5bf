"""The messages of a simulated run, named by what they say."""

from __future__ import annotations

from collections.abc import Mapping

from checkers.words import plural
from harness.nemesis.action import Link
from harness.sim.lockstep.encodings import shown
from harness.sim.schedule.bounds import MOST_HAPPENINGS
from harness.sim.schedule.schedule import Schedule, play
from harness.sim.world.network import OneWayLink
from harness.sim.world.world import SimulatedWorld
from node_impl.core.events import Entry
from node_impl.core.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    Envelope,
    Forward,
    InstallSnapshot,
    InstallSnapshotReply,
    Message,
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)

SHOWN_CHARACTERS = 100
"""How much of a foreign message is shown."""


def message_in_words(body: Message | bytes) -> str:
    """Name a message by its kind and what it says: `AppendEntries of term 2 (entries 5 to 7)`."""
    kind = type(body).__name__
    match body:
        case AppendEntries():
            return f"{kind} of term {body.term} ({_entries(body.entries, body.prev_log_index)})"
        case AppendEntriesReply():
            said = "accepted up to" if body.success else "refused after"
            return f"{kind} of term {body.term} ({said} index {body.match_index})"
        case RequestVoteReply() | PreVoteReply():
            return f"{kind} of term {body.term} ({'granted' if body.granted else 'denied'})"
        case RequestVote() | PreVote() | TimeoutNow() | Forward():
            return f"{kind} of term {body.term}"
        case InstallSnapshot():
            last = body.offset + len(body.data)
            return f"{kind} of term {body.term} (up to index {body.index}, bytes {body.offset} to {last})"
        case InstallSnapshotReply():
            return f"{kind} of term {body.term} (for index {body.index}, {plural(body.held, 'byte')} held)"
        case bytes():  # of a core of others
            return f"message {shown(body)[:SHOWN_CHARACTERS]}"
        case _:
            return kind


def _entries(entries: tuple[Entry, ...], previous: int) -> str:
    match entries:
        case ():
            return f"no entry, after index {previous}"
        case (one,):
            return f"entry {one.index}"
        case _:
            return f"entries {entries[0].index} to {entries[-1].index}"


def names_of_messages(schedule: Schedule) -> Mapping[tuple[Link, int], str]:
    """By link and number on it, what each message of the schedule's run says; the schedule is played once."""
    names: dict[tuple[Link, int], str] = {}

    def name(link: OneWayLink, envelope: Envelope) -> None:
        names[link.link, link.sent] = message_in_words(envelope.body)

    def watch(world: SimulatedWorld) -> None:
        world.network.watcher = name

    play(schedule, most_happenings=MOST_HAPPENINGS, prepare=watch)
    return names
