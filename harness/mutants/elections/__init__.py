"""Seeded bugs of elections: votes, terms and majorities (Raft, sections 5.2 and 5.4.1)."""

from __future__ import annotations

from harness.mutants.elections.all_must_vote import MUTANT as ALL_MUST_VOTE
from harness.mutants.elections.candidates_disturb import MUTANT as CANDIDATES_DISTURB
from harness.mutants.elections.count_old_votes import MUTANT as COUNT_OLD_VOTES
from harness.mutants.elections.forgetful import MUTANT as FORGETFUL
from harness.mutants.elections.half_is_a_majority import MUTANT as HALF_IS_A_MAJORITY
from harness.mutants.elections.lead_without_quorum import MUTANT as LEAD_WITHOUT_QUORUM
from harness.mutants.elections.term_jumps_on_write import MUTANT as TERM_JUMPS_ON_WRITE
from harness.mutants.elections.term_not_persisted import MUTANT as TERM_NOT_PERSISTED
from harness.mutants.elections.vote_not_persisted import MUTANT as VOTE_NOT_PERSISTED
from harness.mutants.elections.vote_twice import MUTANT as VOTE_TWICE
from harness.mutants.elections.vote_without_log_check import MUTANT as VOTE_WITHOUT_LOG_CHECK
from harness.mutants.mutant import Mutant

ELECTIONS: tuple[Mutant, ...] = (
    VOTE_TWICE,
    VOTE_WITHOUT_LOG_CHECK,
    HALF_IS_A_MAJORITY,
    FORGETFUL,
    VOTE_NOT_PERSISTED,
    TERM_NOT_PERSISTED,
    COUNT_OLD_VOTES,
    TERM_JUMPS_ON_WRITE,
    LEAD_WITHOUT_QUORUM,
    CANDIDATES_DISTURB,
    ALL_MUST_VOTE,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
