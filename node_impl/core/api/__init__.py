"""The node's HTTP face: what of Nacos's v1 open API the registry means too, and a few endpoints of its own.

What may live here: translating HTTP to `Request` and `Reply` to HTTP, all pure (`codec.py` has the tables;
`instances.py`, `services.py`, `configs.py` know one family of requests each), and the listener that carries
it (`http.py`). What may not: deciding anything about the registry.
"""
