"""All that a file needs which describes a system in Python: see docs/testing-your-system.md."""

from harness.client.clients import Client, MayBeDone, NotDone, Site, fail, info, lost, ok, ok_read
from harness.client.codecs.base import Codec, HttpReply, HttpRequest, NoReply
from harness.client.net import Net
from harness.client.own_process import in_own_process
from harness.nemesis.view import ClusterView
from harness.systems.base import Bounds, Launch, NodeStatus, Place, Process, System, WrittenFile
from history import Operation

__all__ = [
    "Bounds",
    "Client",
    "ClusterView",
    "Codec",
    "HttpReply",
    "HttpRequest",
    "Launch",
    "MayBeDone",
    "Net",
    "NoReply",
    "NodeStatus",
    "NotDone",
    "Operation",
    "Place",
    "Process",
    "Site",
    "System",
    "WrittenFile",
    "fail",
    "in_own_process",
    "info",
    "lost",
    "ok",
    "ok_read",
]
