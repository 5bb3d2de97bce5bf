"""All judges of a recorded history, by the name that `ackproof check --model` takes.

A history of a model in `checkers.models` is judged for linearizability. The judges here look for something
else, or look in a quicker way. A new judge is a new file, a function that loads it, and one line below; the
fields of its dataclass, other than the name, are its options. Each is imported when it is asked for, so that
`ackproof check --help` names all of them and loads none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from checkers.models import MODELS
from checkers.transactions.assumed import assumed_by, options_of_isolation
from checkers.transactions.consistency import DECIDED_WEAK, LIST_APPEND, RW_REGISTER, STRICT_SERIALIZABLE
from checkers.verdict import Judge


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


def _availability() -> type[Judge]:
    from checkers.run.availability import Availability

    return Availability


def _bank() -> type[Judge]:
    from checkers.workloads.bank import Bank

    return Bank


def _causal() -> type[Judge]:
    from checkers.workloads.sessions.causal import Causal

    return Causal


def _interval_counter() -> type[Judge]:
    from checkers.workloads.interval_counter import IntervalCounter

    return IntervalCounter


def _lease() -> type[Judge]:
    from checkers.workloads.locks.lease import Leases

    return Leases


def _lock() -> type[Judge]:
    from checkers.workloads.locks.lock import Lock

    return Lock


def _long_fork() -> type[Judge]:
    from checkers.workloads.long_fork import LongFork

    return LongFork


def _sessions() -> type[Judge]:
    from checkers.workloads.sessions.register_sessions import RegisterSessions

    return RegisterSessions


def _set_full() -> type[Judge]:
    from checkers.workloads.elements.set_full import SetFull

    return SetFull


def _total_queue() -> type[Judge]:
    from checkers.workloads.elements.total_queue import TotalQueue

    return TotalQueue


def _unique_ids() -> type[Judge]:
    from checkers.workloads.elements.unique_ids import UniqueIds

    return UniqueIds


def _watch() -> type[Judge]:
    from checkers.registry.watch import WatchPromises

    return WatchPromises


def _watch_order() -> type[Judge]:
    from checkers.workloads.replicas.watch_order import WatchOrder

    return WatchOrder


class KnownJudge(NamedTuple):
    """How a judge is loaded, and its options: the fields of its dataclass, other than the name."""

    load: Callable[[], type[Judge]]
    options: tuple[str, ...] = ()


JUDGES: Mapping[str, KnownJudge] = {
    "availability": KnownJudge(_availability, ("writes", "bound-s")),
    "bank": KnownJudge(_bank, ("total", "negative-balances")),
    "causal": KnownJudge(_causal),
    "interval-counter": KnownJudge(_interval_counter, ("initial",)),
    "lease": KnownJudge(_lease, ("lease-s",)),
    "lock": KnownJudge(_lock),
    "long-fork": KnownJudge(_long_fork),
    "sessions": KnownJudge(_sessions),
    "set-full": KnownJudge(_set_full, ("linearizable",)),
    "total-queue": KnownJudge(_total_queue, ("exactly-once", "missing-as-taken")),
    "unique-ids": KnownJudge(_unique_ids),
    "watch": KnownJudge(_watch),
    "watch-order": KnownJudge(_watch_order, ("settle-s",)),
}


def names_of_all() -> tuple[str, ...]:
    """All that a history can be checked for: data types, transactions, and rules of other kinds."""
    return (*MODELS, *ISOLATION, *JUDGES)


def options_of(name: str) -> tuple[str, ...]:
    """The options of a judge, as `lease-s`; none for a name that is not a judge's."""
    if name in ISOLATION:
        return options_of_isolation(name)
    return JUDGES[name].options if name in JUDGES else ()


def options_of_class(judge: type[Judge]) -> Mapping[str, dataclasses.Field[Any]]:
    """The fields of a judge's dataclass that are options, by the option's name."""
    fields: Any = dataclasses.fields(judge)  # type: ignore[arg-type]  # each judge is a dataclass
    return {field.name.replace("_", "-"): field for field in fields if field.name != "name"}


def judge_named(name: str, options: Mapping[str, str]) -> Judge:
    """The judge of that name with these options; an option of several texts has commas between them.

    Raises:
        ValueError: the judge has no such option, or the text is no value of it.
    """
    judge = JUDGES[name].load()
    known, given = options_of_class(judge), {}
    for option, text in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}; it has {', '.join(known) or 'none'}")
        field = known[option]
        value = text.split(",") if str(field.type).startswith("tuple") else text
        try:
            msgspec.convert({field.name: value}, judge, strict=False)
        except msgspec.ValidationError as refusal:
            raise ValueError(f"{option} of {name} cannot be {text!r}: {refusal}") from None
        given[field.name] = value
    return msgspec.convert(given, judge, strict=False)
