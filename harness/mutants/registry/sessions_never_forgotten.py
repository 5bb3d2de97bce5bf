"""Nodes remember every client that ever wrote."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.sessions import Sessions


@breaks
class ForgetsNoSession(Sessions):
    """The table of sessions grows with each new client."""

    def _forget_oldest(self) -> None:
        """No client is forgotten."""


MUTANT = Mutant(
    name="sessions-never-forgotten",
    about="nodes remember the last write of every client that ever wrote, whatever their bound",
    caught_by="resources",
    seed=2,
    source="the bound on sessions: node_impl/core/registry/sessions.py",
    parts=Parts(sessions=ForgetsNoSession),
)
