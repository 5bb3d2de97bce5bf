"""Every judge of a recorded history, by the name that `ackproof check --model` takes.

Models of `checkers.models` are judged for linearizability; what is here looks for something else, or for
the same by a quicker way. Each is loaded when it is asked for: some bring compiled code along. A new one is
a new file and one line below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER, STRICT_SERIALIZABLE
from checkers.verdict import Judge


def _isolation(workload: str) -> Callable[[str | None], Judge]:
    def judge(consistency: str | None) -> Judge:
        from checkers.transactions.checker import Isolation

        return Isolation(workload, consistency or STRICT_SERIALIZABLE)

    return judge


def _causal(_consistency: str | None) -> Judge:
    from checkers.causal import Causal

    return Causal()


def _watch(_consistency: str | None) -> Judge:
    from checkers.watch import Watches

    return Watches()


JUDGES: Mapping[str, Callable[[str | None], Judge]] = {
    LIST_APPEND: _isolation(LIST_APPEND),
    RW_REGISTER: _isolation(RW_REGISTER),
    "causal": _causal,
    "watch": _watch,
}
"""By name, the judge for a consistency model; None is that of the judge's own choice."""
