"""Nacos, from 0.8.0 with a Raft of its own to 3.1.0 with JRaft: how nodes are started, asked and used.

versions.py says in what the versions differ: the main class, the settings, the paths of the API, and how the
Raft group is asked. launchers/ has a main class of ours for the versions whose builds come without one;
installing compiles it.
"""

from harness.systems.nacos.system import Nacos

__all__ = ["Nacos"]
