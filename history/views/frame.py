"""A history as a pandas DataFrame, one row an operation: for tables, notebooks and figures made for people.

| column | type | what it holds |
|---|---|---|
| `index` (the frame's index) | int | position of the invocation in the history: the operation id |
| `process` | int | the client's process; -1 for the nemesis |
| `who` | category | `client` or `nemesis` |
| `f` | category | what was done: `register`, `lookup`, `kill`, ... |
| `fault` | category | the fault that a nemesis operation begins or heals; missing where it heals all |
| `key` | category | what it was done to; missing where the operation names no key |
| `outcome` | category | `ok`, `fail` or `info`; an operation without a completion is `info` |
| `value` | object | the argument of the invocation, decoded |
| `result` | object | the value of the completion, decoded; None without one |
| `error` | category | why it is `fail` or `info`; missing otherwise |
| `node` | category | the node that answered; without an answer, the one that was asked |
| `raft_index` | Int64 | the Raft index that the reply names; missing without one |
| `invoked_ns` | int | when it began, in nanoseconds since the run began |
| `completed_ns` | Int64 | when it ended; missing without a completion |
| `latency_ns` | Int64 | the time between the two; missing without a completion |

pandas takes some tenths of a second to import, so it is imported only when a frame is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from history.history import INFO, INVOKE, TYPES, Codes, Columns, History, wide
from history.nemesis import FINAL_HEAL, FaultKind, FaultKinds
from history.operation import NEMESIS
from history.units import MILLISECOND_NS
from history.values import decoded

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.5, 0.9, 0.99, 1.0)


def frame(
    history: History,
    *,
    values: bool = True,
    kinds: Sequence[FaultKind] = (),
    columns: Collection[str] | None = None,
) -> pd.DataFrame:
    """A history as a DataFrame, with the columns that the module's docstring lists.

    Args:
        values: whether the columns `value` and `result` are wanted. They hold Python objects; without them a
            frame of a million operations takes a fraction of the time.
        kinds: the kinds of the run's faults (`Recording.fault_kinds`); without them, faults are known by the
            names of their operations alone.
        columns: which columns are wanted; each takes memory, and of ten million operations much. None: all.
    """
    import pandas as pd

    begun = np.flatnonzero(history.columns.type == INVOKE)
    made = {
        name: make()
        for name, make in _makers(history, begun, kinds).items()
        if (columns is None and (values or name not in OBJECTS)) or (columns is not None and name in columns)
    }
    # The arrays are taken as they are: to copy all of them into blocks would take as much memory again.
    return pd.DataFrame(made, copy=False).set_index(pd.Index(begun, name="index"))


OBJECTS = ("value", "result")
"""The columns of Python objects."""


def _makers(history: History, begun: Codes, kinds: Sequence[FaultKind]) -> dict[str, Callable[[], Any]]:
    """By column, in order, how it is made; so that only those that are wanted take memory."""
    columns = history.columns
    ended = history.pairs[begun]
    done = ended >= 0

    def at_end(column: Codes, missing: int) -> Codes:
        """What the completions say; `missing` where there is none."""
        return np.where(done, column[ended], missing)

    def who() -> Codes:
        return np.equal(columns.process[begun], NEMESIS).astype(np.int64)

    def outcome() -> Codes:
        return np.where(done, columns.type[ended], INFO).astype(np.int64) - 1

    def node() -> Codes:
        return np.where(done & (columns.node[ended] >= 0), columns.node[ended], columns.node[begun])

    def latency() -> Codes:
        return at_end(columns.time, 0) - np.where(done, columns.time[begun], 0)

    def raft_index() -> Any:
        found = at_end(columns.raft_index, -1)
        return _integers(found, found < 0)

    return {
        "process": lambda: wide(columns.process[begun]),
        "who": lambda: _category(who(), ("client", "nemesis")),
        "f": lambda: _category(columns.f[begun], columns.f_names),
        "fault": lambda: _faults(columns, begun, who(), kinds),
        "key": lambda: _category(columns.key[begun], columns.keys),
        "outcome": lambda: _category(outcome(), TYPES[1:]),
        "value": lambda: _objects(columns, columns.value[begun]),
        "result": lambda: _objects(columns, at_end(columns.value, -1)),
        "error": lambda: _category(at_end(columns.error, -1), columns.errors),
        "node": lambda: _category(node(), columns.nodes),
        "raft_index": raft_index,
        "invoked_ns": lambda: columns.time[begun],
        "completed_ns": lambda: _integers(at_end(columns.time, 0), ~done),
        "latency_ns": lambda: _integers(latency(), ~done),
    }


def _integers(numbers: Codes, missing: npt.NDArray[np.bool_]) -> Any:
    """Whole numbers of which some are missing, as pandas stores them."""
    import pandas as pd

    return pd.arrays.IntegerArray(numbers, missing)


def _objects(columns: Columns, codes: Codes) -> Any:
    """The values behind codes."""
    import pandas as pd

    found = np.array([None, *map(decoded, columns.values), None], dtype=object)[:-1]
    return pd.Series(found[codes + 1], dtype=object)


def latencies(table: pd.DataFrame, quantiles: Sequence[float] = QUANTILES) -> pd.DataFrame:
    """Latency quantiles of the acknowledged operations of clients, in milliseconds: a row for each `f`.

    The columns are `count` and the quantiles by name: `p50`, `p90`, `p99`, `p100`.
    """
    import pandas as pd

    acknowledged = table[(table["who"] == "client") & (table["outcome"] == "ok")]
    by_f = (acknowledged["latency_ns"].astype("float64") / MILLISECOND_NS).groupby(
        acknowledged["f"], observed=True
    )
    found: dict[str, Any] = {"count": by_f.size()}
    found |= {f"p{100 * quantile:g}": by_f.quantile(quantile) for quantile in quantiles}
    return pd.DataFrame(found)


def _faults(columns: Columns, begun: Codes, is_nemesis: Codes, kinds: Sequence[FaultKind]) -> Any:
    """By operation, the name of the fault that it begins or heals."""
    known = FaultKinds(kinds)
    names: dict[str, int] = {}
    of_f = np.full(len(columns.f_names), -1, dtype=np.int64)
    for code in np.unique(columns.f[begun[is_nemesis == 1]]).tolist():
        f = columns.f_names[code]
        if f == FINAL_HEAL:
            continue
        kind = known.begun_by(f)
        name = kind.name if kind is not None else known.healed_by(f) or f
        of_f[code] = names.setdefault(name, len(names))
    return _category(np.where(is_nemesis == 1, of_f[columns.f[begun]], -1), tuple(names))


def _category(codes: Codes, names: Sequence[str]) -> Any:
    """Texts as pandas stores them where few are different; -1 is a missing value."""
    import pandas as pd

    return pd.Categorical.from_codes(codes, pd.Index(list(names), dtype=object))
