"""A window of keys that moves on: how many keys are in use at a time, and how many operations each gets.

Checkers judge key by key, and some need time that grows quickly with the operations on one key. So a key is
used for a while and then left as it is: its history stays short, however long the run is. What was lost of it
later shows in the final reads, which read every key.
"""

from __future__ import annotations

import msgspec

from harness.generator import Context


class Window(msgspec.Struct, frozen=True):
    """Numbered keys, of which the `width` latest are in use."""

    name: str
    """The keys are named NAME-0, NAME-1, ..."""
    width: int
    operations_per_slide: int
    """After this many operations the window moves on by one key. A key is used in about `width` times as many
    operations, of which it gets one in `width`."""

    def key(self, number: int) -> str:
        """The name of the key of that number."""
        return f"{self.name}-{number}"

    def apart(self, context: Context) -> str:
        """A key of this operation alone: for writes that are tried until one succeeds, since many writes of
        unknown outcome on one key take checkers long."""
        return f"{self.name}-try-{context.step}"

    def number(self, context: Context) -> int:
        """The number of a drawn key of those that are in use now."""
        return context.step // self.operations_per_slide + context.draw.below(self.width, "key")

    def drawn(self, context: Context) -> str:
        """A drawn key of those that are in use now."""
        return self.key(self.number(context))

    def count(self, step: int) -> int:
        """How many keys, from number 0 on, the first `step` operations of a run may have used."""
        return step // self.operations_per_slide + self.width

    def until(self, step: int) -> tuple[str, ...]:
        """Every key that the first `step` operations of a run may have used."""
        return tuple(self.key(number) for number in range(self.count(step)))
