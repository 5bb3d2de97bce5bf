"""A text under a key: `put` replaces it, `append` adds to its end, `get` replies it. Initially empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from checkers.models.model import KEEP, MAYBE, Call, Effect, IllegalCall, ScalarAction, ScalarModel, unknown


@dataclass(frozen=True)
class KeyValue(ScalarModel):
    """The operations `get`, `put` and `append` of a text."""

    initial: str = ""
    name = "kv-append"
    functions = frozenset({"get", "put", "append"})
    reads = frozenset({"get"})
    texts: ClassVar[Mapping[str, ScalarAction]] = {
        "get": ScalarAction.KEEP,
        "put": ScalarAction.PUT,
        "append": ScalarAction.APPEND,
    }

    def effect(self, call: Call) -> Effect:
        match call.f:
            case "get" if call.result is MAYBE:
                return KEEP
            case "get":
                return Effect(ScalarAction.KEEP, expected=_text(call, call.result))
            case "put":
                return Effect(ScalarAction.PUT, _text(call, call.argument))
            case "append":
                return Effect(ScalarAction.APPEND, _text(call, call.argument))
        raise unknown(call)


def _text(call: Call, value: object) -> str:
    if not isinstance(value, str):
        raise IllegalCall(f"{call.f} takes and gives text, not {value!r}")
    return value
