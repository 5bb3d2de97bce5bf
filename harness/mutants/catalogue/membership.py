"""Who is in the cluster, and whose votes count (thesis, chapter 4)."""

from __future__ import annotations

from harness.mutants.mutant import CLIENTS, ELECTIONS, LOGS, Mutant

MEMBERSHIP = (
    Mutant(
        name="changes-overlap",
        about="a leader begins a change of membership while the one before it is not committed",
        caught_by="membership",
        seed=10,
        source="thesis, section 4.1: one change at a time",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="change-before-own-commit",
        about="a new leader changes the membership before it has committed an entry of its term",
        caught_by="membership",
        seed=6,
        source="Ongaro, bug in single-server membership changes (raft-dev, 2015)",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="quorum-of-old-set",
        about="majorities are counted by the configuration before the newest one",
        caught_by="election-safety",
        seed=14,
        source="thesis, section 4.1: the newest configuration in the log is in force",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="learners-stand",
        about="a learner that hears no leader stands for election",
        caught_by="membership",
        seed=5,
        source="thesis, section 4.2.1: learners do not vote",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
    Mutant(
        name="lead-after-removal",
        about="a leader that was removed from the cluster goes on to lead it",
        caught_by="membership",
        seed=10,
        options=("--nemesis", "membership:remove-leader"),
        source="thesis, section 4.2.2",
        also=(*ELECTIONS, *LOGS, *CLIENTS),
    ),
)
