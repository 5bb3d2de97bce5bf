"""Nacos's gRPC messages without I/O: payloads to requests of the registry, and replies to payloads.

Every message is one `Payload`: a type, headers and a body of JSON. `wire.py` has the bytes, `bodies.py` the
JSON, `answers.py` what all answers share; `naming.py` and `configs.py` know one family of messages each.
Parameters are checked by the same rules as over HTTP (`node_impl/core/api/parameters.py`).
"""
