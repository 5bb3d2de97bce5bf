"""The checkers that judge a run of the `registry` workload."""

from __future__ import annotations

from checkers.availability import Availability
from checkers.durability import Durability
from checkers.linearizability import IndexHonesty, Linearizability
from checkers.linearizability.portfolio import Judgements
from checkers.node_health import NodeHealth
from checkers.raft import raft_checkers
from checkers.recovery import Recovery
from checkers.sessions import SessionGuarantees
from checkers.staleness import BoundedStaleness
from checkers.stats import Stats
from checkers.unhandled_errors import UnhandledErrors
from checkers.vacuity import Vacuity
from checkers.verdict import Checker


def registry_checkers() -> tuple[Checker, ...]:
    """All of them, those that users ask for first in front."""
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
