"""What must hold in every state: Figure 3's properties of the paper, and what an acknowledged write needs.

What one node alone shows (`member.py` looks at it in each step): its term and commitIndex never fall, it
gives one vote a term, as leader it only appends, it removes nothing that it committed, and what it applied,
also through a snapshot, is the beginning of its log. Here is what takes
several nodes, or the past: who led which term and what was ever committed is remembered in `Past`, which
is a part of every state.

| invariant | looked at |
|---|---|
| election-safety | when a node begins to lead |
| leader-completeness | when a node begins to lead, and when something is committed |
| state-machine-safety | when something is committed |
| log-matching | in every state: logs in memory and on disks |
| committed-never-lost | in every state: each committed entry is on the disks of a majority of the voters |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from node_impl.core.events import Entry
from node_impl.core.raft.member.configurations import decode_configuration

Log = tuple[Entry, ...]
Voters = frozenset[str]


class Past(NamedTuple):
    """What the invariants need to know about the steps before a state."""

    led: frozenset[tuple[int, str]] = frozenset()
    """(term, name) of each leader that was elected."""
    committed: tuple[tuple[Entry, int], ...] = ()
    """By index from 1: the entry that a node committed, and the lowest term in which one did."""


def elected(past: Past, name: str, term: int, log: Log | None) -> Past | str:
    """The past after a node began to lead, or what is wrong with that.

    Args:
        log: that of the new leader; None if it was deposed in the same step, and may have another log.
    """
    for of, other in past.led:
        if of == term and other != name:
            return f"election-safety: {other} and {name} both lead term {term}"
    for entry, since in past.committed:
        if log is not None and since < term and not _holds(log, entry):
            return (
                f"leader-completeness: {name} leads term {term} without {in_words(entry)}, which was "
                f"committed in term {since}"
            )
    return Past(past.led | {(term, name)}, past.committed)


def commits(
    past: Past, name: str, term: int, entries: Iterable[Entry], leaders: Mapping[str, tuple[int, Log]]
) -> Past | str:
    """The past after a node took these for committed, or what is wrong with that.

    Args:
        leaders: (term, log) of every node that leads now.
    """
    committed = list(past.committed)
    for entry in entries:
        if entry.index <= len(committed):
            before, since = committed[entry.index - 1]
            if before != entry:
                return (
                    f"state-machine-safety: {name} commits {in_words(entry)}, and {in_words(before)} was "
                    "committed"
                )
            committed[entry.index - 1] = (entry, min(since, term))
        else:
            committed.append((entry, term))
        for leader, (of, log) in leaders.items():
            if of > term and not _holds(log, entry):
                return (
                    f"leader-completeness: {name} commits {in_words(entry)} in term {term}, and {leader} "
                    f"leads term {of} without it"
                )
    return Past(past.led, tuple(committed))


def logs_match(logs: Sequence[Log]) -> str | None:
    """Two logs that hold an entry of one index and term are equal up to it."""
    for one, other in combinations(logs, 2):
        for index in range(min(len(one), len(other)) - 1, -1, -1):
            if one[index].term == other[index].term:
                if one[: index + 1] != other[: index + 1]:
                    return (
                        f"log-matching: two logs hold an entry {index + 1} of term {one[index].term}, and "
                        "differ in it or below it"
                    )
                break
    return None


def voters_of(past: Past, first: Voters) -> Voters:
    """The voters of the newest configuration that is committed; `first` are a cluster's first ones."""
    changes = (entry.payload for entry, _ in reversed(past.committed) if entry.kind == "configuration")
    payload = next(changes, None)
    return first if payload is None else frozenset(decode_configuration(payload).voters)


def nothing_is_lost(past: Past, disks: Mapping[str, Log], voters: Voters, *, may_change: bool) -> str | None:
    """Each committed entry is on the disks of a majority.

    Args:
        voters: of the newest configuration that is committed.
        may_change: whether the members may change. Then an entry may have been committed by a configuration
            that is one voter apart and not committed itself, and perhaps lost by now: so an entry has to be
            on one disk of each majority, which half of an even number is.
    """
    enough = len(voters) - len(voters) // 2 if may_change else len(voters) // 2 + 1
    for entry, _ in past.committed:
        holders = sum(_holds(disk, entry) for name, disk in disks.items() if name in voters)
        if holders < enough:
            held_by = f"{holders} of {len(voters)} disks"
            return f"committed-never-lost: {in_words(entry)} is committed, and on {held_by}"
    return None


def in_words(entry: Entry) -> str:
    """Describe an entry in words."""
    if entry.kind == "configuration":
        configuration = decode_configuration(entry.payload)
        learners = f", learners {', '.join(configuration.learners)}" if configuration.learners else ""
        what = f"voters {', '.join(configuration.voters)}{learners}"
    elif entry.session is not None:
        what = f"write {entry.session[1]} of client {entry.session[0]}"
    else:
        what = f"{entry.payload.decode()!r}" if entry.payload else entry.kind
    return f"entry {entry.index} ({what} of term {entry.term})"


def _holds(log: Log, entry: Entry) -> bool:
    return len(log) >= entry.index and log[entry.index - 1] == entry
