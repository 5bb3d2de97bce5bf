"""Systems that can be tested: one file each, chosen by --system.

A system's file says how a node is started, how it is asked for its status, which codec speaks to it for each
data type, and what it needs on a remote host. base.py declares what a system must have and what it may have;
catalogue.py lists the systems by name; loading.py takes one from the user's own file.

What does not belong here: what clients do (harness/workload), what to break and when (harness/nemesis), and
where processes run (harness/hosts).
"""

from harness.systems.catalogue import REFERENCE_NODE, SYSTEMS, client_for, fitting_workloads, system_of

__all__ = ["REFERENCE_NODE", "SYSTEMS", "client_for", "fitting_workloads", "system_of"]
