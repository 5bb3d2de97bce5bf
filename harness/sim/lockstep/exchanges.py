"""What a core was given and what it answered in a run, so that a second run of the same seed can be compared.

The same events must get the same answers: a core that reads a clock, draws random numbers or goes through a
hash table in any order answers otherwise, and no seed of it could be replayed.
"""

from __future__ import annotations

from harness.sim.lockstep.encodings import shown
from harness.sim.lockstep.protocol import LockstepError
from harness.sim.lockstep.watching.watch import Watch


class Exchanges:
    """Writes down each event and its answer."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.lines: list[tuple[bytes, bytes]] = []
        self.watch = watch
        """Sees what the processes of the run touch, where that is asked for."""

    def take(self, event: bytes, answer: bytes) -> None:
        """Note one event and its answer."""
        self.lines.append((event, answer))


class Comparison(Exchanges):
    """Compares each answer with that of an earlier run of the same seed."""

    def __init__(self, first: Exchanges) -> None:
        super().__init__()
        self._first = first.lines

    def take(self, event: bytes, answer: bytes) -> None:
        """Compare one answer.

        Raises:
            LockstepError: it is another than in the first run.
        """
        place = len(self.lines)
        super().take(event, answer)
        expected, before = self._first[place] if place < len(self._first) else (b"", b"")
        if event != expected:
            raise LockstepError(
                f"two runs of one seed differ at event {place + 1}, which was {shown(expected)} and is "
                f"{shown(event)}, although all answers before were equal: please report this"
            )
        if answer != before:
            raise LockstepError(
                f"two runs of one seed differ: the core gave another answer to the same event {place + 1}: "
                f"{shown(before)} and then {shown(answer)}; the event was {shown(event)}"
            )
