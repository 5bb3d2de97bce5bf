"""Systems under test: how a node of each kind is started and asked, and the worlds that hold nodes.

What may live here: one file a kind of system (command line, environment, status), and the local world
that starts and breaks its nodes as processes. What may not: client operations (harness/client),
what to break and when (harness/nemesis).
"""

from harness.systems.base import System

__all__ = ["System"]
