"""Members of a cluster, changed by asking a leader as an administrator would."""

from __future__ import annotations

from harness.client.codecs.base import NoReply
from harness.cluster.attachment import RunningCluster
from harness.nemesis.mechanisms.cluster import MemberChange, MemberReply
from harness.nemesis.mechanisms.world import MechanismError
from harness.systems.base import ChangesMembers

CHANGE_BOUND_S = 1.5


class HostMembers:
    """`Members`: the leader answers once the change is committed; without an answer later views show it."""

    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    async def ask(self, leader: str, change: MemberChange, node: str) -> MemberReply:
        """Ask the leader once for one change."""
        from harness.client.http import HttpTransport  # here, since to list the mechanisms sends nothing

        system = self._cluster.system
        if not isinstance(system, ChangesMembers):
            raise MechanismError(f"{system.name} cannot change its members")
        place = self._cluster.nodes[leader].place
        request = system.membership_request(change, node, place.secret)
        async with HttpTransport(CHANGE_BOUND_S, self._cluster.layout.sockets) as transport:
            reply = await transport.send(place.at(), request)
        if isinstance(reply, NoReply):
            refused = None if reply.sent else reply.reason
            seen = reply.reason
        elif reply.status == 200:
            return MemberReply("done", in_force=True)
        else:
            refused = system.was_refused(reply)
            seen = f"status {reply.status}"
        if refused is not None:
            return MemberReply("refused", in_force=False, reason=refused)
        return MemberReply("unknown", in_force=False, reason=f"{seen}; later views will show the outcome")
