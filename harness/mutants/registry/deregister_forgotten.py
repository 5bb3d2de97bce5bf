"""Some deregistrations are confirmed and not carried out: those at every fourth index."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Deregister, Entry
from node_impl.core.registry.commands import decode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Result


@breaks
class ForgetsDeregistrations(Registry):
    """Ignores the same removals on all nodes."""

    def apply(self, entry: Entry) -> Result:
        """A deregistration at every fourth index returns its instance and does not remove it."""
        if entry.kind == "command" and entry.index % 4 == 0:
            command = decode_command(entry.payload)
            if isinstance(command, Deregister):
                return self.get(command.key)
        return super().apply(entry)


MUTANT = Mutant(
    name="deregister-forgotten",
    about="some deregistrations are confirmed and not carried out",
    caught_by="linearizability",
    seed=3,
    source="the registry's own meaning: deregister removes by key",
    also=CLIENT_CHECKERS,
    parts=Parts(registry=ForgetsDeregistrations),
)
