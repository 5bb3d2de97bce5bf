"""Workloads: what clients do, how the run is read back, and which checkers judge it.

A workload is one value of `base.Workload`, made by a function of the run's shape. What may live
here: generators of client operations and the choice of codec and checkers. What may not: I/O,
faults, or how a verdict is reached.
"""

from harness.workload.base import Workload
from harness.workload.catalogue import WORKLOADS, workload

__all__ = ["WORKLOADS", "Workload", "workload"]
