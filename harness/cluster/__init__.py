"""A running cluster of one system on hosts: a world of real processes, in which faults happen.

Start with world.py; local.py, netns.py and ssh.py lay nodes out on hosts. `mechanisms/` is what faults may do
to nodes, `collecting/` is evidence that a run may keep, attachment.py what both have at each node.
"""
