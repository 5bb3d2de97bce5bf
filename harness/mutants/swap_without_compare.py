"""A configuration is replaced whatever it holds, though the client named what it must hold."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Command, PublishConfig, Result


@breaks
class SwapsWithoutComparing(Registry):
    """Does not look at what is there."""

    def _carry_out(self, command: Command, index: int) -> Result:
        if isinstance(command, PublishConfig):
            command = msgspec.structs.replace(command, expected_md5=None)
        return super()._carry_out(command, index)


PARTS = Parts(registry=SwapsWithoutComparing)
