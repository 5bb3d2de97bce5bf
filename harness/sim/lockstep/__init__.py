"""Nodes of others in the simulated world: cores in any language that speak the lockstep protocol.

docs/lockstep.md is the protocol. `protocol.py` has its lines as values, `child.py` the process that is
given one line and answers one, `node.py` a node behind such a process (what `node_impl.core` is for the
reference node), `standing.py` the trace of such a node, `journal.py` its disk, `clients.py` its clients,
`exchanges.py` the comparison of two runs of one seed, and `check.py` the kit that `ackproof lockstep check`
runs. What may not live here: any rule of a fault, a schedule or a checker, which are those of the reference
node.
"""
