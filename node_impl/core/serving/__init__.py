"""How a node serves its clients, sans-I/O, layer upon layer, as the core beside it is built.

`open_requests.py` holds who waits; upon it `reads.py`, `writes.py` (beats too) and `applying.py`; and
`node_impl/core/node.py` is the whole, which takes the events. Lives here: what becomes of a request, on
the way to its one answer. Must not: sockets, clocks, files, and Raft's own rules.
"""
