"""Who may lead: votes, terms, majorities (sections 5.2 and 5.4.1)."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, ELECTIONS, LOGS, Mutant

VOTES = (
    Mutant(
        name="vote-twice",
        about="a node votes for whoever asks, also twice in one term",
        caught_by="one-vote-a-term",
        # Split votes show it: time-outs hardly longer than an election make them the rule.
        options=("--nemesis", "kill:leader", "--election-ms", "30", "--heartbeat-ms", "10"),
        source="Raft, section 5.2: at most one vote a term",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="vote-without-log-check",
        about="a voter does not look whether the candidate's log is as good as its own",
        caught_by="leader-completeness",
        source="Raft, section 5.4.1; the Raft of Nacos before 1.4 compared terms alone",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="half-is-a-majority",
        about="half of the members, rounded down, count as a majority",
        caught_by="election-safety",
        source="Raft, section 5.2: a majority of the full cluster",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="forgetful",
        about="a node that restarts has forgotten its vote, and its term is 0 again",
        caught_by="term-monotonic",
        options=("--nemesis", "kill"),
        source="Raft, Figure 2: currentTerm and votedFor are persistent",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="vote-not-persisted",
        about="a vote is in memory only, so that a crash frees it",
        caught_by="one-vote-a-term",
        source="Raft, Figure 2: votedFor is persistent",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="term-not-persisted",
        about="the current term is in memory only, so that a crash brings back an earlier one",
        caught_by="term-monotonic",
        seed=2,
        source="Raft, Figure 2: currentTerm is persistent",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="count-old-votes",
        about="a candidate counts votes that were given to it in an earlier term",
        caught_by="election-safety",
        seed=29,
        source="Raft, section 5.2: a candidate wins by votes in the same term",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="term-jumps-on-write",
        about="the leader raises its term by a hundred with each write, and goes on to lead",
        caught_by="recovery",
        source="the Raft of Nacos before 1.4 added 100 to the term with each publication",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
)
