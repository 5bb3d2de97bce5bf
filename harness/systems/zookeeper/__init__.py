"""ZooKeeper: how its nodes are started and asked, and its clients by the library kazoo."""

from harness.systems.zookeeper.system import ZooKeeper

__all__ = ["ZooKeeper"]
