"""Terms, votes and leaders: election safety, one vote a term, terms that never go back.

Across a restart, a term or a vote binds the node's next life only if it was on disk or another node knew of
it. A node may forget what a kill took before any other node saw it. Another node *knows of* a term if it
received a `RequestVote`, `RequestVoteReply` or `AppendEntriesReply` that the node sent in that term (Figure
2): all of these must wait for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checkers.lacking import lacks
from checkers.raft.facts.cluster import Replays, TracedCluster, conclude, evidence
from checkers.raft.facts.replay import SHOWS_TERM, SHOWS_VOTE
from checkers.raft.invariants.ballots import unfounded_elections
from checkers.raft.polled import can_be_judged, polled_election_safety
from checkers.verdict import Evidence, Verdict
from checkers.words import plural
from history import Recording, TraceEvent


@dataclass(frozen=True)
class ElectionSafety:
    """At most one leader is elected in a term (Figure 3), and only once, by the votes of a majority."""

    replays: Replays = field(default_factory=Replays)
    name: str = "election-safety"

    def check(self, recording: Recording) -> Verdict:
        """Compare every two leaders of one term."""
        if lacks(recording, "traces") and can_be_judged(recording):
            return polled_election_safety(self.name, recording)
        cluster = self.replays.of(recording)
        leading: dict[int, TraceEvent] = {}
        violations: dict[tuple[int, str], Evidence] = {}
        elections = 0
        for facts in cluster.nodes.values():
            elected = {(e.event.life, e.event.seq): e.event for e in facts.elections}
            elections += len(elected)
            led = {(e.life, e.seq): e for e in facts.led.values()}
            for where, event in sorted({**elected, **led}.items()):
                first = leading.setdefault(event.term, event)
                twice = first is not event and where in elected
                if first.node != event.node or twice:
                    violations.setdefault((event.term, event.node), _two_leaders(first, event))
        return conclude(
            self.name,
            cluster,
            violations=[*violations.values(), *unfounded_elections(cluster)],
            summary=f"{plural(elections, 'election')} in {plural(len(leading), 'term')}: "
            "no term has two leaders",
            nothing_seen=None if leading else "no node was ever leader",
            measures={"elections": elections, "terms_with_a_leader": len(leading)},
        )


def _two_leaders(first: TraceEvent, second: TraceEvent) -> Evidence:
    if first.node == second.node:
        title = f"{first.node} was elected twice in term {first.term}"
        text = (
            f"{first.node} led term {first.term} in life {first.life} and was elected again in the same "
            f"term in life {second.life}; a candidate must begin a new term."
        )
    else:
        title = f"{first.node} and {second.node} both led term {first.term}"
        text = (
            f"{first.node} (life {first.life}) and {second.node} (life {second.life}) both led "
            f"term {first.term}. So some node voted for both, or one of them "
            f"counted votes that it did not have."
        )
    kind = "one leader elected twice in a term" if first.node == second.node else "two leaders in one term"
    return evidence(title, text, first, second, kind=kind)


@dataclass(frozen=True)
class TermMonotonic:
    """A node's currentTerm never decreases, not even across a restart."""

    replays: Replays = field(default_factory=Replays)
    name: str = "term-monotonic"

    def check(self, recording: Recording) -> Verdict:
        """Compare each term with the one before it, and each recovered term with what binds the node."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        restarts = 0
        highest = 0
        for node, facts in cluster.nodes.items():
            sent: TraceEvent | None = None
            restarts += facts.restarts
            highest = max(highest, facts.highest_term)
            for event in facts.rare:
                before = facts.term_fell.get((event.life, event.seq))
                if event.event == "restart":
                    if sent is not None and event.term < sent.term:
                        text = (
                            f"{node} sent {sent.message} {sent.message_id} in term {sent.term}, and "
                            f"{sent.peer} received it. Then life {event.life} of "
                            f"{node} began in term {event.term}."
                        )
                        violations.append(evidence(f"{node} forgot term {sent.term}", text, sent, event))
                        sent = None
                elif before is not None:
                    text = (
                        f"In life {event.life}, the term of {node} went from {before.term} to {event.term}."
                    )
                    violations.append(evidence(f"the term of {node} went back", text, before, event))
                if (
                    event.event == "send"
                    and event.message in SHOWS_TERM
                    and (sent is None or event.term > sent.term)
                ):
                    sent = event
            for loss in facts.hard_state_losses:
                if loss.event.term < loss.term:
                    text = (
                        f"Term {loss.term} was on the disk of {node} in life {loss.promise.life}; "
                        f"its life {loss.event.life} began in term {loss.event.term}."
                    )
                    violations.append(
                        evidence(f"{node} lost term {loss.term}", text, loss.promise, loss.event)
                    )
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(restarts, 'restart')}, highest term {highest}: no node's term went back",
            nothing_seen=None if highest else "no node began a term",
            measures={"restarts": restarts, "highest_term": highest},
        )


@dataclass(frozen=True)
class OneVoteATerm:
    """A node votes for at most one candidate in a term, also across a restart (section 5.2)."""

    replays: Replays = field(default_factory=Replays)
    name: str = "one-vote-a-term"

    def check(self, recording: Recording) -> Verdict:
        """Compare every vote with the earlier votes that bind the node."""
        cluster = self.replays.of(recording)
        violations: list[Evidence] = []
        votes = 0
        for node in cluster.nodes:
            count, found = _votes_of(cluster, node)
            votes += count
            violations += found
        return conclude(
            self.name,
            cluster,
            violations=violations,
            summary=f"{plural(votes, 'vote')}: no node voted for two candidates in one term",
            nothing_seen=None if votes else "no node ever voted",
            measures={"votes": votes},
        )


def _votes_of(cluster: TracedCluster, node: str) -> tuple[int, list[Evidence]]:
    """The number of votes of one node, and its violations."""
    facts = cluster.nodes[node]
    proved = {(event.life, event.seq): (term, vote) for term, vote, event in facts.durable_votes}
    binding: dict[int, tuple[str, TraceEvent]] = {}  # what outlives this life
    this_life: dict[int, tuple[str, TraceEvent]] = {}
    violations: list[Evidence] = []
    votes = 0
    for event in facts.rare:
        if event.event == "restart":
            this_life = {}
        elif event.event == "vote" and event.vote is not None:
            votes += 1
            earlier = this_life.get(event.term) or binding.get(event.term)
            if earlier is not None and earlier[0] != event.vote:
                text = (
                    f"In term {event.term}, {node} had voted for {earlier[0]} (life {earlier[1].life}) and "
                    f"then voted for {event.vote} (life {event.life})."
                )
                title = f"{node} voted twice in term {event.term}"
                violations.append(evidence(title, text, earlier[1], event))
            this_life.setdefault(event.term, (event.vote, event))
        elif event.event == "send" and event.message == SHOWS_VOTE:
            given = this_life.get(event.term)
            if given is not None and given[0] == event.peer:
                binding.setdefault(event.term, given)
        durable = proved.get((event.life, event.seq))
        if durable is not None:
            term, vote = durable
            binding.setdefault(term, (vote, event))
    for loss in facts.hard_state_losses:
        if loss.event.term == loss.term:
            text = (
                f"In life {loss.promise.life}, {node} had its vote for {loss.vote} in term {loss.term} "
                f"on disk; life {loss.event.life} began in that term with {loss.event.vote or 'no vote'}."
            )
            violations.append(
                evidence(f"{node} forgot its vote of term {loss.term}", text, loss.promise, loss.event)
            )
    return votes, violations
