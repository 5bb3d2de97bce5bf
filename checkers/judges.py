"""All judges of a recorded history, by the name that `ackproof check --model` takes.

A history of a model in `checkers.models` is judged for linearizability. The judges here look for something
else, or look in a quicker way. A new judge is a new file and one line below; the fields of its dataclass,
other than the name, are its options. A judge that needs compiled code is imported when it is asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from checkers.registry.watch import WatchPromises
from checkers.run.availability import Availability
from checkers.transactions.assumed import assumed_by, options_of_isolation
from checkers.transactions.consistency import DECIDED_WEAK, LIST_APPEND, RW_REGISTER, STRICT_SERIALIZABLE
from checkers.verdict import Judge
from checkers.workloads.bank import Bank
from checkers.workloads.elements.set_full import SetFull
from checkers.workloads.elements.total_queue import TotalQueue
from checkers.workloads.elements.unique_ids import UniqueIds
from checkers.workloads.interval_counter import IntervalCounter
from checkers.workloads.locks.lease import Leases
from checkers.workloads.locks.lock import Lock
from checkers.workloads.long_fork import LongFork
from checkers.workloads.replicas.watch_order import WatchOrder
from checkers.workloads.sessions.causal import Causal
from checkers.workloads.sessions.register_sessions import RegisterSessions


def _isolation(workload: str) -> Callable[[str | None, Mapping[str, str]], Judge]:
    def judge(consistency: str | None, options: Mapping[str, str]) -> Judge:
        assumed = assumed_by(workload, options)
        if workload == RW_REGISTER and consistency in DECIDED_WEAK:
            from checkers.transactions.weak.judging import WeakIsolation

            return WeakIsolation(consistency, assumed)
        from checkers.transactions.isolation import Isolation

        return Isolation(workload, consistency or STRICT_SERIALIZABLE, assumed)

    return judge


ISOLATION: Mapping[str, Callable[[str | None, Mapping[str, str]], Judge]] = {
    LIST_APPEND: _isolation(LIST_APPEND),
    RW_REGISTER: _isolation(RW_REGISTER),
}
"""By workload, a function from a consistency model and options to its judge; None is strict serializability.
"""

JUDGES: Mapping[str, type[Judge]] = {
    "availability": Availability,
    "bank": Bank,
    "causal": Causal,
    "interval-counter": IntervalCounter,
    "lease": Leases,
    "lock": Lock,
    "long-fork": LongFork,
    "sessions": RegisterSessions,
    "set-full": SetFull,
    "total-queue": TotalQueue,
    "unique-ids": UniqueIds,
    "watch": WatchPromises,
    "watch-order": WatchOrder,
}


def _fields(name: str) -> Mapping[str, dataclasses.Field[Any]]:
    judge: Any = JUDGES.get(name)
    fields = () if judge is None else dataclasses.fields(judge)
    return {field.name.replace("_", "-"): field for field in fields if field.name != "name"}


def options_of(name: str) -> tuple[str, ...]:
    """The options of a judge, as `lease-s`; none for a name that is not a judge's."""
    return options_of_isolation(name) if name in ISOLATION else tuple(_fields(name))


def judge_named(name: str, options: Mapping[str, str]) -> Judge:
    """The judge of that name with these options; an option of several texts has commas between them.

    Raises:
        ValueError: the judge has no such option, or the text is no value of it.
    """
    known, given = _fields(name), {}
    for option, text in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(known) or 'none'}")
        field = known[option]
        value = text.split(",") if str(field.type).startswith("tuple") else text
        try:
            msgspec.convert({field.name: value}, JUDGES[name], strict=False)
        except msgspec.ValidationError as refusal:
            raise ValueError(f"{option} of {name} cannot be {text!r}: {refusal}") from None
        given[field.name] = value
    return msgspec.convert(given, JUDGES[name], strict=False)
