"""Requests that are not answered yet: who waits here, how long, and the one answer that each of them gets.

A refusal says `proposed` unless the write certainly has no effect and never will.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from node_impl.core.events import Refused, Reply, Request, Respond
from node_impl.core.raft.member.state import RaftState
from node_impl.core.serving.waiting import Deadlines

REQUEST_TIMER = "requests"
LEADER_WAIT_TIMER = "leader-wait"


@dataclass(slots=True)
class OpenRequest:
    """A client's request that is not answered."""

    request_id: int
    request: Request
    proposed: bool = False
    """Whether it was appended or forwarded, so that this node can no longer prevent its effect."""


class OpenRequests:
    """The clients that wait for this node."""

    __slots__ = ("_leader_deadlines", "_leaderless", "_open", "_request_deadlines", "_state")

    def __init__(self, state: RaftState) -> None:
        config = state.config
        self._state = state
        self._open: dict[int, OpenRequest] = {}
        self._request_deadlines = Deadlines(REQUEST_TIMER, config.request_timeout_ns)
        self._leaderless: dict[int, OpenRequest] = {}
        """Requests that wait for a leader to become known."""
        self._leader_deadlines = Deadlines(LEADER_WAIT_TIMER, config.leader_wait_ns)

    def __len__(self) -> int:
        return len(self._open)

    # ---- The rules --------------------------------------------------------------------------------------

    def may_repeat(self, request: Request) -> bool:
        """A write may be sent again after a loss only if its copies are applied once (thesis, 6.3)."""
        return request.session is not None

    # ---- Waiting ----------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the bound on waiting requests is reached."""
        return len(self._open) >= self._state.config.max_pending

    def open(self, request_id: int, request: Request) -> OpenRequest:
        """A client asks; it is refused if it has no answer within the request time-out."""
        opened = self._open[request_id] = OpenRequest(request_id, request)
        self._request_deadlines.add(request_id, self._state.now, self._state.outbox.effects)
        return opened

    def get(self, request_id: int) -> OpenRequest | None:
        """The request of that id, while it is open."""
        return self._open.get(request_id)

    def still_open(self, request_ids: Iterable[int]) -> list[OpenRequest]:
        """Those of these requests that are open."""
        found = self._open
        return [found[request_id] for request_id in request_ids if request_id in found]

    def await_leader(self, request: OpenRequest) -> None:
        """Hold a request until another leader is known, or for a bounded time."""
        self._leaderless[request.request_id] = request
        self._leader_deadlines.add(request.request_id, self._state.now, self._state.outbox.effects)

    def take_leaderless(self) -> list[OpenRequest]:
        """The requests that waited for a leader; they wait here no longer."""
        leaderless, self._leaderless = self._leaderless, {}
        return list(leaderless.values())

    def request_timer_fired(self) -> None:
        """Refuse what has waited for the request time-out."""
        state = self._state
        for request_id in self._request_deadlines.due(state.now, self._open, state.outbox.effects):
            self._expire(request_id, "timeout", state.config.request_timeout_ns)

    def leader_wait_timer_fired(self) -> None:
        """Refuse what has waited for a leader as long as it may."""
        state = self._state
        for request_id in self._leader_deadlines.due(state.now, self._leaderless, state.outbox.effects):
            self._expire(request_id, "no-leader", state.config.leader_wait_ns)

    def _expire(self, request_id: int, code: Literal["timeout", "no-leader"], after_ns: int) -> None:
        expired = self._open[request_id]
        is_leaderless = self._leaderless.pop(request_id, None) is not None
        reason = "no leader is known" if is_leaderless else "no majority answered"
        reason = f"{reason} within {after_ns / 1e6:.0f} ms"
        self.close(request_id, Refused(code, reason, expired.proposed))

    # ---- Answers ----------------------------------------------------------------------------------------

    def close(self, request_id: int, reply: Reply) -> None:
        """Answer an open request, which thereby ends."""
        del self._open[request_id]
        self.respond(request_id, reply)

    def release(self, request_id: int) -> None:
        """The request does not wait here any more, and has another way to its answer."""
        del self._open[request_id]

    def respond(self, request_id: int, reply: Reply) -> None:
        """Answer a request that does not wait here."""
        self._state.outbox.effects.append(Respond(request_id, reply))

    def stop(self, reason: str) -> None:
        """The node is stopping: refuse all that wait."""
        for request in tuple(self._open.values()):
            self.close(request.request_id, Refused("lost-leadership", reason, request.proposed))
