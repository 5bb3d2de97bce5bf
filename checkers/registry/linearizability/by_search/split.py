"""A history of the `registry` workload, split into one presence register per instance.

Linearizability is local (Herlihy & Wing 1990, theorem 1): a history of operations on single keys is
linearizable exactly if its part on each key is. A list reads many keys at once; it is split into one
read per instance of its service, so that a violation found is real, while a list that no single
moment explains is not found here (`service` looks for those).

Left out: what `fail`ed, reads without an answer, stale reads, which do not claim to be recent, and
operations that a registry does not have (`portfolio` reports these).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from checkers.registry.linearizability.by_search.presence import PUTS, PresenceEffect, PresenceOperation
from checkers.registry.names import (
    DEREGISTER,
    LISTS,
    LOOKUP,
    REGISTER,
    UPDATE,
    as_listing,
    instance_key,
    service_of,
)
from history import History, Operation

EFFECTS = {
    REGISTER: PresenceEffect.SET,
    UPDATE: PresenceEffect.CHANGE,
    DEREGISTER: PresenceEffect.REMOVE,
    LOOKUP: PresenceEffect.READ,
}
"""Of operations on one instance; but an update that found nothing is a read of nothing."""


@dataclass(frozen=True)
class Split:
    """Per key its operations in order of invocation; what could not be read, and why."""

    operations: Mapping[str, list[PresenceOperation]]
    unreadable: dict[str, str] = field(default_factory=dict)
    """Keys that cannot be judged -> the reason."""
    problems: list[str] = field(default_factory=list)
    """Operations that may concern any key and cannot be judged."""


def split(history: History, keys: Collection[str] | None = None) -> Split:
    """One problem per instance key; only of these keys, if any are named."""
    operations: dict[str, list[PresenceOperation]] = {}
    found = Split(operations)
    services = None if keys is None else {service_of(key) for key in keys}
    lists: dict[str, list[tuple[Operation, Operation, dict[str, str]]]] = {}
    for invocation in history:
        if invocation.type != "invoke" or not invocation.is_client:
            continue
        if invocation.key is None or not (services is None or service_of(invocation.key) in services):
            continue
        completion = history.completion(invocation)
        if invocation.f in LISTS:
            if completion is not None and completion.type == "ok":
                listing = as_listing({} if completion.value is None else completion.value)
                if listing is None:
                    found.problems.append(
                        f"operation {invocation.index} does not answer with a list of instances"
                    )
                else:
                    lists.setdefault(service_of(invocation.key), []).append((invocation, completion, listing))
        elif invocation.f in EFFECTS:
            _add_single(found, operations, invocation.key, invocation, completion)
    _add_lists(operations, lists)
    if keys is not None:
        operations = {key: operations[key] for key in keys if key in operations}
    return _with_repeats(replace(found, operations=operations))


def split_operations(operations: Mapping[str, list[PresenceOperation]]) -> Split:
    """The same of operations that are already sorted by key."""
    return _with_repeats(Split(operations))


def _with_repeats(found: Split) -> Split:
    for key, ops in found.operations.items():
        ops.sort(key=lambda op: op.invoked)
        counts = Counter(op.id for op in ops if op.effect in PUTS)
        repeated = [id_ for id_, count in counts.items() if count > 1]
        if repeated:
            found.unreadable[key] = (
                f"{repeated[0]} is written more than once, so replies do not tell them apart"
            )
    return found


def _add_single(
    found: Split,
    operations: dict[str, list[PresenceOperation]],
    key: str,
    invocation: Operation,
    completion: Operation | None,
) -> None:
    outcome = "info" if completion is None else completion.type
    own = operations.setdefault(key, [])
    if outcome == "fail":
        return
    completed = completion.index if completion is not None and outcome == "ok" else None
    reply = completion.value if completion is not None and outcome == "ok" else None
    effect = EFFECTS[invocation.f]
    if invocation.f == UPDATE and reply is False:
        effect, reply = PresenceEffect.READ, None
    value = invocation.value if effect in PUTS else reply
    if not (isinstance(value, str) or (value is None and effect not in PUTS)):
        found.unreadable[key] = (
            f"operation {invocation.index} ({invocation.f}) has the value {value!r}, not an id"
        )
    elif effect is not PresenceEffect.READ or completed is not None:
        own.append(PresenceOperation(effect, value, invocation.index, completed, invocation.f))


def _add_lists(
    operations: dict[str, list[PresenceOperation]],
    lists: Mapping[str, list[tuple[Operation, Operation, dict[str, str]]]],
) -> None:
    """Every list reads every instance of its service that any operation of the run names."""
    keys_of: dict[str, dict[str, None]] = {}
    for key in operations:
        keys_of.setdefault(service_of(key), {})[key] = None
    for service, reads in lists.items():
        keys = keys_of.setdefault(service, {})
        for _, _, listing in reads:
            keys.update(dict.fromkeys(instance_key(service, instance) for instance in listing))
        for key in keys:
            instance = key.partition("/")[2]
            operations.setdefault(key, []).extend(
                PresenceOperation(
                    PresenceEffect.READ,
                    listing.get(instance),
                    invocation.index,
                    completion.index,
                    invocation.f,
                )
                for invocation, completion, listing in reads
            )
