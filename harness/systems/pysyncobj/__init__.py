"""PySyncObj, a Raft library for Python: how a node that hosts it is started, asked, and used.

server.py is the program of a node. It is started by its path, with the folder of the version that is tested
in `PYTHONPATH`, and imports nothing of ours.
"""

from harness.systems.pysyncobj.system import PySyncObj

__all__ = ["PySyncObj"]
