"""What the disk holds after a crash."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, DISK, ELECTIONS, LOGS, Mutant

STORAGE = (
    Mutant(
        name="hard-state-not-written",
        about="term and vote never reach the log on disk, whatever the node believes",
        caught_by="term-monotonic",
        source="Raft, Figure 2: updated on stable storage before responding to RPCs",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="buffered-log",
        about="the log stays in the process's own buffer while writes are acknowledged",
        caught_by="durability",
        seed=2,
        options=("--nemesis", "kill:all"),
        source="Raft, Figure 2: updated on stable storage before responding to RPCs",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="never-fsync",
        about="the log is written and never synced: it does not outlive a loss of power",
        caught_by="durable-log",
        seed=8,
        source="Raft, Figure 2; fsync left out for speed, as many systems' defaults have it",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="swallow-disk-errors",
        about="a failed write or fsync is taken for a success, and the log goes on behind the hole",
        caught_by="node-health",
        seed=9,
        source="Rebello et al., Can Applications Recover from fsync Failures? (2020)",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="recover-short",
        about="recovery drops the log's last entry, as if it had been torn",
        caught_by="durable-log",
        source="a torn end cut by the wrong length",
        also=(*DISK, *ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="truncation-not-written",
        about="a log that is cut in memory is not cut on the disk",
        caught_by="node-health",
        source="Raft, section 5.3: the log on stable storage is the log",
        also=(*DISK, *LOGS, *CLIENTS),
    ),
)
