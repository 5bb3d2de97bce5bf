"""Mechanisms: what a world can do to its nodes, as protocols that worlds implement.

`world.py` says what every world offers to an action, and what a mechanism is. Each other file declares one
kind of mechanism (processes, links, disks, ...) with its key. harness/cluster implements them for real
processes, harness/sim for simulated nodes; an implementation is looked up by its key.
"""
