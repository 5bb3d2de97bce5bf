"""The seeded bugs by name: what each breaks, who catches it, and the weather that shows it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from node_impl.build import Parts


class Mutant(msgspec.Struct, frozen=True):
    """One seeded bug. Its file, `harness/mutants/<module>.py`, exports `PARTS`."""

    name: str
    about: str
    """What the node does wrong, in one line."""
    caught_by: str
    """The checker whose property it breaks."""
    source: str
    """Which rule it breaks, or where it was seen."""
    options: tuple[str, ...] = ()
    """Options of `ackproof run` that are known to expose it; empty where only the simulator is known to."""
    also: tuple[str, ...] = ()
    """Checkers that may rightly report its consequences, `caught_by` among them or not; any other that does
    is wrong."""

    def parts(self) -> Parts:
        """The node's parts, one of them with the bug.

        Imported only here, since the harness meets nodes as processes and never loads their code.
        """
        module = importlib.import_module(f"harness.mutants.{self.name.replace('-', '_')}")
        parts: Parts = module.PARTS
        return parts


_CLIENTS = ("durability", "linearizability")
"""What clients see of anything that went wrong."""
_LOGS = (
    "log-matching",
    "leader-completeness",
    "state-machine-safety",
    "commit-monotonic",
    "committed-never-truncated",
    "durable-before-acknowledge",
    "snapshot-safety",
    "recovery",
)
"""What follows where logs or commitIndex are wrong; nodes may then even refuse one another for good."""
_ELECTIONS = ("election-safety", "one-vote-a-term", "term-monotonic")
"""What follows where votes or terms are forgotten."""
_DISK = ("durable-log", "node-health")
"""What follows where the disk holds other than the node believes; a node may then meet what cannot be."""


MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            name="acknowledge-early",
            about="the leader answers ok before a majority holds the write",
            caught_by="durability",
            options=("--nemesis", "partition:isolate-leader"),
            source="Raft, section 5.3: the leader applies and answers once the entry is committed",
            also=(*_CLIENTS, "durable-before-acknowledge"),
        ),
        Mutant(
            name="vote-twice",
            about="a node votes for whoever asks, also twice in one term",
            caught_by="one-vote-a-term",
            # Split votes show it: time-outs hardly longer than an election make them the rule.
            options=("--nemesis", "kill:leader", "--election-ms", "30", "--heartbeat-ms", "10"),
            source="Raft, section 5.2: at most one vote a term",
            also=(*_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="forgetful",
            about="a node that restarts has forgotten its vote, and its term is 0 again",
            caught_by="term-monotonic",
            options=("--nemesis", "kill"),
            source="Raft, Figure 2: currentTerm and votedFor are persistent",
            also=(*_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="buffered-log",
            about="the log stays in the process's own buffer while writes are acknowledged",
            caught_by="durability",
            options=("--nemesis", "kill:all"),
            source="Raft, Figure 2: updated on stable storage before responding to RPCs",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="unconfirmed-reads",
            about="a leader answers lookups without asking whether it still leads",
            caught_by="linearizability",
            options=("--nemesis", "partition:isolate-leader"),
            source="Raft, section 8: a leader exchanges heartbeats with a majority before it answers a read",
            also=_CLIENTS,
        ),
        Mutant(
            name="discard-on-election",
            about="a new leader throws away what it does not know to be committed",
            caught_by="committed-never-truncated",
            options=("--nemesis", "kill:leader"),
            source="Raft, Figure 3, Leader Append-Only: a leader never deletes entries of its log",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="vote-without-log-check",
            about="a voter does not look whether the candidate's log is as good as its own",
            caught_by="leader-completeness",
            source="Raft, section 5.4.1; the Raft of Nacos before 1.4 compared terms alone",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="vote-not-persisted",
            about="a vote is in memory only, so that a crash frees it",
            caught_by="one-vote-a-term",
            source="Raft, Figure 2: votedFor is persistent",
            also=(*_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="term-not-persisted",
            about="the current term is in memory only, so that a crash brings back an earlier one",
            caught_by="term-monotonic",
            source="Raft, Figure 2: currentTerm is persistent",
            also=(*_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="hard-state-not-written",
            about="term and vote never reach the log on disk, whatever the node believes",
            caught_by="term-monotonic",
            source="Raft, Figure 2: updated on stable storage before responding to RPCs",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="half-is-a-majority",
            about="half of the members, rounded down, count as a majority",
            caught_by="election-safety",
            source="Raft, section 5.2: a majority of the full cluster",
            also=(*_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="previous-term-unchecked",
            about="a follower checks that it has the previous entry, and not that its term is the same",
            caught_by="log-matching",
            source="Raft, section 5.3, AppendEntries rule 2",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="truncate-on-stale-append",
            about="a follower cuts whatever an AppendEntries does not mention, also if it is an old one",
            caught_by="committed-never-truncated",
            source="Raft, Figure 2, AppendEntries rule 3: if an existing entry conflicts",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="obey-deposed-leaders",
            about="a follower takes entries from the leader of an earlier term",
            caught_by="committed-never-truncated",
            source="Raft, Figure 2, AppendEntries rule 1",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="assume-all-matched",
            about="a leader takes a follower's consent to one message for consent to its whole log",
            caught_by="durable-before-acknowledge",
            source="Raft, Figure 2, Leaders: matchIndex",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="commit-unmatched",
            about="a follower commits entries of its own that were not compared with the leader's",
            caught_by="state-machine-safety",
            source="Raft, Figure 2, AppendEntries rule 5: index of last new entry",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="send-before-fsync",
            about="answers leave before what they promise is on disk",
            caught_by="durable-before-acknowledge",
            source="Raft, Figure 2: updated on stable storage before responding to RPCs",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="count-own-unsynced",
            about="the leader counts its own copy before it is on its disk",
            caught_by="durable-before-acknowledge",
            source="Ongaro's thesis, section 10.2.1",
            also=(*_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="read-before-first-commit",
            about="a new leader serves reads before it knows what is committed",
            caught_by="linearizability",
            source="Raft, section 8: a no-op at the start of a term; thesis, section 6.4",
            also=_CLIENTS,
        ),
        Mutant(
            name="read-before-applied",
            about="a read is answered from whatever is applied, without waiting for its read index",
            caught_by="linearizability",
            source="thesis, section 6.4, step 4",
            also=_CLIENTS,
        ),
        Mutant(
            name="apply-before-commit",
            about="the leader changes its registry when a write is proposed, before anybody agreed",
            caught_by="linearizability",
            source="the Raft of Nacos before 1.4 applied locally before it replicated",
            also=_CLIENTS,
        ),
        Mutant(
            name="timeout-means-failed",
            about="a write that timed out is said to have failed, though it may yet take effect",
            caught_by="linearizability",
            source="Jepsen's analyses: an indeterminate result told as a failure",
            also=_CLIENTS,
        ),
        Mutant(
            name="retry-applied-twice",
            about="a write that was sent again is applied again",
            caught_by="linearizability",
            source="thesis, section 6.3",
            also=_CLIENTS,
        ),
        Mutant(
            name="deregister-forgotten",
            about="some deregistrations are confirmed and not done",
            caught_by="linearizability",
            source="the registry's own meaning: deregister removes by key",
            also=_CLIENTS,
        ),
        Mutant(
            name="never-fsync",
            about="the log is written and never synced: it does not outlive a loss of power",
            caught_by="durable-log",
            source="Raft, Figure 2; fsync left out for speed, as many systems' defaults have it",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="swallow-disk-errors",
            about="a failed write or fsync is taken for a success, and the log goes on behind the hole",
            caught_by="node-health",
            source="Rebello et al., Can Applications Recover from fsync Failures? (2020)",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
        Mutant(
            name="recover-short",
            about="recovery drops the log's last entry, as if it had been torn",
            caught_by="durable-log",
            source="a torn end cut by the wrong length",
            also=(*_DISK, *_ELECTIONS, *_LOGS, *_CLIENTS),
        ),
    )
}
