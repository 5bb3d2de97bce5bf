"""An update changes the metadata of an instance, and not its weight."""

from msgspec.structs import replace

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Command, Result, Update


@breaks
class UpdateKeepsWeight(Registry):
    """Forgets one field of an update."""

    def _carry_out(self, command: Command, index: int) -> Result:
        if isinstance(command, Update):
            command = replace(command, weight=None)
        return super()._carry_out(command, index)


MUTANT = Mutant(
    name="update-keeps-weight",
    about="an update of an instance does not change its weight",
    caught_by="linearizability",
    seed=0,
    source="the registry's own meaning: each parameter that an update names replaces what was there",
    also=CLIENT_CHECKERS,
    parts=Parts(registry=UpdateKeepsWeight),
)
