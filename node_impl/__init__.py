"""The reference node: a service registry replicated by Raft, with a Nacos-compatible API.

It knows nothing of the harness and is importable alone. `node.py` is the whole node, sans-I/O;
`server.py` drives it on asyncio. This file imports nothing.
"""
