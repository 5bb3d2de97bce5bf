"""A follower installs any snapshot that it is sent, also one older than what it has applied."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class InstallsOverNewerState(Raft):
    """Takes its state back."""

    def is_news(self, index: int) -> bool:  # noqa: ARG002 - it never looks
        """Always."""
        return True


PARTS = Parts(core=InstallsOverNewerState)
