"""Seeded bugs of storage: what a node's disk holds after a crash."""

from __future__ import annotations

from harness.mutants.mutant import Mutant
from harness.mutants.storage.buffered_log import MUTANT as BUFFERED_LOG
from harness.mutants.storage.hard_state_not_written import MUTANT as HARD_STATE_NOT_WRITTEN
from harness.mutants.storage.kernel_trusted import MUTANT as KERNEL_TRUSTED
from harness.mutants.storage.log_before_snapshot import MUTANT as LOG_BEFORE_SNAPSHOT
from harness.mutants.storage.name_not_synced import MUTANT as NAME_NOT_SYNCED
from harness.mutants.storage.never_fsync import MUTANT as NEVER_FSYNC
from harness.mutants.storage.recover_short import MUTANT as RECOVER_SHORT
from harness.mutants.storage.renamed_before_synced import MUTANT as RENAMED_BEFORE_SYNCED
from harness.mutants.storage.snapshot_overwritten import MUTANT as SNAPSHOT_OVERWRITTEN
from harness.mutants.storage.swallow_disk_errors import MUTANT as SWALLOW_DISK_ERRORS
from harness.mutants.storage.truncation_not_written import MUTANT as TRUNCATION_NOT_WRITTEN
from harness.mutants.storage.unreadable_is_new import MUTANT as UNREADABLE_IS_NEW

STORAGE: tuple[Mutant, ...] = (
    HARD_STATE_NOT_WRITTEN,
    BUFFERED_LOG,
    NEVER_FSYNC,
    SWALLOW_DISK_ERRORS,
    RECOVER_SHORT,
    TRUNCATION_NOT_WRITTEN,
    NAME_NOT_SYNCED,
    RENAMED_BEFORE_SYNCED,
    SNAPSHOT_OVERWRITTEN,
    LOG_BEFORE_SNAPSHOT,
    KERNEL_TRUSTED,
    UNREADABLE_IS_NEW,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
