"""The checkers that judge every run, whatever its workload."""

from __future__ import annotations

from checkers.check_all import Suite
from checkers.run.node_health import NodeHealth
from checkers.run.recovery import Recovery
from checkers.run.stats import Stats
from checkers.run.unhandled_errors import UnhandledErrors
from checkers.run.vacuity import Vacuity
from checkers.run.writes import WRITES


def run_checkers(writes: tuple[str, ...] = WRITES) -> Suite:
    """Did the system recover, did its nodes stay healthy, was it put to the test, were replies understood?

    Args:
        writes: the names of the workload's operations that are writes.
    """
    return Suite(
        (Recovery(writes=writes), NodeHealth(), Vacuity(writes=writes), UnhandledErrors()), (Stats(),)
    )
