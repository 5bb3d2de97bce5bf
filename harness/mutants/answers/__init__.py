"""Seeded bugs of answers: reads, replies and repeated writes (Raft, section 8; thesis, chapter 6)."""

from __future__ import annotations

from harness.mutants.answers.forward_proposed_twice import MUTANT as FORWARD_PROPOSED_TWICE
from harness.mutants.answers.forwards_never_forgotten import MUTANT as FORWARDS_NEVER_FORGOTTEN
from harness.mutants.answers.index_lies import MUTANT as INDEX_LIES
from harness.mutants.answers.lease_without_clock_bound import MUTANT as LEASE_WITHOUT_CLOCK_BOUND
from harness.mutants.answers.list_in_halves import MUTANT as LIST_IN_HALVES
from harness.mutants.answers.old_sequence_applied import MUTANT as OLD_SEQUENCE_APPLIED
from harness.mutants.answers.plain_write_repeated import MUTANT as PLAIN_WRITE_REPEATED
from harness.mutants.answers.read_before_applied import MUTANT as READ_BEFORE_APPLIED
from harness.mutants.answers.read_before_first_commit import MUTANT as READ_BEFORE_FIRST_COMMIT
from harness.mutants.answers.retry_applied_twice import MUTANT as RETRY_APPLIED_TWICE
from harness.mutants.answers.timeout_means_failed import MUTANT as TIMEOUT_MEANS_FAILED
from harness.mutants.answers.unconfirmed_reads import MUTANT as UNCONFIRMED_READS
from harness.mutants.mutant import Mutant

ANSWERS: tuple[Mutant, ...] = (
    UNCONFIRMED_READS,
    LEASE_WITHOUT_CLOCK_BOUND,
    READ_BEFORE_FIRST_COMMIT,
    READ_BEFORE_APPLIED,
    TIMEOUT_MEANS_FAILED,
    RETRY_APPLIED_TWICE,
    INDEX_LIES,
    LIST_IN_HALVES,
    OLD_SEQUENCE_APPLIED,
    PLAIN_WRITE_REPEATED,
    FORWARD_PROPOSED_TWICE,
    FORWARDS_NEVER_FORGOTTEN,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
