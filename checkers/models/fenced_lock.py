"""A lock with fencing tokens: every `acquire` gives a token greater than all before; `release` takes it back.

The reply of acquire is its token; release names in its argument the token that it gives up, and succeeds only
while that one holds the lock. State: (greatest token given, token of the holder or None). An acquire without
a reply gave a token that no client knows, so no client can release the lock: only `expire` (no argument)
frees it, as it does for any holder.
"""

from __future__ import annotations

from collections.abc import Hashable

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Flow, IllegalCall, unknown

UNKNOWN_TOKEN = -2
FREE = "the lock, free"


class FencedLock:
    """The operations `acquire`, `release` and `expire` of a lock with tokens."""

    name = "fenced-lock"
    functions = frozenset({"acquire", "release", "expire"})
    reads: frozenset[str] = frozenset()
    initial = (-1, None)
    decided_by_reply = frozenset({"acquire"})

    @property
    def there(self) -> tuple[Hashable, ...]:
        return (FREE,) if self.initial[1] is None else (self.initial[1],)

    def flow(self, call: Call) -> Flow:
        match call.f:
            case "acquire":
                return Flow(makes=() if call.result is MAYBE else (call.result,), takes=(FREE,))
            case "release":
                return Flow(makes=(FREE,), takes=(call.argument,))
        return Flow(makes=(FREE,))

    def step(self, state: tuple[int, int | None], call: Call) -> Hashable:
        greatest, holder = state
        match call.f:
            case "acquire" if call.result is MAYBE:
                return IMPOSSIBLE if holder is not None else (greatest, UNKNOWN_TOKEN)
            case "acquire":
                if type(call.result) is not int or call.result < 0:
                    raise IllegalCall(f"acquire gives a token from 0 on, not {call.result!r}")
                free = holder is None and call.result > greatest
                return (call.result, call.result) if free else IMPOSSIBLE
            case "release":
                if type(call.argument) is not int:
                    raise IllegalCall(f"release takes the token it gives up, not {call.argument!r}")
                return (greatest, None) if holder == call.argument else IMPOSSIBLE
            case "expire":
                return (greatest, None)
        raise unknown(call)
