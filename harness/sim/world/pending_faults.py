"""The scheduled faults of one node that are still to come: counted here, carried out by its process.

Effects and elections are numbered over the whole run, from 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.sim.plan.scheduled_faults import (
    CrashAfterElection,
    CrashAtDiskCall,
    CrashAtEffect,
    MuteLeader,
    Occasion,
    ReadError,
    ScheduledFault,
)


class PendingFaults:
    """Says when a scheduled fault of its node is due."""

    def __init__(self, node: str, faults: Sequence[ScheduledFault]) -> None:
        mine = [fault for fault in faults if getattr(fault, "node", None) == node]
        self._node = node
        self._crashes = sorted(
            (one for one in mine if isinstance(one, CrashAtEffect)), key=lambda one: one.effect
        )
        self.crash_at = self._crashes[0].effect if self._crashes else 0
        """Before which effect the process ends next; 0: never."""
        self._election_crashes = {one.election: one for one in mine if isinstance(one, CrashAfterElection)}
        self._mutes: dict[int, dict[str, MuteLeader]] = {}
        for one in mine:
            if isinstance(one, MuteLeader):
                self._mutes.setdefault(one.election, {})[one.receiver] = one
        self.needs_elections = bool(self._election_crashes or self._mutes)
        """Whether the process must report when its node begins and ceases to lead."""
        self._disk_crashes = {
            (one.occasion, one.number): one for one in mine if isinstance(one, CrashAtDiskCall)
        }
        self._read_errors = {one.start: one for one in mine if isinstance(one, ReadError)}
        self.needs_writes = bool(self._disk_crashes)
        """Whether the process must report its writes before it does them."""
        self._writes = self._snapshots = 0
        self._elections = 0
        self._muted: dict[str, tuple[int, int]] = {}
        """By receiver: how many messages still get through, and until when those after them are lost."""

    def stop(self) -> None:
        """Drop all faults that are still to come."""
        self._crashes, self.crash_at, self.needs_elections = [], 0, False
        self._election_crashes, self._muted = {}, {}
        self._disk_crashes, self._read_errors, self.needs_writes = {}, {}, False

    # ---- leading ---------------------------------------------------------------------------------------

    def began_to_lead(self, effects: int, now: int) -> None:
        """Take note that the node won an election, when it had carried out `effects` effects."""
        self._elections += 1
        crash = self._election_crashes.get(self._elections)
        if crash is not None:
            at = CrashAtEffect(self._node, effects + crash.effects, crash.power_lost, crash.down_ns)
            self._crashes = sorted((*self._crashes, at), key=lambda one: one.effect)
            self.crash_at = self._crashes[0].effect
        mutes = self._mutes.get(self._elections, {})
        self._muted = {receiver: (mute.heard, now + mute.for_ns) for receiver, mute in mutes.items()}

    def ceased_to_lead(self) -> None:
        """Take note that the node does not lead any more, for whatever reason."""
        self._muted = {}

    def is_muted(self, receiver: str, now: int) -> bool:
        """Whether the message that the node sends to that receiver now is lost."""
        if receiver not in self._muted:
            return False
        heard, until = self._muted[receiver]
        if now >= until:
            del self._muted[receiver]
            return False
        self._muted[receiver] = (heard - 1, until)
        return heard <= 0

    # ---- crashing --------------------------------------------------------------------------------------

    def next_crash(self, effects: int) -> CrashAtEffect:
        """Give the crash that is due at this effect."""
        crash = self._crashes.pop(0)
        while self._crashes and self._crashes[0].effect <= effects:
            self._crashes.pop(0)
        self.crash_at = self._crashes[0].effect if self._crashes else 0
        return crash

    # ---- the disk --------------------------------------------------------------------------------------

    def at_start(self, start: int) -> CrashAtDiskCall | ReadError | None:
        """Give what is to go wrong while the node recovers, when it starts for the `start`-th time."""
        return self._disk_crashes.pop(("recovery", start), None) or self._read_errors.pop(start, None)

    def after_crash(self, crash: CrashAtDiskCall, start: int) -> None:
        """Take note that a crash ended the life of the `start`-th start: the loss of power may come later."""
        if crash.power_lost_next:
            later = CrashAtDiskCall(self._node, "first-write", start + 1, 1, True, crash.down_ns)
            self._disk_crashes["first-write", start + 1] = later

    def in_write(self, after_start: int | None, has_snapshot: bool) -> CrashAtDiskCall | None:
        """Give the crash that is due in the write that the node does now.

        after_start: the number of the start since which it is the first write; None if it is a later one.
        """
        self._writes += 1
        self._snapshots += has_snapshot
        occasions: list[tuple[Occasion, int]] = [("write", self._writes)]
        if has_snapshot:
            occasions.append(("snapshot", self._snapshots))
        if after_start is not None:
            occasions.append(("first-write", after_start))
        due = [one for place in occasions if (one := self._disk_crashes.pop(place, None)) is not None]
        return due[0] if due else None
