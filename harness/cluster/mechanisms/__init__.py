"""The mechanisms of clusters of real processes, which faults call to do harm.

Each file implements one protocol of harness/nemesis/mechanisms/ for nodes on hosts; `catalogue.py` lists
them. What happens at one host (a faulty disk, a clock of a process's own) is in harness/hosts; these classes
find it for a node by name, and keep what lasts from one life of the node to the next.
"""
