"""The model of one instance of a registry whose deregister need not say what it removed. Initially None."""

from __future__ import annotations

from checkers.models.model import Call, Effect, ScalarAction
from checkers.models.registry import RegistryEntry


class Instance(RegistryEntry):
    """The operations `register`, `deregister` and `lookup` of one instance.

    A deregister whose reply names an id found it there; any other reply claims nothing about what was there.
    """

    name = "instance"
    functions = frozenset({"register", "deregister", "lookup"})

    def effect(self, call: Call) -> Effect:
        """What a call requires of the state and does to it."""
        if call.f == "deregister" and not isinstance(call.result, str):
            return Effect(ScalarAction.PUT, None)
        return super().effect(call)
