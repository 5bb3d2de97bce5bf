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

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from history.history import INFO, INVOKE, TYPES, Codes, Columns, History
from history.nemesis import FINAL_HEAL, FaultKind, FaultKinds
from history.operation import NEMESIS
from history.units import MILLISECOND_NS
from history.values import decoded

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.5, 0.9, 0.99, 1.0)


def frame(history: History, *, values: bool = True, kinds: Sequence[FaultKind] = ()) -> pd.DataFrame:
    """A history as a DataFrame, with the columns that the module's docstring lists.

    Args:
        values: whether the columns `value` and `result` are wanted. They hold Python objects; without them a
            frame of a million operations takes a fraction of the time.
        kinds: the kinds of the run's faults (`Recording.fault_kinds`); without them, faults are known by the
            names of their operations alone.
    """
    import pandas as pd

    columns = history.columns
    begun = np.flatnonzero(columns.type == INVOKE)
    ended = history.pairs[begun]
    done = ended >= 0
    outcome = np.where(done, columns.type[ended], INFO).astype(np.int64)
    node = np.where(done & (columns.node[ended] >= 0), columns.node[ended], columns.node[begun])
    error = np.where(done, columns.error[ended], -1)
    raft_index = np.where(done, columns.raft_index[ended], -1)
    completed_ns = np.where(done, columns.time[ended], 0)
    invoked_ns = columns.time[begun]
    is_nemesis = (columns.process[begun] == NEMESIS).astype(np.int64)
    table = pd.DataFrame(
        {
            "process": columns.process[begun],
            "who": _category(is_nemesis, ("client", "nemesis")),
            "f": _category(columns.f[begun], columns.f_names),
            "fault": _faults(columns, begun, is_nemesis, kinds),
            "key": _category(columns.key[begun], columns.keys),
            "outcome": _category(outcome - 1, TYPES[1:]),
            "error": _category(error, columns.errors),
            "node": _category(node, columns.nodes),
            "raft_index": pd.array(raft_index, dtype="Int64"),
            "invoked_ns": invoked_ns,
            "completed_ns": pd.array(completed_ns, dtype="Int64"),
            "latency_ns": pd.array(np.where(done, completed_ns - invoked_ns, 0), dtype="Int64"),
        },
        index=pd.Index(begun, name="index"),
    )
    table.loc[raft_index < 0, "raft_index"] = pd.NA
    table.loc[~done, ["completed_ns", "latency_ns"]] = pd.NA
    if values:
        found = np.array([None, *map(decoded, columns.values), None], dtype=object)[:-1]
        result = np.where(done, columns.value[ended], -1)
        place = list(table.columns).index("error")
        table.insert(place, "value", pd.Series(found[columns.value[begun] + 1], table.index, dtype=object))
        table.insert(place + 1, "result", pd.Series(found[result + 1], table.index, dtype=object))
    return table


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
