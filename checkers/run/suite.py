"""The checkers that judge every run, whatever its workload."""

from __future__ import annotations

from checkers.check_all import Suite
from checkers.raft import raft_checkers
from checkers.run.availability import Availability
from checkers.run.liveness.liveness import Liveness
from checkers.run.node_health import NodeHealth
from checkers.run.recovery import Recovery
from checkers.run.resources import Resources
from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors
from checkers.run.vacuity import Vacuity
from checkers.run.writes import WRITES


def cluster_checkers(writes: tuple[str, ...]) -> Suite:
    """The checkers of a run of any system: what its nodes' traces show, if it writes any, its availability,
    and `run_checkers`.

    Args:
        writes: the names of the workload's operations that are writes.
    """
    return Suite((), (Availability(writes=writes),)) + raft_checkers() + run_checkers(writes)


def run_checkers(writes: tuple[str, ...] = WRITES) -> Suite:
    """Did the system recover, did its nodes stay healthy, was it put to the test, were replies understood?

    Args:
        writes: the names of the workload's operations that are writes.
    """
    return Suite(
        (Recovery(writes=writes), NodeHealth(), Vacuity(writes=writes), UnhandledErrors()),
        (Liveness(writes=writes), Resources(), Stats()),
    )
