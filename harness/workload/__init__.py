"""Workloads: what clients do, how a run is read back at its end, and which checkers judge it. One file each.

A workload is a value of `base.Workload`, made for the nodes and the number of clients of a run. It names the
data type that it needs, and knows no system. catalogue.py lists the workloads by name. Those in general/
are for any system; those in this folder need what only the reference node has.

What does not belong here: I/O, faults, and how a checker reaches its verdict.
"""

from harness.workload.base import Workload
from harness.workload.catalogue import WORKLOADS, add_workload, workload

__all__ = ["WORKLOADS", "Workload", "add_workload", "workload"]
