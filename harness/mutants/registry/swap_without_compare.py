"""A configuration is replaced without comparing it with the value that the client expects."""

import msgspec

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Command, PublishConfig, Result


@breaks
class SwapsWithoutComparing(Registry):
    """Ignores the expected value."""

    def _carry_out(self, command: Command, index: int) -> Result:
        if isinstance(command, PublishConfig):
            command = msgspec.structs.replace(command, expected_md5=None)
        return super()._carry_out(command, index)


MUTANT = Mutant(
    name="swap-without-compare",
    about="a configuration is replaced without comparing it with the value that the client expects",
    caught_by="linearizability",
    seed=3,
    source="the registry's own meaning: casMd5",
    also=("linearizability",),
    workload="cas",
    parts=Parts(registry=SwapsWithoutComparing),
)
