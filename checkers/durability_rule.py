"""The durability rule in arrays: which registrations must, and which must not, be there at the end.

**The rule**, per key, for a registration R (ids are unique, so R is one `register` operation):

- R *must* be present if it is `ok` and every other register or deregister of its key, `ok` or
  `info`, had completed before R was invoked (an `info` never completes).
- R *must not* be present if it `fail`ed, or if it is `ok` and a deregister, or a register of another
  id, was `ok` and invoked after R completed.
- Otherwise either is right. An id that nobody registered for that key must not be present.

**Why it is sound.** A register *upserts*: it replaces what its key held. So a key holds, in whatever
order the system chose, what the last write of that key put there (an id, or nothing for a
deregister). `fail` writes are in no order; an `ok` write lies between its invocation and its
completion; an `info` write lies anywhere after its invocation or nowhere. Let F be a read that was
invoked after every write of the key was invoked and every `ok` one had completed.

- *Must.* Every other write that may be in the order had completed, as `ok`, before R was invoked,
  hence comes before R. R is the last write, and F, which follows R's completion, finds it.
- *Must not.* If R failed it is in no order. Otherwise some `ok` write W was invoked after R
  completed, so W comes after R, and puts something that is not R. What comes after W cannot bring R
  back, for no other write carries R's id. F follows W's completion and so cannot find R.

It is not complete, and need not be: what lies between is the linearizability checker's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checkers.registry_model import DEREGISTER, REGISTER
from harness.history import NEMESIS, Columns
from harness.history.history import FAIL, INFO, INVOKE, OK

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Writes:
    """The registers and deregisters of a history, sorted by key, then by invocation; rows of equal length."""

    key: Indices
    invoked: Indices
    completed: Indices
    """Index of the completion; -1 if the history ends before it."""
    outcome: npt.NDArray[np.int8]
    """OK, FAIL or INFO; INFO also where there is no completion."""
    registers: Flags
    id: Indices
    """Value code of a register's id; -1 for a deregister, or for a register without one."""

    @classmethod
    def of(cls, columns: Columns, pairs: Indices) -> Writes:
        register, deregister = columns.f_code(REGISTER), columns.f_code(DEREGISTER)
        is_write = (columns.type == INVOKE) & ((columns.f == register) | (columns.f == deregister))
        invoked = np.flatnonzero(is_write & (columns.process != NEMESIS) & (columns.key >= 0))
        invoked = invoked[np.argsort(columns.key[invoked], kind="stable")]
        completed = pairs[invoked]
        registers = columns.f[invoked] == register
        return cls(
            key=columns.key[invoked],
            invoked=invoked,
            completed=completed,
            outcome=np.where(completed < 0, INFO, columns.type[completed]).astype(np.int8),
            registers=registers,
            id=np.where(registers, columns.value[invoked], -1),
        )


@dataclass(frozen=True)
class KeyRules:
    """What the rule says of each key that a write names; arrays over `code`, ascending."""

    code: Indices
    must: Indices
    """The write row of the registration that must be present; -1 if none must."""
    settled: Indices
    """The history index after which a read must have been invoked to count."""
    last_ok: Indices
    """The write row of the `ok` write that was invoked last; -1 if none."""


def apply_rule(writes: Writes) -> tuple[KeyRules, Flags]:
    """The rule in arrays: per key, and per write row whether an `ok` R must not be present."""
    code, first = np.unique(writes.key, return_index=True)
    if not len(code):
        nothing = np.array([], dtype=np.int64)
        return KeyRules(nothing, nothing, nothing, nothing), np.array([], dtype=bool)
    rows = np.arange(len(writes.key))
    segment = np.repeat(np.arange(len(code)), np.diff(np.append(first, len(rows))))
    ok, may_happen = writes.outcome == OK, writes.outcome != FAIL

    def highest(of: Indices, where: Flags) -> Indices:
        return np.asarray(np.maximum.reduceat(np.where(where, of, -1), first))

    last = highest(rows, may_happen)
    last_ok = highest(rows, ok)
    has_info = highest(writes.outcome.astype(np.int64), may_happen) == INFO
    others_completed = highest(writes.completed, ok & (rows != last[segment]))
    candidate = (last >= 0) & ~has_info
    candidate &= writes.registers[last] & (others_completed < writes.invoked[last])
    must_not = ok & (last_ok[segment] >= 0) & (writes.completed < writes.invoked[last_ok[segment]])
    return (
        KeyRules(
            code=code,
            must=np.where(candidate, last, -1),
            settled=np.maximum(highest(writes.invoked, may_happen), highest(writes.completed, ok)),
            last_ok=last_ok,
        ),
        must_not,
    )
