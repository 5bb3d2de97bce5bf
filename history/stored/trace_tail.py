"""Reads a node's trace while the node still writes it: each call gives what is new since the last one.

For watching a run. What judges a run reads whole traces (`history.stored.trace`), which also finds damage.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import force_setattr

from history.files import RefusedFile, open_regular
from history.stored.trace import TraceEvent

MOST_AT_ONCE_BYTES = 4 << 20
"""How much of a file one call reads."""


class TraceTail:
    """Follows the lives of one node, one file after the other."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self._node = node
        self._life = 1
        self._offset = 0
        self._decoder = msgspec.json.Decoder(TraceEvent)
        self.is_damaged = False
        """Whether a line could not be read; then nothing more is."""

    def new_events(self) -> list[TraceEvent]:
        """The events of the lines that were completed since the last call; of one life at a time."""
        if self.is_damaged:
            return []
        path = self._path(self._life)
        try:
            with open_regular(path, root=self._folder) as file:
                file.seek(self._offset)
                data = file.read(MOST_AT_ONCE_BYTES)
        except (FileNotFoundError, RefusedFile):
            return []
        whole = data.rfind(b"\n") + 1
        if not whole and self._path(self._life + 1).exists():
            self._life, self._offset = self._life + 1, 0  # a torn last line is all that is left of that life
            return self.new_events()
        self._offset += whole
        try:
            events = [self._decoder.decode(line) for line in data[:whole].splitlines()]
        except (msgspec.DecodeError, RecursionError):
            self.is_damaged = True
            return []
        for event in events:
            force_setattr(event, "node", self._node)
            force_setattr(event, "life", self._life)
        return events

    def _path(self, life: int) -> Path:
        return self._folder / f"{life:04}.jsonl"
