"""The simulated world: the same test in one process, in virtual time, all of it from one seed.

Start with `world.py` (time, network, clients, faults) and `process.py` (one node's life); `run.py` puts
one run together, `swarm.py` draws what a seed goes through, `campaign.py` runs many seeds, `shrink.py`
makes a failing one small. What may live here: simulated time, network, disks, clocks, and what runs
or shrinks such runs. What may not: any rule of the node (it runs unchanged), of a workload, a fault
package or a checker; floats, real time, iteration over sets, or anything else that two machines
could do differently.
"""
