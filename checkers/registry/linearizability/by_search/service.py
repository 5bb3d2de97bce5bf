"""One service of a registry as one data type, so that a list is one operation: searched without any index.

This is the last word on lists where no witness is an order. A service's operations do not compose by key
once a list reads several of them, so the search has the whole state: the instances that the service holds.
It is kept small by *projection*: leave out all operations on some keys, and these keys' entries in every
list. What is left of a linearization is one of what is left of the history. So if the projection to two keys
that contradict each other has no order, the whole has none, and two keys are what a reader wants to see.

Expiries of a registration that there was may happen at any time or not: what then has no order has none.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.linearizability.part import Part
from checkers.models.model import IMPOSSIBLE, MAYBE, Call, unknown
from checkers.registry.linearizability.claims import (
    CHANGE,
    EXPIRY,
    FALSE,
    NOTHING,
    PUT,
    READ,
    REMOVE,
    SNAPSHOT,
    Claims,
    Integers,
)
from checkers.registry.names import DEREGISTER, LIST, LOOKUP, REGISTER, UPDATE

State = frozenset[tuple[str, str]]
"""(instance, registration id) of what is there."""
_NAMES = {PUT: REGISTER, REMOVE: DEREGISTER, EXPIRY: DEREGISTER, CHANGE: UPDATE, READ: LOOKUP, SNAPSHOT: LIST}


class ServiceLists:
    """One service as a data type: register, update, deregister, lookup of an instance, and list."""

    name = "service"
    functions = frozenset({REGISTER, UPDATE, DEREGISTER, LOOKUP, LIST})
    reads: frozenset[str] = frozenset({LOOKUP, LIST})
    initial: State = frozenset()

    def step(self, state: State, call: Call) -> Hashable:
        """The instances after the call, or `IMPOSSIBLE`."""
        held = dict(state)
        match call.f:
            case "list":
                return state if call.result is MAYBE or frozenset(call.result) == state else IMPOSSIBLE
            case "lookup":
                return state if call.result in (MAYBE, held.get(call.argument)) else IMPOSSIBLE
            case "deregister":
                before = held.pop(call.argument, None)
                return frozenset(held.items()) if call.result in (MAYBE, before) else IMPOSSIBLE
            case "register" | "update":
                instance, id_ = call.argument
                if call.f == UPDATE:
                    if call.result is not MAYBE and call.result != (instance in held):
                        return IMPOSSIBLE
                    if instance not in held:
                        return state
                return frozenset({**held, instance: id_}.items())
        raise unknown(call)


def part_of(claims: Claims, members: Integers, keys: Collection[int], name: str) -> Part:
    """These claims, projected to some keys, as the search takes them."""
    of_keys = np.isin(claims.key[members], list(keys)) | (claims.effect[members] == SNAPSHOT)
    shown: dict[int, list[tuple[str, str]]] = {}
    entries = claims.listings
    for entry in np.flatnonzero(np.isin(entries.key, list(keys))).tolist():
        instance = claims.keys[entries.key[entry]].partition("/")[2]
        value_shown = claims.value_in_words(int(entries.value[entry]))
        shown.setdefault(int(entries.claim[entry]), []).append((instance, value_shown))
    registered = set(claims.index[members[claims.effect[members] == PUT]].tolist())
    calls: dict[Call, int] = {}
    rows = []
    lost = claims.lost
    for row in np.flatnonzero(np.isin(lost.key, list(keys))).tolist():
        call = _call(claims, int(lost.effect[row]), int(lost.key[row]), int(lost.value[row]), answered=False)
        rows.append((int(lost.invoked[row]), NEVER, calls.setdefault(call, len(calls))))
    for claim in members[of_keys].tolist():
        if claims.effect[claim] == EXPIRY and int(claims.value[claim]) not in registered:
            continue  # it names no registration of this part, so it changed nothing
        if claims.effect[claim] == SNAPSHOT:
            call = Call(LIST, None, tuple(sorted(shown.get(claim, ()))))
        else:
            effect, key, value = int(claims.effect[claim]), int(claims.key[claim]), int(claims.value[claim])
            call = _call(claims, effect, key, value, answered=bool(claims.answered[claim]))
        kind = calls.setdefault(call, len(calls))
        rows.append((int(claims.invoked[claim]), int(claims.completed[claim]), kind))
    rows.sort()
    invoked, completed, kinds = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Part(name, invoked, completed, kinds, tuple(calls))


def _call(claims: Claims, effect: int, key: int, value: int, *, answered: bool) -> Call:
    """One operation on one key, as the model sees it."""
    instance = claims.keys[key].partition("/")[2]
    id_ = None if value == NOTHING else claims.value_in_words(value)
    if effect in (PUT, CHANGE):
        reply: object = (value != FALSE) if effect == CHANGE else id_
        return Call(_NAMES[effect], (instance, id_), reply if answered else MAYBE)
    return Call(_NAMES[effect], instance, id_ if answered and effect != EXPIRY else MAYBE)
