"""Which operations of a history are writes: by their names, and of transactions by their steps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from history import NEMESIS, History
from history.values import decoded

WRITES: tuple[str, ...] = ("register", "update", "deregister", "write", "cas")
"""Which operations count as writes where a workload does not say so itself."""
TXN = "txn"
"""An operation of this name is a write if a step of it is."""
_READ_STEP = "r"


def is_write(f: str, value: Any, writes: Collection[str]) -> bool:
    """Whether a client's operation of this name and value writes.

    Args:
        writes: the names of the operations that are writes.
    """
    return f in writes and not (f == TXN and _only_reads(value))


def are_writes(history: History, writes: Collection[str]) -> npt.NDArray[np.bool_]:
    """By position in the history, whether it is a client's operation that writes.

    Args:
        writes: the names of the operations that are writes.
    """
    columns = history.columns
    found = np.isin(columns.f, [columns.f_code(f) for f in writes]) & (columns.process != NEMESIS)
    if TXN in writes and found.any():
        only_reads = np.array([_only_reads(decoded(text)) for text in columns.values] + [False])
        found &= (columns.f != columns.f_code(TXN)) | ~only_reads[columns.value]
    return np.asarray(found)


def _only_reads(steps: Any) -> bool:
    """Whether all steps of a transaction read; False for what is no list of steps."""
    if not isinstance(steps, list | tuple) or not steps:
        return False
    return all(isinstance(step, list | tuple) and step[:1] in ([_READ_STEP], (_READ_STEP,)) for step in steps)
