"""etcd: how its nodes are started and asked, and its clients for each data type, over its JSON gateway."""

from harness.systems.etcd.system import Etcd

__all__ = ["Etcd"]
