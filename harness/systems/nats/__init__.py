"""NATS with JetStream: a key-value bucket with compare-and-set, and a stream that holds sets.

jetstream.py speaks to the servers, by the package `nats-py` (the extra `nats`). clients.py
has the operations.
"""

from harness.systems.nats.system import Nats

__all__ = ["Nats"]
