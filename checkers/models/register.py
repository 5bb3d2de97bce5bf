"""A register, whose `read` replies what was last written; and one with compare-and-set. Initially None.

`cas [old, new]` that is `ok` found old and put new; a reply of `false` says that it found another
value. A `fail`ed cas is left out, as every `fail` is: it may have failed before it compared.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from checkers.models.model import KEEP, MAYBE, Call, Effect, ScalarAction, ScalarModel, pair, unknown
from history.values import FALSE


@dataclass(frozen=True)
class ReadWriteRegister(ScalarModel):
    """The operations `read` and `write` of a value."""

    initial: Hashable = None
    name = "register"
    functions = frozenset({"read", "write"})
    reads = frozenset({"read"})

    def effect(self, call: Call) -> Effect:
        match call.f:
            case "read":
                return KEEP if call.result is MAYBE else Effect(ScalarAction.KEEP, expected=call.result)
            case "write":
                return Effect(ScalarAction.PUT, call.argument)
        raise unknown(call)


@dataclass(frozen=True)
class CasRegister(ReadWriteRegister):
    """The operations `read`, `write` and `cas` of a value."""

    name = "cas-register"
    functions = frozenset({"read", "write", "cas"})

    def effect(self, call: Call) -> Effect:
        if call.f != "cas":
            return super().effect(call)
        old, new = pair(call.argument, call, "old, new")
        if call.result == FALSE:
            return Effect(ScalarAction.KEEP, unless=old)
        return Effect(ScalarAction.PUT, new, expected=old)
