"""The replicated state machine: the registry and the sessions, as the applied entries left them.

It applies what Raft has committed (section 5.3), takes snapshots of its state, and becomes an installed one
(section 7).
"""

from __future__ import annotations

from collections.abc import Container

from node_impl.core.events import Entry, Refused, SetTimer, Snapshot
from node_impl.core.raft.messages import Written
from node_impl.core.raft.raft import Raft
from node_impl.core.raft.snapshot_bytes import make_snapshot
from node_impl.core.registry.commands import CommandError
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Outcome, Sessions, SessionsError
from node_impl.core.registry.snapshot import SnapshotError
from node_impl.core.requests import Rejected

APPLY_TIMER = "apply"


class StateMachineError(Exception):
    """An entry or a snapshot cannot be understood: the node must not go on."""


class StateMachine:
    """The registry and the sessions follow the log."""

    __slots__ = ("_carried_out", "_raft", "registry", "sessions")

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions) -> None:
        self._raft = raft
        self.registry = registry
        self.sessions = sessions
        self._carried_out = 0
        """The index of the last entry that was not skipped as a copy, or for its session."""

    # ---- The rules --------------------------------------------------------------------------------------

    def sessions_in_snapshot(self) -> bytes:
        """The table of sessions is a part of the state: without it a repeated write is applied twice."""
        return self.sessions.snapshot()

    def snapshot_index(self) -> int:
        """The last entry that a snapshot of the state as it is now stands for (section 7)."""
        return self._raft.state.last_applied

    def snapshot_to_restore(self) -> Snapshot | None:
        """An installed snapshot replaces the state once: what is applied after it stays (section 7)."""
        return self._raft.snapshots.take_installed()

    # ---- Entries ----------------------------------------------------------------------------------------

    def apply_committed(self, awaited: Container[int]) -> list[tuple[int, Outcome]]:
        """Carry out what is committed; a bounded piece a step, so that a long log never silences the node.

        Returns (index, outcome) of the entries whose index is among `awaited`.

        Raises:
            StateMachineError: an entry holds no command.
        """
        raft, state = self._raft, self._raft.state
        last = min(state.commit_index, state.last_applied + state.config.max_apply_entries)
        finished: list[tuple[int, Outcome]] = []
        skipped: list[int] = []
        for index in range(state.last_applied + 1, last + 1):
            try:
                outcome = self.sessions.apply(state.log[index], self._carry_out)
            except CommandError as error:
                raise StateMachineError(str(error)) from error
            if self._carried_out != index:
                skipped.append(index)
            if index in awaited:
                finished.append((index, outcome))
        raft.applied(last, tuple(skipped))
        if last < state.commit_index:
            state.outbox.effects.append(SetTimer(APPLY_TIMER, state.now))
        return finished

    def _carry_out(self, entry: Entry) -> Outcome:
        """Apply one entry to the registry; returns the outcome for the client that waits for it."""
        self._carried_out = entry.index
        if entry.kind == "configuration":  # in force since it was appended
            return Written(entry.index, None)
        result = self.registry.apply(entry)
        if isinstance(result, Rejected):
            return Refused(result.code, result.reason, proposed=False, raft_index=entry.index)
        return Written(entry.index, result)

    # ---- Snapshots --------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The state after last_applied, whose entry the log must still hold; one pass over the state."""
        state = self._raft.state
        index = self.snapshot_index()
        _, term, hash_, _ = state.log.trace_rows(index, index)[0]
        configuration = state.configurations.at(index)
        return make_snapshot(
            index, term, hash_, configuration, self.registry.snapshot(), self.sessions_in_snapshot()
        )

    def digest(self) -> str | None:
        """The digest of a snapshot after last_applied, so that replicas can be compared; None: not known."""
        state, newest = self._raft.state, self._raft.snapshots.newest
        if state.last_applied > state.log.base_index:
            return self.snapshot().digest
        if newest is not None and newest.index == state.last_applied:
            return newest.digest
        return None

    def restore(self) -> bool:
        """Become an installed snapshot, at the start of a life, too; returns whether there was one.

        Raises:
            StateMachineError: the snapshot cannot be understood.
        """
        snapshot = self.snapshot_to_restore()
        if snapshot is None:
            return False
        try:
            self.registry.restore(snapshot.registry)
            self.sessions.restore(snapshot.sessions)
        except (SnapshotError, SessionsError) as error:
            reason = f"the snapshot up to entry {snapshot.index} cannot be restored: {error}"
            raise StateMachineError(reason) from error
        return True
