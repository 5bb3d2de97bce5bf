"""What is left of the state and the log when a snapshot takes their place (section 7)."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, DISK, LOGS, Mutant

SNAPSHOTS = (
    Mutant(
        name="install-over-newer-state",
        about="a follower installs any snapshot, also one older than what it has applied",
        caught_by="commit-monotonic",
        seed=7,
        source="Raft, Figure 13: a snapshot of a prefix tells nothing new",
        also=(*DISK, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="install-over-newer-log",
        about="a node that restarts takes its snapshot for all there is, and drops the log behind it",
        caught_by="durable-log",
        seed=7,
        source="Raft, Figure 13, rule 6: retain log entries following it",
        also=(*DISK, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="snapshot-applied-again",
        about="a node becomes what its snapshot says again, and forgets what it has applied since",
        caught_by="durability",
        seed=1,
        source="Raft, section 7: the state machine is reset once",
        also=("snapshot-safety", *CLIENTS),
    ),
    Mutant(
        name="snapshot-claims-unapplied",
        about="a snapshot is said to hold all that is committed, and holds what is applied",
        caught_by="snapshot-safety",
        seed=13,
        source="Raft, section 7: last included index",
        also=(*LOGS, *CLIENTS),
    ),
    Mutant(
        name="sessions-not-in-snapshot",
        about="a snapshot lacks the table of sessions, so that a repeated write is applied again",
        caught_by="snapshot-safety",
        seed=1,
        source="thesis, section 6.3: sessions are a part of the state",
        also=("applied-once", "snapshot-safety", *CLIENTS),
        workload="sessions",
    ),
    Mutant(
        name="indexes-lost-in-snapshot",
        about="who restores a snapshot has forgotten at which index each instance was registered",
        caught_by="snapshot-safety",
        seed=1,
        source="Raft, section 7: a snapshot is the whole state",
        also=("snapshot-safety", *CLIENTS),
    ),
)
