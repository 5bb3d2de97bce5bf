"""The checkers that judge a run of the `registry` workload."""

from __future__ import annotations

from checkers.raft import raft_checkers
from checkers.registry.durability.durability import Durability
from checkers.registry.linearizability import IndexHonesty, Linearizability
from checkers.registry.linearizability.portfolio import Judgements
from checkers.registry.sessions import SessionGuarantees
from checkers.registry.staleness import BoundedStaleness
from checkers.run.availability import Availability
from checkers.run.node_health import NodeHealth
from checkers.run.recovery import Recovery
from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors
from checkers.run.vacuity import Vacuity
from checkers.verdict import Checker


def registry_checkers() -> tuple[Checker, ...]:
    """All checkers of the workload, in the order in which reports show them."""
    judgements = Judgements()
    return (
        Durability(),
        Linearizability(judgements),
        IndexHonesty(judgements),
        SessionGuarantees(),
        BoundedStaleness(),
        *raft_checkers(),
        Recovery(),
        Availability(),
        NodeHealth(),
        Vacuity(),
        UnhandledErrors(),
        Stats(),
    )
