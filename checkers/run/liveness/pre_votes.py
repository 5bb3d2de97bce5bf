"""A node asks before it stands, if its settings say so (thesis, section 9.6), and only then.

With pre-vote, a node that stands by itself has asked in the term before, and enough voters have answered for
a majority together with itself. What they answered is not traced: too few answers are a violation, and
enough prove nothing more. A node that its leader asked to stand (`TimeoutNow`) need not ask. Without
pre-vote no node asks.

Each is about one node's own trace, in the order of its lines. The settings are known of simulated nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checkers.run.liveness.part import Part
from checkers.verdict import EventRef, Evidence
from history import NodeTrace, Recording, TraceEvent
from history.recording import PRE_VOTE


def judge_pre_votes(recording: Recording) -> Part:
    """Compare each election that a trace shows with the nodes' settings."""
    uses = recording.options.get(PRE_VOTE)
    if not isinstance(uses, bool):
        return Part(idle="it is not known whether these nodes ask before they stand")
    whole = [trace for trace in recording.traces.values() if not trace.gaps]
    if not uses:
        asked = [line for trace in whole for line in trace.events if line.message == "PreVote"]
        return Part(evidence=tuple(_asked(line) for line in asked if line.event == "send")[:1])
    stood = [one for trace in whole for one in _elections(trace, recording.nodes)]
    evidence = tuple(
        _unasked(line, answers, voters) for line, answers, voters in stood if answers is not None
    )
    # `held` stays empty: this alone must not make a run valid that no other judge of liveness looked at.
    return Part(evidence=evidence, measures={"elections_judged": len(stood)})


Standing = tuple[TraceEvent, frozenset[str] | None, tuple[str, ...]]
"""A node's vote for itself; the voters that had answered, where these are too few; and all voters."""


def _elections(trace: NodeTrace, nodes: Sequence[str]) -> Iterator[Standing]:
    """Each time that a node stood by itself."""
    voters = tuple(nodes)
    answered: set[str] = set()
    """Who has answered in the term that the node is in."""
    before: frozenset[str] = frozenset()
    """The same of the term before."""
    is_asked = was_asked = False
    """Whether its leader asked it to stand, in the term that it is in and in the one before."""
    for line in trace.events:
        match line.event:
            case "receive" if line.message == "PreVoteReply" and line.peer is not None:
                answered.add(line.peer)
            case "receive" if line.message == "TimeoutNow":
                is_asked = True
            case "restart":
                answered, before, is_asked, was_asked = set(), frozenset(), False, False
            case "configuration" if line.members is not None:
                voters = line.members
            case "term":
                before, was_asked = frozenset(answered), is_asked
                answered, is_asked = set(), False
            case "vote" if line.vote == line.node and not was_asked:
                enough = len({line.node, *before}.intersection(voters)) * 2 > len(voters)
                yield line, None if enough else before, voters
            case _:
                pass


def _unasked(line: TraceEvent, answers: frozenset[str] | None, voters: Sequence[str]) -> Evidence:
    found = ", ".join(sorted(answers or ())) or "no node"
    return Evidence(
        title=f"{line.node} stood in term {line.term} without a majority's answer to whether it should",
        text=f"The nodes use pre-vote. Of the voters {', '.join(voters)} {found} had answered {line.node} in "
        f"the term before, and no leader had asked it to stand. A node that others cannot hear so raises the "
        "term of a cluster that has a leader.",
        events=(EventRef(line.node, line.life, line.seq),),
        nodes=(line.node,),
        kind="a node stands without asking",
    )


def _asked(line: TraceEvent) -> Evidence:
    return Evidence(
        title=f"{line.node} asked {line.peer} in term {line.term} whether to stand, without pre-vote",
        text="The settings switch pre-vote off: a node whose election time-out is over stands at once.",
        events=(EventRef(line.node, line.life, line.seq),),
        nodes=(line.node,),
        kind="a node asks although it need not",
    )
