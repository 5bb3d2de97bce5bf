"""The reference node: a service registry replicated by Raft, with a Nacos-compatible API.

It knows nothing of the harness and can be imported alone. `core/` is the whole node without I/O (start with
`core/node.py`); `io/` drives it on asyncio (`io/server.py` is the process). This file imports nothing.
"""
