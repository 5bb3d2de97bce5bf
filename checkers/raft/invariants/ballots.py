"""Who elected a leader: the votes that had reached it when it began to lead (section 5.2).

A vote is a `RequestVoteReply` whose sender had voted, in the same term, for the node that received it. So a
vote of an earlier term does not count, however late it arrives, and a reply that arrives twice is one vote.
If the traces show no such messages, nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkers.raft.facts.cluster import TracedCluster, evidence
from checkers.verdict import Evidence
from history import TraceEvent

VOTE = "RequestVoteReply"


def unfounded_elections(cluster: TracedCluster) -> Iterator[Evidence]:
    """Every leader that, by the traces, had no votes of a majority when it began to lead."""
    sent: dict[str | None, int] = {}  # a vote's message, and the term in which it was sent
    given: set[tuple[str | None, int, str | None]] = set()
    for facts in cluster.nodes.values():
        for event in facts.trace.events:
            if event.event in ("vote", "restart"):  # a life may give again the vote that it recovered
                given.add((event.node, event.term, event.vote))
            elif event.event == "send" and event.message == VOTE:
                sent[event.message_id] = event.term
    if not sent or not given:
        return
    for facts in cluster.nodes.values():
        elected = {(election.event.life, election.event.seq) for election in facts.elections}
        voters = frozenset(cluster.recording.nodes)
        ballots: set[str] = set()
        for event in facts.trace.events:
            match event.event:
                case "configuration" if event.members:
                    voters = frozenset(event.members)
                case "restart" | "term":
                    ballots = set()
                case "vote" if event.vote == event.node:
                    ballots.add(event.node)
                case "receive" if event.message == VOTE:
                    term = sent.get(event.message_id)
                    ballot = (event.peer, event.term, event.node)
                    if term is None or (term == event.term and ballot in given):
                        ballots.add(str(event.peer))
            if (
                event.event == "role"
                and (event.life, event.seq) in elected
                and len(ballots & voters) <= len(voters) // 2
            ):
                yield _unfounded(event, ballots & voters, voters)


def _unfounded(event: TraceEvent, ballots: set[str], voters: frozenset[str]) -> Evidence:
    text = (
        f"When {event.node} began to lead term {event.term}, the votes of "
        f"{', '.join(sorted(ballots)) or 'no node'} "
        f"had reached it; the voters are {', '.join(sorted(voters))}. That is no "
        f"majority, so another node may "
        "lead the same term."
    )
    title = f"{event.node} led term {event.term} without the votes of a majority"
    return evidence(title, text, event)
