"""The effects of one step, in order, and which records must reach the disk before which messages.

Records of one step become one `Persist` at the step's end. A message that depends on them is sent
with `after` set to that number, so it waits for the disk; records of several steps may share one
fsync, since `Synced(n)` covers everything up to n.
"""

from __future__ import annotations

from collections import deque

import msgspec

from node_impl.core.events import Effect, HardState, Persist, Record


class Durable(msgspec.Struct, frozen=True):
    """What is on disk: the newest vote there, and the log up to last_index."""

    vote: str | None
    last_index: int


class Outbox:
    """Collects effects, numbers records and remembers what each number covers."""

    __slots__ = ("_records", "_unsynced", "durable", "effects", "newest", "synced_number")

    def __init__(self, durable: Durable) -> None:
        self.effects: list[Effect] = []
        self.durable = durable
        self.newest = 0
        """The number that covers everything recorded so far."""
        self.synced_number = 0
        """Everything up to this number is on disk."""
        self._records: list[Record] = []
        self._unsynced: deque[tuple[int, Durable]] = deque()

    def record(self, record: Record) -> None:
        """Have a record written; `newest` covers it from now on."""
        if not self._records:
            self.newest += 1
        elif isinstance(record, HardState) and isinstance(self._records[-1], HardState):
            self._records.pop()  # only the last of several in one step matters
        self._records.append(record)

    def truncated(self, last_index: int) -> None:
        """The log now ends at last_index: later entries count as durable only once they are written again."""
        self.durable = _clip(self.durable, last_index)
        self._unsynced = deque((number, _clip(covers, last_index)) for number, covers in self._unsynced)

    def take(self, vote: str | None, last_index: int) -> list[Effect]:
        """The step's effects; `vote` and `last_index` are the state that its records amount to."""
        if self._records:
            self.effects.append(Persist(self.newest, tuple(self._records)))
            self._unsynced.append((self.newest, Durable(vote, last_index)))
            self._records = []
        effects, self.effects = self.effects, []
        return effects

    def synced(self, number: int) -> None:
        """Everything up to `number` is on disk."""
        self.synced_number = number
        while self._unsynced and self._unsynced[0][0] <= number:
            self.durable = self._unsynced.popleft()[1]


def _clip(durable: Durable, last_index: int) -> Durable:
    return Durable(durable.vote, min(durable.last_index, last_index))
