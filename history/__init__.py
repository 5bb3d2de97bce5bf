"""The data every part shares: operations, histories, node traces, and how they lie on disk.

A leaf: nothing here imports any other part of Ackproof. What may live here: values, their
validation and their storage. What may not: running, judging or drawing anything.
"""

from history.history import Columns, History, HistoryError
from history.operation import NEMESIS, Operation, OperationType
from history.recording import HeldSize, NodeLife, PolledStatus, Recording, ResourceSample
from history.stored.resources import read_resources
from history.stored.store import HistoryWriter, read_history, write_parquet
from history.stored.trace import NodeTrace, TraceEntry, TraceEvent, read_trace

__all__ = [
    "NEMESIS",
    "Columns",
    "HeldSize",
    "History",
    "HistoryError",
    "HistoryWriter",
    "NodeLife",
    "NodeTrace",
    "Operation",
    "OperationType",
    "PolledStatus",
    "Recording",
    "ResourceSample",
    "TraceEntry",
    "TraceEvent",
    "read_history",
    "read_resources",
    "read_trace",
    "write_parquet",
]
