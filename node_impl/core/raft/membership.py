"""Changes of membership, one voter at a time, by entries of the log (thesis, chapter 4).

A configuration is in force from when its entry is in the log. A change begins only when the one before it
is committed, and when the leader has committed an entry of its own term: without the latter, two leaders
could each change one voter of the same old configuration, and their majorities would be disjoint (Ongaro,
"bug in single-server membership changes", raft-dev, 2015).
"""

from __future__ import annotations

from node_impl.core.events import Configuration, Entry
from node_impl.core.raft.configurations import encode_configuration
from node_impl.core.raft.snapshotting import Snapshotting


class Membership(Snapshotting):
    """A member that takes up configurations, and a leader that changes them."""

    # ---- The rules -------------------------------------------------------------------------------------

    def change_before_is_committed(self) -> bool:
        """One change at a time: majorities of configurations two changes apart need not meet."""
        return self.configurations[-1][0] <= self.commit_index

    def has_committed_in_its_term(self) -> bool:
        """The thesis' correction: see the module's docstring."""
        return self.log.term_at(self.commit_index) == self.current_term

    def is_caught_up(self, learner: str) -> bool:
        """A learner that lags would make each entry wait for it once it votes (thesis, section 4.2.1)."""
        peer = self.peers.get(learner)
        return peer is not None and peer.match_index + self.config.max_batch_entries >= self.log.last_index

    def has_been_removed(self) -> bool:
        """A leader leads until the entry that removes it is committed, and applied (thesis, 4.2.2)."""
        index, configuration = self.configurations[-1]
        return index <= self.last_applied and self.name not in configuration.voters

    # ---- Changing --------------------------------------------------------------------------------------

    def propose_configuration(self, configuration: Configuration, op: str | None) -> int:
        """Append a configuration at the leader; returns its index."""
        payload = encode_configuration(configuration)
        entry = Entry(self.log.last_index + 1, self.current_term, "configuration", payload, op)
        self._append((entry,))
        self._replicate_to_all()
        self._advance_commit_index()  # a smaller majority may hold what is there already
        return entry.index

    def _configuration_changed(self) -> None:
        super()._configuration_changed()
        if self.role != "leader":
            return
        for name in self.others:
            if name not in self.peers:
                self.peers[name] = self.new_progress()
        self.peers = {name: peer for name, peer in self.peers.items() if name in self.others}
