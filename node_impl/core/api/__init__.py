"""The node's HTTP API without I/O: HTTP to `Request`, `Reply` to HTTP.

It follows Nacos's v1 open API where the registry has the same meaning, and has a few endpoints of its own.
`codec.py` has the tables of paths; `instances.py`, `services.py`, `configs.py` and `admin.py` know one family
of requests each. Nothing here decides anything about the registry; `node_impl/io/http` has the sockets.
"""
