"""Seeded bugs of membership: which nodes belong to the cluster, and whose votes count (thesis, chapter 4)."""

from __future__ import annotations

from harness.mutants.membership.change_before_own_commit import MUTANT as CHANGE_BEFORE_OWN_COMMIT
from harness.mutants.membership.changes_overlap import MUTANT as CHANGES_OVERLAP
from harness.mutants.membership.lead_after_removal import MUTANT as LEAD_AFTER_REMOVAL
from harness.mutants.membership.learners_stand import MUTANT as LEARNERS_STAND
from harness.mutants.membership.quorum_of_old_set import MUTANT as QUORUM_OF_OLD_SET
from harness.mutants.mutant import Mutant

MEMBERSHIP: tuple[Mutant, ...] = (
    CHANGES_OVERLAP,
    CHANGE_BEFORE_OWN_COMMIT,
    QUORUM_OF_OLD_SET,
    LEARNERS_STAND,
    LEAD_AFTER_REMOVAL,
)
"""In the order in which listings show them. A new mutant is its file in this folder and its line here."""
