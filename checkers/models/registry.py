"""One instance of a service registry: its key holds a registration's id, or None. Initially None.

`register id` puts it, `deregister` -> the id that it removed, or None; `lookup` -> what is there. `update id`
puts it where there is one; the reply False says that there was none.
Unlike `linearizability.presence`, which is faster, this one asks nothing of the ids: they may repeat.
"""

from __future__ import annotations

from checkers.models.model import KEEP, MAYBE, Call, Effect, ScalarAction, ScalarModel, unknown
from history.values import FALSE


class RegistryEntry(ScalarModel):
    """The operations `register`, `update`, `deregister` and `lookup` of one instance."""

    name = "registry"
    functions = frozenset({"register", "update", "deregister", "lookup"})
    reads: frozenset[str] = frozenset({"lookup"})
    initial = None

    def effect(self, call: Call) -> Effect:
        match call.f:
            case "register":
                return Effect(ScalarAction.PUT, call.argument)
            case "update" if call.result == FALSE:
                return Effect(ScalarAction.KEEP, expected=None)
            case "update":
                return Effect(ScalarAction.PUT, call.argument, unless=None)
            case "deregister" if call.result is MAYBE:
                return Effect(ScalarAction.PUT, None)
            case "deregister":
                return Effect(ScalarAction.PUT, None, expected=call.result)
            case "lookup":
                return KEEP if call.result is MAYBE else Effect(ScalarAction.KEEP, expected=call.result)
        raise unknown(call)
