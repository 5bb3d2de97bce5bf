"""A follower removes instances that are newer than the commit index of the leader's heartbeat."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.node import Node
from node_impl.core.raft.messages import AppendEntries, Envelope
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import Deregister


@breaks
class DeletesUnknown(Node):
    """Takes the leader's commit index at the time of the heartbeat for the end of all data."""

    def _receive(self, envelope: Envelope) -> None:
        super()._receive(envelope)
        state, body = self.raft.state, envelope.body
        if not isinstance(body, AppendEntries) or body.entries or body.term != state.current_term:
            return
        for entity in tuple(self.machine.registry.services.entities.values()):
            for instance in tuple(entity.instances.values()):
                if instance.index > body.leader_commit:
                    removal = encode_command(Deregister(instance.key))
                    self.machine.registry.apply(
                        Entry(state.last_applied, state.current_term, "command", removal)
                    )


MUTANT = Mutant(
    name="beat-deletes-unknown",
    about="a follower removes instances that are newer than the commit index of the leader's heartbeat",
    caught_by="linearizability",
    seed=3,
    source="the Raft of Nacos before 1.4: keys that are absent from the leader's beat were deleted",
    also=("snapshot-safety", *CLIENT_CHECKERS),
    parts=Parts(node=DeletesUnknown),
)
