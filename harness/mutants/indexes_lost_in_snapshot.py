"""Who restores a snapshot has forgotten at which index each instance was registered."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry


@breaks
class LosesIndexes(Registry):
    """Takes all instances for one and the same registration."""

    def restore(self, snapshot: bytes) -> None:
        """All but the indexes."""
        super().restore(snapshot)
        for entity in self.services.entities.values():
            for key, instance in entity.instances.items():
                entity.instances[key] = msgspec.structs.replace(instance, index=0)


PARTS = Parts(registry=LosesIndexes)
