"""Seeded bugs of replication: what the logs hold (`log/`) and what is committed (`commit/`).

See sections 5.3 and 5.4 of the Raft paper."""

from __future__ import annotations

from harness.mutants.mutant import Mutant
from harness.mutants.replication.commit.acknowledge_early import MUTANT as ACKNOWLEDGE_EARLY
from harness.mutants.replication.commit.assume_all_matched import MUTANT as ASSUME_ALL_MATCHED
from harness.mutants.replication.commit.commit_earlier_terms import MUTANT as COMMIT_EARLIER_TERMS
from harness.mutants.replication.commit.commit_held_by_half import MUTANT as COMMIT_HELD_BY_HALF
from harness.mutants.replication.commit.commit_unmatched import MUTANT as COMMIT_UNMATCHED
from harness.mutants.replication.commit.count_own_unsynced import MUTANT as COUNT_OWN_UNSYNCED
from harness.mutants.replication.commit.deposed_leader_answers import MUTANT as DEPOSED_LEADER_ANSWERS
from harness.mutants.replication.commit.match_starts_at_last import MUTANT as MATCH_STARTS_AT_LAST
from harness.mutants.replication.commit.send_before_fsync import MUTANT as SEND_BEFORE_FSYNC
from harness.mutants.replication.log.discard_on_election import MUTANT as DISCARD_ON_ELECTION
from harness.mutants.replication.log.last_entry_unchecked import MUTANT as LAST_ENTRY_UNCHECKED
from harness.mutants.replication.log.obey_deposed_leaders import MUTANT as OBEY_DEPOSED_LEADERS
from harness.mutants.replication.log.previous_term_unchecked import MUTANT as PREVIOUS_TERM_UNCHECKED
from harness.mutants.replication.log.refusals_ignored import MUTANT as REFUSALS_IGNORED
from harness.mutants.replication.log.truncate_on_stale_append import MUTANT as TRUNCATE_ON_STALE_APPEND

REPLICATION: tuple[Mutant, ...] = (
    ACKNOWLEDGE_EARLY,
    DISCARD_ON_ELECTION,
    PREVIOUS_TERM_UNCHECKED,
    TRUNCATE_ON_STALE_APPEND,
    OBEY_DEPOSED_LEADERS,
    ASSUME_ALL_MATCHED,
    COMMIT_UNMATCHED,
    SEND_BEFORE_FSYNC,
    COUNT_OWN_UNSYNCED,
    COMMIT_EARLIER_TERMS,
    COMMIT_HELD_BY_HALF,
    MATCH_STARTS_AT_LAST,
    LAST_ENTRY_UNCHECKED,
    DEPOSED_LEADER_ANSWERS,
    REFUSALS_IGNORED,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
