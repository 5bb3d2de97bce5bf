"""Majorities are counted by the configuration before the newest one."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class CountsByOldSet(Raft):
    """Notices one change too late how many there are."""

    def is_majority(self, count: int) -> bool:
        """Of the voters that there were before the last change."""
        _, before = self.configurations[max(len(self.configurations) - 2, 0)]
        return count > len(before.voters) // 2


PARTS = Parts(core=CountsByOldSet)
