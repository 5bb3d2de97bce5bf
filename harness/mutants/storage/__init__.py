"""Seeded bugs of storage: what a node's disk holds after a crash."""

from __future__ import annotations

from harness.mutants.mutant import Mutant
from harness.mutants.storage.buffered_log import MUTANT as BUFFERED_LOG
from harness.mutants.storage.hard_state_not_written import MUTANT as HARD_STATE_NOT_WRITTEN
from harness.mutants.storage.never_fsync import MUTANT as NEVER_FSYNC
from harness.mutants.storage.recover_short import MUTANT as RECOVER_SHORT
from harness.mutants.storage.swallow_disk_errors import MUTANT as SWALLOW_DISK_ERRORS
from harness.mutants.storage.truncation_not_written import MUTANT as TRUNCATION_NOT_WRITTEN

STORAGE: tuple[Mutant, ...] = (
    HARD_STATE_NOT_WRITTEN,
    BUFFERED_LOG,
    NEVER_FSYNC,
    SWALLOW_DISK_ERRORS,
    RECOVER_SHORT,
    TRUNCATION_NOT_WRITTEN,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
