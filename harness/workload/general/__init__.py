"""Workloads on general data types: registers, sets, queues, locks, transactions, watches, instances.

Any system that has a data type can be tested by the workloads that need it. Each file is one workload, or two
that differ in little: what clients do, on which keys, how everything is read back, and who judges it.
windows.py has what they share: keys that come into use and go out of it again.

What does not belong here: what only the reference node has (the files of harness/workload), and systems.
"""
