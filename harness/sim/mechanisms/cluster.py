"""The cluster's members, which a leader is asked to change, and strikes at an exact moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.nemesis.mechanisms.cluster import MemberChange, MemberReply, Moment, Strike
from harness.sim.world import http
from harness.sim.world.ambush import Ambush
from harness.sim.world.world import SimulatedWorld
from harness.systems.reference_node import ReferenceNode
from node_impl.core.api.codec import render
from node_impl.core.events import Reply, Request

_NODE = ReferenceNode()
"""How a node is asked to change its members, and how it refuses."""


class SimulatedMembers:
    """Implements `Members`: the request is the one of real HTTP, but a leader answers at once."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def ask(self, leader: str, change: MemberChange, node: str) -> MemberReply:
        """Ask; an accepted change is in force at once, and later views show whether it lasts."""
        process = self._world.processes[leader]
        request = http.received(_NODE.membership_request(change, node, ""))
        if not process.is_running or not isinstance(request, Request):
            return MemberReply("refused", False, "does not accept it")
        before, replies = process.view(), list[Reply | None]()
        if not process.is_running:  # being asked takes effects, before any of which a node may crash
            return MemberReply("refused", False, "ended before it was asked")
        process.ask(request, replies.append)
        reply = replies[0] if replies else None
        refused = None if reply is None else _NODE.was_refused(http.returned(render(request, reply)))
        if refused is not None:
            return MemberReply("refused", False, refused)
        after = process.view()
        in_force = (after.members, after.learners) != (before.members, before.learners)
        return MemberReply("unknown", in_force)


class SimulatedMoments:
    """Implements `ExactMoments`: the world shows every process after each of its steps."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._ambush: Ambush | None = None

    def lie_in_wait(self, moment: Moment, by: Strike, after_term: int, within_ms: int) -> None:
        """Strike the first leader that is at the moment."""
        self._ambush = self._world.watcher = Ambush(moment, by, after_term, within_ms, self._world)

    def end_wait(self) -> Mapping[str, Any] | None:
        """End the wait; which node was struck, if one was."""
        struck = None if self._ambush is None else self._ambush.struck
        self._ambush = self._world.watcher = None
        return struck
