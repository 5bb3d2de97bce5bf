"""Applying what is committed, and the state machine's snapshots: taken here, or installed by a leader."""

from __future__ import annotations

from node_impl.core.events import Entry, Fatal, Refused, SetTimer, Snapshot
from node_impl.core.raft.messages import Written
from node_impl.core.raft.snapshots import make_snapshot
from node_impl.core.registry.commands import CommandError
from node_impl.core.registry.sessions import Outcome, SessionsError
from node_impl.core.registry.snapshot import SnapshotError
from node_impl.core.requests import Rejected
from node_impl.core.serving.writes import Writes

APPLY_TIMER = "apply"


class Applying(Writes):
    """A node whose registry and sessions follow the log."""

    # ---- The rules --------------------------------------------------------------------------------------

    def sessions_in_snapshot(self) -> bytes:
        """The table of sessions is a part of the state: without it a repeated write is applied twice."""
        return self.sessions.snapshot()

    def snapshot_index(self) -> int:
        """The last entry that a snapshot of the registry as it is now stands for (section 7)."""
        return self.raft.last_applied

    # ---- Entries ----------------------------------------------------------------------------------------

    def _apply(self) -> None:
        """Carry out what is committed; a bounded piece a step, so that a long log never silences the node."""
        raft, writes = self.raft, self._writes
        last = min(raft.commit_index, raft.last_applied + self.config.max_apply_entries)
        finished: list[tuple[int, Outcome]] = []
        for index in range(raft.last_applied + 1, last + 1):
            try:
                outcome = self.sessions.apply(raft.log[index], self._carry_out)
            except CommandError as error:
                raft.outbox.effects.append(Fatal(str(error)))
                self._ended = True
                return
            if index in writes:
                finished.append((index, outcome))
        raft.applied(last)
        if last < raft.commit_index:
            raft.outbox.effects.append(SetTimer(APPLY_TIMER, raft.now))
        for index, outcome in finished:
            self._conclude(writes.pop(index), outcome)
        self._serve_waiting_reads()

    def _carry_out(self, entry: Entry) -> Outcome:
        """Apply one entry to the registry; what whoever waits for it is told."""
        if entry.kind == "configuration":  # in force since it was appended
            return Written(entry.index, None)
        result = self.registry.apply(entry)
        if isinstance(result, Rejected):
            return Refused(result.code, result.reason, proposed=False, raft_index=entry.index)
        return Written(entry.index, result)

    # ---- Snapshots --------------------------------------------------------------------------------------

    def _take_snapshot(self) -> None:
        """Write down the state as of last_applied; it is one pass over it, with nothing else in between."""
        self.raft.take_snapshot(self._state())

    def _state(self) -> Snapshot:
        """The state as of last_applied, whose entry the log must still hold."""
        raft = self.raft
        index = self.snapshot_index()
        _, term, hash_, _ = raft.log.trace_rows(index, index)[0]
        configuration = raft.configuration_at(index)
        return make_snapshot(
            index, term, hash_, configuration, self.registry.snapshot(), self.sessions_in_snapshot()
        )

    def _trace_stop(self) -> None:
        """An orderly end; what the state was, so that replicas can be compared."""
        raft = self.raft
        index, snapshot = raft.last_applied, raft.snapshot
        digest: str | None = None
        if index > raft.log.base_index:
            digest = self._state().digest
        elif snapshot is not None and snapshot.index == index:
            digest = snapshot.digest
        raft.trace("stop", index=index if digest else None, digest=digest)

    def _restore(self) -> None:
        """Become what an installed snapshot says; at the start of a life, too."""
        snapshot, self.raft.installed = self.raft.installed, None
        if snapshot is None:
            return
        try:
            self.registry.restore(snapshot.registry)
            self.sessions.restore(snapshot.sessions)
        except (SnapshotError, SessionsError) as error:
            reason = f"the snapshot up to entry {snapshot.index} cannot be restored: {error}"
            self.raft.outbox.effects.append(Fatal(reason))
            self._ended = True
            return
        self._serve_waiting_reads()
