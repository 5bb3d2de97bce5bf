"""The hand that changes the cluster's members, by asking a leader as an administrator would."""

from __future__ import annotations

from typing import ClassVar

from harness.client.codecs.base import NoReply
from harness.client.http import HttpTransport
from harness.cluster.hands.base import Hand
from harness.nemesis.action import Action
from harness.nemesis.faults.cluster.membership import ChangeMembership
from harness.nemesis.outcome import Outcome
from harness.systems.base import ChangesMembers

CHANGE_BOUND_S = 1.5


class MemberHand(Hand):
    """Whoever is asked answers once it is committed; without an answer it is for later views to tell."""

    actions: ClassVar[tuple[type[Action], ...]] = (ChangeMembership,)

    def reason_against(self) -> str | None:
        """A system whose members cannot be changed."""
        system = self._shop.system
        return None if isinstance(system, ChangesMembers) else f"{system.name} cannot change its members"

    async def carry_out(self, action: Action) -> Outcome:
        """Ask once; `details["outcome"]` is `done`, `refused` or `unknown`."""
        system = self._shop.system
        assert isinstance(action, ChangeMembership)
        assert isinstance(system, ChangesMembers), "or the run would have been refused"
        at = action.at
        request = system.membership_request(action.change, action.nodes[0])
        async with HttpTransport(CHANGE_BOUND_S, self._shop.layout.sockets) as transport:
            reply = await transport.send(self._shop.nodes[at].place.address, request)
        if isinstance(reply, NoReply):
            reason = None if reply.sent else reply.reason
        elif reply.status == 200:
            return Outcome(True, {"outcome": "done"})
        else:
            reason = system.was_refused(reply)
        if reason is not None:
            return Outcome(False, {"outcome": "refused"}, error=f"{at}: {reason}")
        said = reply.reason if isinstance(reply, NoReply) else f"status {reply.status}"
        return Outcome(False, {"outcome": "unknown"}, error=f"{at}: {said}; later views will tell")
