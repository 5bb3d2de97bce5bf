"""What clients are told: reads, replies, repeated writes (section 8; thesis, chapter 6)."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, Mutant

ANSWERS = (
    Mutant(
        name="unconfirmed-reads",
        about="a leader answers lookups without asking whether it still leads",
        caught_by="linearizability",
        seed=3,
        options=("--nemesis", "partition:isolate-leader"),
        source="Raft, section 8: a leader exchanges heartbeats with a majority before it answers a read",
        also=CLIENTS,
    ),
    Mutant(
        name="lease-without-clock-bound",
        about="a leader's lease lasts as if no node's clock were faster than another's",
        caught_by="linearizability",
        seed=3,
        source="Ongaro's thesis, section 6.4.1: leases assume a bound on clock drift",
        faults=("partition:isolate-leader", "drift:slow-leader"),
        also=CLIENTS,
    ),
    Mutant(
        name="read-before-first-commit",
        about="a new leader serves reads before it knows what is committed",
        caught_by="linearizability",
        seed=26,
        source="Raft, section 8: a no-op at the start of a term; thesis, section 6.4",
        also=CLIENTS,
    ),
    Mutant(
        name="read-before-applied",
        about="a read is answered from whatever is applied, without waiting for its read index",
        caught_by="linearizability",
        seed=1,
        source="thesis, section 6.4, step 4",
        also=CLIENTS,
    ),
    Mutant(
        name="timeout-means-failed",
        about="a write that timed out is said to have failed, though it may yet take effect",
        caught_by="linearizability",
        source="Jepsen's analyses: an indeterminate result told as a failure",
        also=CLIENTS,
    ),
    Mutant(
        name="retry-applied-twice",
        about="a write that was sent again is applied again",
        caught_by="linearizability",
        seed=2,
        source="thesis, section 6.3",
        also=CLIENTS,
    ),
    Mutant(
        name="index-lies",
        about="a read is told as of the log's last index, though less of it was applied: the data are right",
        caught_by="index-honesty",
        source="the node's own promise: a read names what was applied when its state was read",
        also=("session-guarantees", "bounded-staleness"),
    ),
    Mutant(
        name="list-in-halves",
        about="a list is read in two halves, with time for writes between them",
        caught_by="linearizability",
        seed=3,
        source="Herlihy & Wing 1990: an operation takes effect at one moment; each key by itself is right",
        also=("index-honesty", "bounded-staleness"),
    ),
    Mutant(
        name="old-sequence-applied",
        about="a write older than its client's last one is applied after it",
        caught_by="applied-once",
        seed=7,
        source="thesis, section 6.3",
        also=("applied-once", *CLIENTS),
        workload="sessions",
    ),
)
