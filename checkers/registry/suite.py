"""The checkers that judge a run of the `registry` workload."""

from __future__ import annotations

from checkers.check_all import Suite
from checkers.raft import raft_checkers
from checkers.registry.applied_once import AppliedOnce
from checkers.registry.durability.durability import Durability
from checkers.registry.linearizability import IndexHonesty, Linearizability
from checkers.registry.linearizability.portfolio import Judgements
from checkers.registry.sessions import SessionGuarantees
from checkers.registry.staleness import BoundedStaleness
from checkers.run.availability import Availability
from checkers.run.convergence import Convergence
from checkers.run.suite import run_checkers


def registry_checkers() -> Suite:
    """All checkers of the workload, in the order in which reports show them."""
    judgements = Judgements()
    required = (
        Durability(),
        Linearizability(judgements),
        IndexHonesty(judgements),
        SessionGuarantees(),
        Convergence(),
    )
    optional = (BoundedStaleness(), AppliedOnce(), Availability())
    return Suite(required, optional) + raft_checkers() + run_checkers()
