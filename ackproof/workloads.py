"""All that a file needs which describes a workload in Python: see docs/library.md.

A workload is a function of the nodes' names and the number of clients, which makes a `Workload`. Once
`add_workload` knows it, `Test(workload=NAME)` and `simulate(workload=NAME)` run it.
"""

from __future__ import annotations

from checkers.check_all import Suite
from checkers.linearizability.by_model import LinearizabilityOf as Linearizability
from checkers.run.suite import cluster_checkers
from harness.client.data_types import DATA_TYPES
from harness.generator import Context, GeneratorLike
from harness.workload import Workload, add_workload
from harness.workload.final_reads import recover, recover_and_read
from history.units import MILLISECOND_NS, SECOND_NS

__all__ = [
    "DATA_TYPES",
    "MILLISECOND_NS",
    "SECOND_NS",
    "Context",
    "GeneratorLike",
    "Linearizability",
    "Suite",
    "Workload",
    "add_workload",
    "cluster_checkers",
    "recover",
    "recover_and_read",
]
