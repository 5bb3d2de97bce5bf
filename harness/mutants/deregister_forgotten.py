"""Every fourth deregistration is confirmed, with what it removed, and not done."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Deregister, Entry
from node_impl.core.registry.commands import decode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Result


@breaks
class ForgetsDeregistrations(Registry):
    """Loses a removal now and then, on all nodes alike."""

    def apply(self, entry: Entry) -> Result:
        """But for deregistrations at every fourth index."""
        if entry.kind == "command" and entry.index % 4 == 0:
            command = decode_command(entry.payload)
            if isinstance(command, Deregister):
                return self.get(command.key)
        return super().apply(entry)


PARTS = Parts(registry=ForgetsDeregistrations)
