"""Raft's invariants (Ongaro & Ousterhout 2014, Figure 3, and their like), judged from the nodes' traces.

What lives here: `replay` (one node's trace -> what it did, with its log rebuilt), `cluster` (all of
them, and what is missing), `causality` (what happened before what, by messages), and the invariants
by subject: `elections`, `logs`, `state_machine`, `acknowledgement`, `snapshots`, `membership`; and
`conformance`: each step held against the specification's actions. What may not: any knowledge of how a
node is built; docs/trace-format.md is all there is.

Events of different nodes are ordered by messages, terms and indices, never by time stamps. What a
trace lacks makes a verdict `unknown`, unless what is there already shows a violation.
"""

from __future__ import annotations

from checkers.check_all import Suite
from checkers.raft.conformance import Conformance
from checkers.raft.facts.cluster import Replays
from checkers.raft.invariants.acknowledgement import DurableBeforeAcknowledge
from checkers.raft.invariants.elections import ElectionSafety, OneVoteATerm, TermMonotonic
from checkers.raft.invariants.logs import (
    CommittedNeverTruncated,
    DurableLog,
    LeaderAppendOnly,
    LeaderCompleteness,
    LogMatching,
)
from checkers.raft.invariants.membership import MembershipChanges
from checkers.raft.invariants.snapshots import SnapshotSafety
from checkers.raft.invariants.state_machine import CommitMonotonic, StateMachineSafety
from checkers.verdict import Checker

NOT_IN_EVERY_RUN = frozenset(
    {
        "leader-completeness",
        "committed-never-truncated",
        "durable-log",
        "snapshot-safety",
        "membership",
    }
)
"""Invariants of what a good run may lack: a second leader, a truncated log, a restart, a snapshot, a change
of the members. A fault that brings such a thing about requires the invariant (`Fault.requires`)."""


def raft_checkers() -> Suite:
    """Every invariant, and conformance to the specification's steps."""
    every = (*raft_invariants(), Conformance())
    return Suite(
        tuple(checker for checker in every if checker.name not in NOT_IN_EVERY_RUN),
        tuple(checker for checker in every if checker.name in NOT_IN_EVERY_RUN),
    )


def raft_invariants() -> tuple[Checker, ...]:
    """Every invariant; together they replay a recording's traces once."""
    replays = Replays()
    return (
        ElectionSafety(replays),
        LeaderAppendOnly(replays),
        LogMatching(replays),
        LeaderCompleteness(replays),
        StateMachineSafety(replays),
        OneVoteATerm(replays),
        TermMonotonic(replays),
        CommitMonotonic(replays),
        CommittedNeverTruncated(replays),
        DurableLog(replays),
        DurableBeforeAcknowledge(replays),
        SnapshotSafety(replays),
        MembershipChanges(replays),
    )


__all__ = ["raft_checkers", "raft_invariants"]
