"""What the simulated world lets faults do to its nodes: one file for each kind of mechanism.

Each class implements a protocol of harness/nemesis/mechanisms/. `catalogue.py` lists all of them, and with
that says which faults the simulated world can have. Nothing here waits, but for the nemesis in virtual time.
"""
