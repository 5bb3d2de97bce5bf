"""Election safety of a system whose nodes write no traces, judged by what they said when they were asked.

A node is asked again and again whether it leads, and in which term. Such an answer need not be taken at one
moment: a node that has just been deposed may name itself and, read a moment later, the new term. So
one answer decides nothing. A node *led* a term if two of its answers, one after the other, say so. Two nodes
that led one term break election safety (Ongaro & Ousterhout 2014, Figure 3).

What was not asked was not seen: a leader between two questions, for example.
"""

from __future__ import annotations

from itertools import pairwise

from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural, seconds
from history import PolledStatus, Recording

ONE_LEADER_A_TERM = "one_leader_a_term"
"""The option of a recording that says whether its system promises one leader a term at most."""
LEADER = "leader"
BY_QUESTIONS = (
    "Judged by what nodes answered when they were asked; what lies between two questions is not seen."
)


def can_be_judged(recording: Recording) -> bool:
    """Whether the system promises one leader a term at most, and its nodes name terms."""
    return recording.options.get(ONE_LEADER_A_TERM) is True


def polled_election_safety(checker: str, recording: Recording) -> Verdict:
    """Compare every two leaders of one term."""
    led: dict[int, dict[str, PolledStatus]] = {}
    for node in recording.nodes:
        own = [status for status in recording.statuses if status.node == node]
        for before, now in pairwise(own):
            if before.role == now.role == LEADER and before.term == now.term and now.term > 0:
                led.setdefault(now.term, {}).setdefault(node, now)
    violations = [
        _two_leaders(term, tuple(leaders.values()))
        for term, leaders in sorted(led.items())
        if len(leaders) > 1
    ]
    mark: Mark = Validity.VALID
    summary = (
        f"{plural(len(recording.statuses), 'answer')} of nodes, {plural(len(led), 'term')} with a leader: "
    )
    summary += "no term has two leaders"
    if violations:
        mark = Validity.INVALID
        summary = f"{plural(len(violations), 'violation')}; for example: {violations[0].title}"
    elif not led:
        mark, summary = Unjudged.NOT_EXERCISED, "no node answered twice in a row that it leads"
    return Verdict.marked(
        checker=checker,
        mark=mark,
        summary=summary,
        evidence=tuple(violations),
        measures={"violations": len(violations), "terms_with_a_leader": len(led)},
        caveats=(BY_QUESTIONS,),
    )


def _two_leaders(term: int, leaders: tuple[PolledStatus, ...]) -> Evidence:
    names = " and ".join(leader.node for leader in leaders)
    said = "; ".join(f"{leader.node} answered so at {seconds(leader.time)}" for leader in leaders)
    return Evidence(
        title=f"{names} both led term {term}",
        text=f"Each answered at least twice in a row that it leads term {term}: {said}.",
        kind="two leaders in one term",
    )
