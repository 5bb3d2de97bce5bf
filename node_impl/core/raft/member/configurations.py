"""The configurations in a log: who votes and who learns, from which entry on (thesis, chapter 4).

`RaftState.configuration_in_force` says which of them counts.
"""

from __future__ import annotations

import msgspec

from node_impl.core.events import Configuration, Entry, Snapshot
from node_impl.core.raft.member.log import Log

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Configuration).decode


class Configurations:
    """The configurations that a log holds, oldest first.

    Args:
        voters: who votes where neither the snapshot nor the log says so.
    """

    __slots__ = ("_by_index",)

    def __init__(self, voters: tuple[str, ...], snapshot: Snapshot | None, log: Log) -> None:
        start = log.base_index
        self._by_index: list[tuple[int, Configuration]] = [(0, Configuration(voters))]
        """(index, configuration): the one that the log begins with, then those of its entries."""
        if snapshot is not None:
            start = snapshot.index
            self._by_index = [(start, snapshot.configuration)]
        for entry in log.entries_after(start):
            if entry.kind == "configuration":
                self.appended(entry)

    @property
    def newest(self) -> Configuration:
        """The last configuration in the log."""
        return self._by_index[-1][1]

    @property
    def newest_index(self) -> int:
        """The index of the entry, or snapshot, that holds the newest one; 0 for a cluster's first one."""
        return self._by_index[-1][0]

    @property
    def first_index(self) -> int:
        """The index of the oldest one that is still known."""
        return self._by_index[0][0]

    @property
    def last_but_one(self) -> Configuration:
        """The configuration before the newest one; the newest one where no other is known."""
        return self._by_index[max(len(self._by_index) - 2, 0)][1]

    def at(self, index: int) -> Configuration:
        """The configuration that the entries up to `index` amount to."""
        return next(found for at, found in reversed(self._by_index) if at <= index)

    def appended(self, entry: Entry) -> None:
        """An entry with a configuration is at the end of the log."""
        self._by_index.append((entry.index, decode_configuration(entry.payload)))

    def truncated(self, index: int) -> None:
        """The entries from `index` on are gone."""
        while self._by_index[-1][0] >= index:
            self._by_index.pop()

    def compacted(self, snapshot: Snapshot, last_index: int) -> None:
        """A snapshot stands for the log's beginning; the log ends at `last_index`."""
        later = [(at, found) for at, found in self._by_index if snapshot.index < at <= last_index]
        self._by_index = [(snapshot.index, snapshot.configuration), *later]


def encode_configuration(configuration: Configuration) -> bytes:
    """The payload of a configuration's entry."""
    return _encode(configuration)


def decode_configuration(payload: bytes) -> Configuration:
    """The configuration behind an entry's payload.

    Raises:
        msgspec.DecodeError: the payload holds none; a log whose checksums are right has no such entry.
    """
    return _decode(payload)
