"""The simulated world: the same test in one process, in virtual time, all of it from one seed.

Start with `run.py`, which puts one run together; then `world/world.py` (time, network, operations) and
`world/process.py` (one node's life). `plan/` draws what a seed goes through, `mechanisms/` lets faults act on
the world, `schedule/` records, replays and shrinks runs, `seeds/` runs many, `explore/` tries every behaviour
of the Raft core. Here live simulated time, network, disks and clocks, and what runs or shrinks such runs. No
rule of the node (it runs unchanged), of a workload, a fault or a checker may live here; no floats in
decisions, real time, iteration over sets, or anything else that two machines could do differently.
"""
