"""An update of an instance that is not there registers it."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Command, Register, Result, Update


@breaks
class UpdateRegistersAbsent(Registry):
    """Takes PUT for "put it there"."""

    def _carry_out(self, command: Command, index: int) -> Result:
        if isinstance(command, Update) and self.get(command.key) is None:
            command = Register(command.key, metadata=command.metadata or {})
        return super()._carry_out(command, index)


PARTS = Parts(registry=UpdateRegistersAbsent)
