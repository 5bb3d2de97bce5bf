"""The disk of a node of an exploration, as its storage reads it back, and what its snapshots hold.

A snapshot of an exploration holds the applied entries themselves in place of a registry: so the invariants
compare what each node stands for, whether that is in its log or in its snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from node_impl.core.events import (
    AppendRecord,
    BaseRecord,
    Configuration,
    Entry,
    HardState,
    Persist,
    Record,
    Recovered,
    Snapshot,
    SnapshotRecord,
)
from node_impl.core.raft.member.log import entry_hash
from node_impl.core.raft.snapshot_bytes import make_snapshot
from node_impl.core.storage.wal import NO_BASE, replay


class Stands(msgspec.Struct, frozen=True, array_like=True):
    """What a snapshot of an exploration holds in place of a registry."""

    entries: tuple[Entry, ...]
    """All that were applied."""
    carried_out: tuple[tuple[str, int], ...] = ()
    """The writes with a session that took effect (`machine.py`)."""
    registry: bytes = b""
    """The registry itself, where the state machine is the node's own."""


stands_for = msgspec.msgpack.Encoder().encode
"""A `Stands` as bytes."""
stood_for = msgspec.msgpack.Decoder(Stands).decode
"""The `Stands` behind its bytes."""


class DurableState(NamedTuple):
    """The part of a node that outlives a crash."""

    hard_state: HardState
    entries: tuple[Entry, ...]
    """The entries of the log, which begins after `base`."""
    base: BaseRecord = NO_BASE
    snapshot: Snapshot | None = None

    @property
    def log(self) -> tuple[Entry, ...]:
        """All entries that it stands for, those of the snapshot first."""
        return whole_log(self.snapshot, self.base.index, self.entries)

    @property
    def recovered(self) -> Recovered:
        """What a node is given that starts from it."""
        return Recovered(self.hard_state, self.entries, base=self.base, snapshot=self.snapshot)


EMPTY_DISK = DurableState(HardState(0, None), ())


def snapshot_of(applied: tuple[Entry, ...], configuration: Configuration) -> Snapshot:
    """The snapshot of a state machine that has applied these entries, at least one."""
    last = applied[-1]
    return make_snapshot(
        last.index, last.term, entry_hash(last), configuration, stands_for(Stands(applied)), b""
    )


def applied_in(snapshot: Snapshot) -> tuple[Entry, ...]:
    """The entries that a snapshot stands for."""
    return stood_for(snapshot.registry).entries


def whole_log(snapshot: Snapshot | None, base: int, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries of a snapshot, and those of the log that follow them.

    Args:
        base: the index after which `entries` begin; not above the snapshot's.
    """
    if snapshot is None:
        return entries
    return (*applied_in(snapshot), *entries[snapshot.index - base :])


def written(disk: DurableState, writes: Sequence[Persist], half: Persist | None = None) -> DurableState:
    """The disk after these writes, read back as storage reads it (`WriteAheadLog.recover`).

    Args:
        half: a write of which only the snapshot's file is in place, and not the log that goes on from it.
    """
    for write in writes:
        disk = _after(disk, write.records)
    brought = None if half is None else newest_snapshot(half)
    if brought is None:
        return disk
    snapshot, position = brought.snapshot, brought.snapshot.index - disk.base.index
    term = disk.base.term if position == 0 else _term(disk.entries, position)
    if term == snapshot.term:
        return disk._replace(snapshot=snapshot)
    return DurableState(disk.hard_state, (), BaseRecord(snapshot.index, snapshot.term), snapshot)


def newest_snapshot(write: Persist) -> SnapshotRecord | None:
    """The last snapshot among the records of a write."""
    return next((one for one in reversed(write.records) if isinstance(one, SnapshotRecord)), None)


def _term(entries: tuple[Entry, ...], position: int) -> int | None:
    """The term of the entry at a position, from 1; None beyond the end."""
    return entries[position - 1].term if 0 < position <= len(entries) else None


def _after(disk: DurableState, records: Sequence[Record]) -> DurableState:
    pending: list[Record] = [disk.base, disk.hard_state, AppendRecord(disk.entries)]
    snapshot = disk.snapshot
    for record in records:
        if isinstance(record, SnapshotRecord):
            hard = next(one for one in reversed(pending) if isinstance(one, HardState))
            pending, snapshot = [record.base, hard, AppendRecord(record.entries)], record.snapshot
        else:
            pending.append(record)
    state = replay(pending, 0)
    return DurableState(state.hard_state, state.entries, state.base, snapshot)
