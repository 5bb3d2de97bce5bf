"""A node that restores a snapshot has forgotten at which index each instance was registered."""

import msgspec

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.registry import Registry


@breaks
class LosesIndexes(Registry):
    """Restores each instance with index 0."""

    def restore(self, snapshot: bytes) -> None:
        """The snapshot is restored without the indexes of its instances."""
        super().restore(snapshot)
        for entity in self.services.entities.values():
            for key, instance in entity.instances.items():
                entity.instances[key] = msgspec.structs.replace(instance, index=0)


MUTANT = Mutant(
    name="indexes-lost-in-snapshot",
    about="a node that restores a snapshot has forgotten at which index each instance was registered",
    caught_by="snapshot-safety",
    seed=1,
    source="Raft, section 7: a snapshot is the whole state",
    also=("snapshot-safety", *CLIENT_CHECKERS),
    parts=Parts(registry=LosesIndexes),
)
