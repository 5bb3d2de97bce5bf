"""What is in the logs, and what is committed (sections 5.3 and 5.4)."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, DISK, ELECTIONS, LOGS, Mutant

REPLICATION = (
    Mutant(
        name="acknowledge-early",
        about="the leader answers ok before a majority holds the write",
        caught_by="durability",
        options=("--nemesis", "partition:isolate-leader"),
        source="Raft, section 5.3: the leader applies and answers once the entry is committed",
        also=(
            *CLIENTS,
            "durable-before-acknowledge",
            "leader-completeness",
            "committed-never-truncated",
        ),
    ),
    Mutant(
        name="discard-on-election",
        about="a new leader throws away what it does not know to be committed",
        caught_by="committed-never-truncated",
        options=("--nemesis", "kill:leader"),
        source="Raft, Figure 3, Leader Append-Only: a leader never deletes entries of its log",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="previous-term-unchecked",
        about="a follower checks that it has the previous entry, and not that its term is the same",
        caught_by="log-matching",
        source="Raft, section 5.3, AppendEntries rule 2",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="truncate-on-stale-append",
        about="a follower cuts whatever an AppendEntries does not mention, also if it is an old one",
        caught_by="committed-never-truncated",
        seed=4,
        source="Raft, Figure 2, AppendEntries rule 3: if an existing entry conflicts",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="obey-deposed-leaders",
        about="a follower takes entries from the leader of an earlier term",
        caught_by="committed-never-truncated",
        seed=6,
        source="Raft, Figure 2, AppendEntries rule 1",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="assume-all-matched",
        about="a leader takes a follower's consent to one message for consent to its whole log",
        caught_by="durable-before-acknowledge",
        source="Raft, Figure 2, Leaders: matchIndex",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="commit-unmatched",
        about="a follower commits entries of its own that were not compared with the leader's",
        caught_by="state-machine-safety",
        source="Raft, Figure 2, AppendEntries rule 5: index of last new entry",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="send-before-fsync",
        about="answers leave before what they promise is on disk",
        caught_by="durable-before-acknowledge",
        source="Raft, Figure 2: updated on stable storage before responding to RPCs",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="count-own-unsynced",
        about="the leader counts its own copy before it is on its disk",
        caught_by="durable-before-acknowledge",
        source="Ongaro's thesis, section 10.2.1",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="commit-earlier-terms",
        about="a leader commits an entry of an earlier term because a majority holds it",
        caught_by="leader-completeness",
        source="Raft, section 5.4.2, Figure 8",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="commit-held-by-half",
        about="a leader commits what half of the voters hold, rounded down",
        caught_by="durable-before-acknowledge",
        source="Raft, Figure 2, Leaders: a majority of matchIndex",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="match-starts-at-last",
        about="a new leader believes that everybody holds its whole log already",
        caught_by="leader-completeness",
        source="Raft, Figure 2: matchIndex is initialized to 0",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="last-entry-unchecked",
        about="a follower does not compare the previous entry with its own if that is its last",
        caught_by="log-matching",
        source="Raft, section 5.3; off by one in the consistency check",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="deposed-leader-answers",
        about="a deposed leader says of writes that were forwarded to it that they are done",
        caught_by="durable-before-acknowledge",
        seed=16,
        source="Raft, section 8: a leader answers once the entry is committed",
        also=("durable-before-acknowledge", *CLIENTS),
    ),
)
