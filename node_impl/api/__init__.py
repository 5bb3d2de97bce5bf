"""The node's HTTP face: Nacos's v1 instance API, and a few admin endpoints.

What may live here: translating HTTP to `Request` and `Reply` to HTTP (`parameters.py`, `codec.py`, both
pure), and the listener that carries it (`http.py`). What may not: deciding anything about the registry.
"""
