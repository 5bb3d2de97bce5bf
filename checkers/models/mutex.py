"""A lock without owners: `acquire` finds it free, `release` finds it held. Initially free."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.models.model import Call, Effect, ScalarAction, ScalarModel, unknown


@dataclass(frozen=True)
class Mutex(ScalarModel):
    """The operations `acquire` and `release` of a lock."""

    initial: bool = False
    """Whether it is held."""
    name = "mutex"
    functions = frozenset({"acquire", "release"})
    reads: frozenset[str] = frozenset()

    def effect(self, call: Call) -> Effect:
        match call.f:
            case "acquire":
                return Effect(ScalarAction.PUT, True, expected=False)
            case "release":
                return Effect(ScalarAction.PUT, False, expected=True)
        raise unknown(call)
