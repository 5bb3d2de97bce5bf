"""Redis with Sentinel: two processes a node, and clients that ask the Sentinel of their node for the master.

resp.py is the protocol that both speak. Programs of Redis itself live elsewhere (harness/systems/installing).
"""

from harness.systems.redis.system import Redis

__all__ = ["Redis"]
