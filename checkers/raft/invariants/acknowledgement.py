"""Durable before acknowledged: when a client gets ok, a majority has its entry on disk.

For an acknowledgement A of entry E at node X, a node counts as having E on disk

- if it is X: a `synced` event that covers E comes before A in X's trace;
- if it is another node: it held E before A, as messages prove (`causality`); its trace shows at some time
  that E is on its disk; and that time is not provably after A.

Fewer than a majority is a violation. If the voters changed, a majority of any configuration counts that a
leader had in force, from the entry's term to that of the acknowledgement, as no trace shows which of them it
used. Not every violation is found: a message is traced when it is handed over, and may then wait for the
disk. So a reply that left without waiting is found only if the node was killed before the entry was on its
disk, or if the order of messages proves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checkers.raft.facts.cluster import Replays, TracedCluster, conclude, evidence, named
from checkers.raft.facts.compact import NONE
from checkers.raft.facts.replay import Acknowledgement, Common
from checkers.verdict import Evidence, Verdict
from checkers.words import plural
from history import Recording


@dataclass(frozen=True)
class DurableBeforeAcknowledge:
    """Judges every `acknowledge` event by the rule in the module's docstring."""

    replays: Replays = field(default_factory=Replays)
    name: str = "durable-before-acknowledge"

    def check(self, recording: Recording) -> Verdict:
        """Count the disks behind every acknowledgement."""
        cluster = self.replays.of(recording)
        configurations = _configurations(cluster)
        violations: list[Evidence] = []
        doubts: list[str] = []
        acknowledged = 0
        for node, facts in cluster.nodes.items():
            for ack in facts.acknowledgements:
                acknowledged += 1
                found = _judge(cluster, node, ack, *configurations)
                if isinstance(found, Evidence):
                    violations.append(found)
                elif found is not None:
                    doubts.append(found)
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(acknowledged, 'acknowledgement')}: at each, a majority had the entry on disk",
            nothing_seen=None if acknowledged else "no node acknowledged anything",
            doubts=doubts,
            measures={"acknowledged": acknowledged},
            caveats=(
                "a reply that left before the entry was on disk is found only if a kill or the order of "
                "messages proves it",
            ),
        )


def _judge(
    cluster: TracedCluster,
    node: str,
    ack: Acknowledgement,
    every: list[frozenset[str]],
    by_term: dict[int, list[frozenset[str]]],
) -> Evidence | str | None:
    """The violation of one acknowledgement, or why it is not known; None if a majority had the entry."""
    numbers = _acknowledged_entries(cluster.common, ack)
    if not numbers:
        text = (
            f"{node} acknowledged operation {ack.op} at index {ack.at_index}, but no node ever had it in its "
            "log at that index."
        )
        if cluster.incomplete:
            return text
        return evidence(f"{node} acknowledged an operation that is in no log", text, ack.event, ops=(ack.op,))
    number, certain, possible = max(
        ((number, *_disks(cluster, node, ack, number)) for number in numbers),
        key=lambda item: (len(item[2]), len(item[1])),
    )
    entry = cluster.common.entries.all[number]
    configurations = every  # a follower hears of an entry counted in any term
    if ack.by_leader:
        configurations = _led_in(by_term, entry.term, ack.event.term) or every
    if _is_majority(certain, configurations):
        return None
    text = (
        f"{node} acknowledged {named(entry)} in term {ack.event.term}, when it was on the disk of "
        f"{', '.join(certain) or 'no node'}: {len(certain)} of {len(cluster.recording.nodes)} nodes; "
        f"a majority is {_smallest_majority(configurations)}."
    )
    if _is_majority(possible, configurations):
        return f"{text} For {', '.join(sorted(set(possible) - set(certain)))} it is not known."
    title = f"{node} acknowledged index {entry.index} before a majority had it on disk"
    return evidence(title, text, ack.event, ops=(entry.op,))


def _configurations(cluster: TracedCluster) -> tuple[list[frozenset[str]], dict[int, list[frozenset[str]]]]:
    """Every set of voters that some node traced (or else all nodes); and by term, the sets of voters that
    were in force while its leader led."""
    traced = {
        frozenset(event.members)
        for facts in cluster.nodes.values()
        for event in facts.rare
        if event.event == "configuration" and event.members
    }
    led: dict[int, set[frozenset[str]]] = {}
    for facts in cluster.nodes.values():
        for term, sets in facts.led_with.items():
            led.setdefault(term, set()).update(sets)
    every = sorted(traced, key=sorted) or [frozenset(cluster.recording.nodes)]
    return every, {term: sorted(sets, key=sorted) for term, sets in led.items()}


def _led_in(by_term: dict[int, list[frozenset[str]]], first: int, last: int) -> list[frozenset[str]]:
    """The sets of voters that the leaders of these terms had.

    If a client repeats its write, a leader acknowledges again what was committed in an earlier term. Then the
    majority of that term counts. Some of these nodes may no longer be voters, and a new voter may have the
    entry only in a snapshot.
    """
    return [voters for term in range(first, last + 1) for voters in by_term.get(term, ())]


def _is_majority(nodes: Iterable[str], configurations: Iterable[frozenset[str]]) -> bool:
    """Whether these nodes are a majority of at least one configuration."""
    held = frozenset(nodes)
    return any(len(held & voters) > len(voters) // 2 for voters in configurations)


def _smallest_majority(configurations: Iterable[frozenset[str]]) -> int:
    return min(len(voters) // 2 + 1 for voters in configurations)


def _acknowledged_entries(common: Common, ack: Acknowledgement) -> list[int]:
    """The entries that the acknowledgement may be about: usually one.

    The node's own log shows it, unless the node is a follower that forwarded the write and lags behind.
    """
    entries, placements = common.entries, common.placements
    if ack.held != NONE and entries.all[ack.held].op == ack.op:
        return [ack.held]
    return [n for n in entries.at(ack.at_index) if entries.all[n].op == ack.op and placements.has(n)]


def _disks(cluster: TracedCluster, at: str, ack: Acknowledgement, entry: int) -> tuple[list[str], list[str]]:
    """The nodes that certainly, and those that possibly, had the entry on disk at the acknowledgement."""
    certain: list[str] = []
    possible: list[str] = []
    causality = cluster.causality
    for node in cluster.recording.nodes:
        facts = cluster.nodes.get(node)
        synced = NONE if facts is None else facts.synced_from.get(entry)
        held = NONE if facts is None else facts.held_from.get(entry)
        if NONE in (synced, held):
            on_disk = False
        elif node == at:
            on_disk = synced < ack.position
        else:
            was_known = held < causality.known((at, ack.position), node)
            after = causality.known((node, synced), at) > ack.position
            on_disk = was_known and not after
        if on_disk:
            certain.append(node)
        # An incomplete trace may lack the sync, and also the message that would prove its order.
        elsewhere = cluster.incomplete and synced != NONE and node != at
        unsure = facts is None or node in cluster.incomplete or entry in facts.perhaps_synced
        if on_disk or unsure or elsewhere:
            possible.append(node)
    return certain, possible
