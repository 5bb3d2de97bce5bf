"""The data every part shares: operations, histories, node traces, and how they lie on disk.

A leaf: nothing here imports any other part of Ackproof. What may live here: values, their
validation and their storage. What may not: running, judging or drawing anything.

A name is loaded when it is first used, so that what needs an `Operation` alone loads no array library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    """Load a name of this package when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'history' has no attribute {name!r}")
    value = getattr(_module_of(name), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _module_of(name: str) -> Any:
    """Import the one module that defines this name."""
    if name in ("NEMESIS", "Operation", "OperationType"):
        from history import operation

        return operation
    if name in ("Columns", "History", "HistoryError"):
        from history import history

        return history
    if name in ("HeldSize", "NodeLife", "PolledStatus", "Recording", "ResourceSample"):
        from history import recording

        return recording
    return _stored_module_of(name)


def _stored_module_of(name: str) -> Any:
    if name == "read_resources":
        from history.stored import resources

        return resources
    if name in ("HistoryWriter", "read_history", "write_parquet"):
        from history.stored import store

        return store
    from history.stored import trace

    return trace
