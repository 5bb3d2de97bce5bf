"""The durability rule in arrays: what must, and what must not, be there at the end.

A *setter* is a register or an update; each writes an id of its own. An update writes its id only if its key
holds something; the reply False says that it held nothing. Such an update did nothing, and counts here as
`void`, as does an operation that `fail`ed. Keys are empty at first.

**The rule**, per key, for a setter R:

1. R *must* be present if it is `ok` and every other write of its key, `ok` or `info`, had completed before R
   was invoked (an `info` never completes).
2. *Something* must be present if a setter is `ok` and every deregister, `ok` or `info`, had completed before
   it was invoked.
3. R *must not* be present if it is void, or if it is `ok` and an *end* was invoked after R completed: a
   deregister or another setter that is `ok`, or an update that found nothing.
4. *Nothing* must be present if no register is `ok` or `info`, or if all of these had completed before a
   *vacancy* was invoked: a deregister that is `ok`, or an update that found nothing.
5. Otherwise either is right. An id that no operation wrote to that key must not be present.

**Why it is sound.** A register upserts: it replaces what its key held. An update replaces what is there, and
where nothing is, it does nothing. So a key holds, in whatever order the system chose, what the last write
that did something put there (an id, or nothing for a deregister). Void writes are in no order as writes, but
an update that found nothing says that its key was empty at a moment between its invocation and its
completion; an `ok` write lies between these; an `info` write lies anywhere after its invocation or nowhere,
and if it is an update, it may do nothing wherever it lies. Let F be a read that was invoked after every write
of the key was invoked and every `ok` one had completed.

1. Every other write that may be in the order had completed, as `ok`, before R was invoked, hence comes before
   R. R did something, and is the last write that did; F, which follows R's completion, finds it.
2. The setter P left something there: a register puts it, and an `ok` update found something to replace. After
   P comes no deregister, and nothing else empties a key.
3. A void R put nothing. Otherwise the end W was invoked after R completed, so W comes after R, and then
   something that is not R was there, or nothing. What comes after W cannot bring R back, for no other write
   carries R's id. F follows W's completion and so cannot find R.
4. At the vacancy V the key was empty, and all registers come before V. After V only updates and deregisters
   come, none of which puts anything into an empty key. F follows V's completion. Where no register happened
   at all, the key is empty as it was at first. (This, and it alone, speaks of an update of unknown outcome.)

It is not complete, and need not be: what lies between is the linearizability checker's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checkers.registry.names import DEREGISTER, REGISTER, UPDATE
from history import NEMESIS, Columns
from history.history import FAIL, INFO, INVOKE, OK, wide

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RegistryWrites:
    """The writes of a history, sorted by key, then by invocation; rows of equal length."""

    key: Indices
    invoked: Indices
    completed: Indices
    """Index of the completion; -1 if the history ends before it."""
    outcome: npt.NDArray[np.int8]
    """OK, FAIL or INFO; INFO also where there is no completion."""
    registers: Flags
    updates: Flags
    """A write that is neither a register nor an update is a deregister."""
    found_nothing: Flags
    """Updates whose reply says that there was nothing to update; their outcome is OK."""
    id: Indices
    """Value code of a setter's id; -1 for a deregister, or for a setter without one."""

    @classmethod
    def of(cls, columns: Columns, pairs: Indices) -> RegistryWrites:
        register, update, deregister = (columns.f_code(f) for f in (REGISTER, UPDATE, DEREGISTER))
        is_write = (columns.type == INVOKE) & np.isin(columns.f, (register, update, deregister))
        invoked = np.flatnonzero(is_write & (columns.process != NEMESIS) & (columns.key >= 0))
        invoked = invoked[np.argsort(columns.key[invoked], kind="stable")]
        completed = pairs[invoked]
        registers, updates = columns.f[invoked] == register, columns.f[invoked] == update
        outcome = np.where(completed < 0, INFO, columns.type[completed]).astype(np.int8)
        false = columns.values.index("false") if "false" in columns.values else None
        found_nothing = np.zeros(len(invoked), dtype=bool)
        if false is not None:
            found_nothing = updates & (outcome == OK) & (columns.value[completed] == false)
        return cls(
            key=wide(columns.key[invoked]),
            invoked=invoked,
            completed=completed,
            outcome=outcome,
            registers=registers,
            updates=updates,
            found_nothing=found_nothing,
            id=wide(np.where(registers | updates, columns.value[invoked], -1)),
        )

    @property
    def setters(self) -> Flags:
        """Whether each write is a register or an update, which write an id."""
        return self.registers | self.updates

    @property
    def void(self) -> Flags:
        """Whether each write certainly did nothing."""
        return np.asarray((self.outcome == FAIL) | self.found_nothing)


@dataclass(frozen=True)
class KeyRules:
    """What the rule says about each key that a write names; arrays over `code`, ascending."""

    code: Indices
    must: Indices
    """The write row of the setter that must be present; -1 if none must."""
    kept: Indices
    """The write row of the setter since which something must be present; -1 if there is none."""
    empty: Flags
    """Whether nothing must be present."""
    vacancy: Indices
    """Where `empty`: the write row of the vacancy that shows it; -1 if no register happened."""
    settled: Indices
    """The history index after which a read must have been invoked to count."""
    last_end: Indices
    """The write row of the end that was invoked last; -1 if there is none."""


def apply_rule(writes: RegistryWrites) -> tuple[KeyRules, Flags]:
    """The rule in arrays: per key, and per write row whether an `ok` R must not be present."""
    code, first = np.unique(writes.key, return_index=True)
    if not len(code):
        nothing, none = np.array([], dtype=np.int64), np.array([], dtype=bool)
        return KeyRules(nothing, nothing, nothing, none, nothing, nothing, nothing), none
    rows = np.arange(len(writes.key))
    segment = np.repeat(np.arange(len(code)), np.diff(np.append(first, len(rows))))
    setters, void = writes.setters, writes.void
    ok, answered, may_happen = (writes.outcome == OK) & ~void, writes.outcome == OK, ~void
    never = np.int64(np.iinfo(np.int64).max)

    def highest(of: Indices, where: Flags) -> Indices:
        return np.asarray(np.maximum.reduceat(np.where(where, of, -1), first))

    ended = np.where(ok, writes.completed, never)  # of the writes that may have happened
    last = highest(rows, may_happen)
    others_ended = highest(ended, may_happen & (rows != last[segment]))
    is_must = (last >= 0) & ok[last] & setters[last] & (others_ended < writes.invoked[last])

    last_set = highest(rows, ok & setters)
    is_kept = (last_set >= 0) & (highest(ended, may_happen & ~setters) < writes.invoked[last_set])

    vacancy = highest(rows, (ok & ~setters) | writes.found_nothing)
    registered = highest(ended, may_happen & writes.registers)
    is_vacant = (vacancy >= 0) & (registered < writes.invoked[vacancy])

    last_end = highest(rows, answered)
    must_not = ok & (last_end[segment] >= 0) & (writes.completed < writes.invoked[last_end[segment]])
    return (
        KeyRules(
            code=code,
            must=np.where(is_must, last, -1),
            kept=np.where(is_kept, last_set, -1),
            empty=(registered < 0) | is_vacant,
            vacancy=np.where(is_vacant, vacancy, -1),
            settled=np.maximum(highest(writes.invoked, may_happen), highest(writes.completed, answered)),
            last_end=last_end,
        ),
        must_not,
    )
