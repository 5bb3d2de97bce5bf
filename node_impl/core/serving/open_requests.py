"""Requests that are not answered yet: who waits here, how long, and the one answer each of them gets.

A refusal says `proposed` unless the write certainly has no effect and never will.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from node_impl.core.config import NodeConfig
from node_impl.core.events import Effect, Refused, Reply, Request, Respond, Status
from node_impl.core.raft.core import Raft
from node_impl.core.registry.registry import Registry
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.waiting import Deadlines
from node_impl.core.serving.watches import Watches

REQUEST_TIMER = "requests"
LEADER_WAIT_TIMER = "leader-wait"
WATCH_TIMER = "watches"


@dataclass(slots=True)
class Pending:
    """A client's request that is not answered."""

    request_id: int
    request: Request
    proposed: bool = False
    """Whether it was appended or forwarded, so that its outcome is out of this node's hands."""


class OpenRequests:
    """The node's parts, and the clients that wait for it."""

    def __init__(self, raft: Raft, registry: Registry, sessions: Sessions, config: NodeConfig) -> None:
        self.raft = raft
        self.registry = registry
        self.sessions = sessions
        self.config = config
        self._open: dict[int, Pending] = {}
        self._request_deadlines = Deadlines(REQUEST_TIMER, config.request_timeout_ns)
        self._leaderless: dict[int, Pending] = {}
        """Requests that wait for a leader to become known."""
        self._leader_deadlines = Deadlines(LEADER_WAIT_TIMER, config.leader_wait_ns)
        self._watches = Watches(WATCH_TIMER, registry, config.max_watches)
        self._ended = False

    # ---- The rules --------------------------------------------------------------------------------------

    def may_repeat(self, request: Request) -> bool:
        """A write may be sent again after a loss only if its copies are applied once (thesis, 6.3)."""
        return request.session is not None

    # ---- Waiting ----------------------------------------------------------------------------------------

    def _await_leader(self, pending: Pending) -> None:
        """Hold a request until who leads changes, or for a bounded time."""
        self._leaderless[pending.request_id] = pending
        self._leader_deadlines.add(pending.request_id, self.raft.now, self.raft.outbox.effects)

    def _still_open(self, request_ids: list[int]) -> list[Pending]:
        return [self._open[request_id] for request_id in request_ids if request_id in self._open]

    def _expire(self, request_id: int, code: Literal["timeout", "no-leader"], after_ns: int) -> None:
        pending = self._open[request_id]
        is_leaderless = self._leaderless.pop(request_id, None) is not None
        reason = "no leader is known" if is_leaderless else "no majority answered"
        reason = f"{reason} within {after_ns / 1e6:.0f} ms"
        self._close(request_id, Refused(code, reason, pending.proposed))

    def status(self) -> Status:
        """This node's view of itself, now."""
        raft = self.raft
        return Status(
            raft.name,
            raft.role,
            raft.current_term,
            raft.voted_for,
            raft.leader,
            raft.commit_index,
            raft.last_applied,
            raft.log.last_index,
            raft.voters,
            learners=raft.configuration.learners,
            configuration=raft.configurations[-1][0],
            services=len(self.registry.services.entities),
            instances=self.registry.size,
            configs=len(self.registry.configs.by_key),
            watches=len(self._watches),
        )

    # ---- Answers ----------------------------------------------------------------------------------------

    def _close(self, request_id: int, reply: Reply) -> None:
        del self._open[request_id]
        self._respond(request_id, reply)

    def _respond(self, request_id: int, reply: Reply) -> None:
        self.raft.outbox.effects.append(Respond(request_id, reply))

    def _take(self) -> list[Effect]:
        return self.raft.outbox.take(self.raft.voted_for, self.raft.log.last_index)
