"""Several registers used together: `txn [[f, register, value], ...]`, f `r` or `w` (or `read` or `write`).

The steps of one txn happen in order at one moment; a read's value is in the completion. Initially every
register is None. State: the registers that were ever written, as pairs.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Flow, IllegalCall, unknown

State = frozenset[tuple[Hashable, Hashable]]


@dataclass(frozen=True)
class MultiRegister:
    """The operation `txn` on several registers."""

    initial: State = frozenset()
    """The registers that hold something else than `unwritten` at first."""
    unwritten: Hashable = None
    """What every other register holds at first."""
    name = "multi-register"
    functions = frozenset({"txn"})
    reads: frozenset[str] = frozenset()

    @property
    def there(self) -> State:
        return self.initial

    def flow(self, call: Call) -> Flow:
        self.step(self.initial, call)  # refuses what is no call of this model
        written: dict[Hashable, Hashable] = {}
        needs = []
        for f, register, value in call.argument if call.result is MAYBE else call.result:
            if f in ("w", "write"):
                written[register] = value
            elif call.result is not MAYBE and register not in written and value != self.unwritten:
                needs.append((register, value))
        return Flow(makes=tuple(written.items()), needs=tuple(needs))

    def step(self, state: State, call: Call) -> Hashable:
        if call.f != "txn":
            raise unknown(call)
        registers = dict(state)
        steps = call.argument if call.result is MAYBE else call.result
        if not isinstance(steps, tuple) or not all(isinstance(s, tuple) and len(s) == 3 for s in steps):
            raise IllegalCall(f"txn takes [[f, register, value], ...], not {steps!r}")
        for f, register, value in steps:
            if f not in ("r", "w", "read", "write"):
                raise IllegalCall(f"a step of a txn is 'r' or 'w', 'read' or 'write', not {f!r}")
            if f in ("w", "write"):
                registers[register] = value
            elif call.result is not MAYBE and registers.get(register, self.unwritten) != value:
                return IMPOSSIBLE
        return frozenset(registers.items())
