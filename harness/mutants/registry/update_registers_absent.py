"""An update of an instance that is not there registers it."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Command, Register, Result, Update


@breaks
class UpdateRegistersAbsent(Registry):
    """Takes an update for a registration."""

    def _carry_out(self, command: Command, index: int) -> Result:
        if isinstance(command, Update) and self.get(command.key) is None:
            command = Register(command.key, metadata=command.metadata or {})
        return super()._carry_out(command, index)


MUTANT = Mutant(
    name="update-registers-absent",
    about="an update of an instance that is not there registers it",
    caught_by="linearizability",
    seed=3,
    source="Nacos's Go client updates by registering (nacos-sdk-nodejs issue 123)",
    also=CLIENT_CHECKERS,
    parts=Parts(registry=UpdateRegistersAbsent),
)
