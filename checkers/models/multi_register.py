"""Several registers used together: `txn [[f, register, value], ...]`, f `r` or `w`. Initially None.

The steps of one txn happen in order at one moment; a read's value is in the completion. State: the
registers that were ever written, as sorted pairs.
"""

from __future__ import annotations

from collections.abc import Hashable

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Flow, IllegalCall, unknown


class MultiRegister:
    """The operation `txn` on several registers."""

    name = "multi-register"
    functions = frozenset({"txn"})
    reads: frozenset[str] = frozenset()
    initial = frozenset[tuple[Hashable, Hashable]]()

    @property
    def there(self) -> frozenset[tuple[Hashable, Hashable]]:
        return self.initial

    def flow(self, call: Call) -> Flow:
        written: dict[Hashable, Hashable] = {}
        needs = []
        for f, register, value in call.argument if call.result is MAYBE else call.result:
            if f == "w":
                written[register] = value
            elif call.result is not MAYBE and register not in written and value is not None:
                needs.append((register, value))
        return Flow(makes=tuple(written.items()), needs=tuple(needs))

    def step(self, state: frozenset[tuple[Hashable, Hashable]], call: Call) -> Hashable:
        if call.f != "txn":
            raise unknown(call)
        registers = dict(state)
        steps = call.argument if call.result is MAYBE else call.result
        if not isinstance(steps, tuple) or not all(isinstance(s, tuple) and len(s) == 3 for s in steps):
            raise IllegalCall(f"txn takes [[f, register, value], ...], not {steps!r}")
        for f, register, value in steps:
            if f not in ("r", "w"):
                raise IllegalCall(f"a step of a txn is 'r' or 'w', not {f!r}")
            if f == "w":
                registers[register] = value
            elif call.result is not MAYBE and registers.get(register) != value:
                return IMPOSSIBLE
        return frozenset(registers.items())
