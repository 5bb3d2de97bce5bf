"""A follower removes what a leader's heartbeat does not know of yet."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.node import Node
from node_impl.core.raft.messages import AppendEntries, Envelope
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import Deregister


@breaks
class DeletesUnknown(Node):
    """Takes what the leader had committed when it sent the heartbeat for all that there may be."""

    def _receive(self, envelope: Envelope) -> None:
        super()._receive(envelope)
        raft, body = self.raft, envelope.body
        if not isinstance(body, AppendEntries) or body.entries or body.term != raft.current_term:
            return
        for entity in tuple(self.registry.services.entities.values()):
            for instance in tuple(entity.instances.values()):
                if instance.index > body.leader_commit:
                    removal = encode_command(Deregister(instance.key))
                    self.registry.apply(Entry(raft.last_applied, raft.current_term, "command", removal))


PARTS = Parts(node=DeletesUnknown)
