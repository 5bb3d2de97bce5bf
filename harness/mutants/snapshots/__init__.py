"""Seeded bugs of snapshots: the state and the log that a snapshot replaces (Raft, section 7)."""

from __future__ import annotations

from harness.mutants.mutant import Mutant
from harness.mutants.snapshots.indexes_lost_in_snapshot import MUTANT as INDEXES_LOST_IN_SNAPSHOT
from harness.mutants.snapshots.install_over_newer_log import MUTANT as INSTALL_OVER_NEWER_LOG
from harness.mutants.snapshots.install_over_newer_state import MUTANT as INSTALL_OVER_NEWER_STATE
from harness.mutants.snapshots.log_never_compacted import MUTANT as LOG_NEVER_COMPACTED
from harness.mutants.snapshots.sessions_not_in_snapshot import MUTANT as SESSIONS_NOT_IN_SNAPSHOT
from harness.mutants.snapshots.snapshot_applied_again import MUTANT as SNAPSHOT_APPLIED_AGAIN
from harness.mutants.snapshots.snapshot_claims_unapplied import MUTANT as SNAPSHOT_CLAIMS_UNAPPLIED

SNAPSHOTS: tuple[Mutant, ...] = (
    INSTALL_OVER_NEWER_STATE,
    INSTALL_OVER_NEWER_LOG,
    SNAPSHOT_APPLIED_AGAIN,
    SNAPSHOT_CLAIMS_UNAPPLIED,
    SESSIONS_NOT_IN_SNAPSHOT,
    INDEXES_LOST_IN_SNAPSHOT,
    LOG_NEVER_COMPACTED,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
