"""Changes of the members and transfers of leadership: what to propose, or why not. Pure."""

from __future__ import annotations

from node_impl.core.events import Configuration
from node_impl.core.raft.membership import changed
from node_impl.core.raft.raft import Raft
from node_impl.core.requests import AddLearner, AdminBody, Promote, Refused, TransferLeadership


def plan(raft: Raft, body: AdminBody) -> Configuration | Refused | None:
    """The configuration to propose; None: leadership may be handed over; or a refusal, without effect."""
    if raft.state.role != "leader":
        return Refused("not-leader", f"{raft.state.leader} leads; ask it", proposed=False)
    if isinstance(body, TransferLeadership):
        return _refusal_of_transfer(raft, body.to)
    if isinstance(body, AddLearner) and body.node not in raft.state.known:
        return _bad(f"{body.node} cannot be reached: no --peer of {raft.state.name} names it")
    configuration = changed(raft.state.configuration, body)
    if isinstance(configuration, str):
        return _bad(configuration)
    if not raft.membership.leader_may_change_members():
        return _later(f"{raft.state.name} has committed nothing in its term yet")
    if not raft.membership.change_before_is_committed():
        return _later("the change before is not committed yet")
    if isinstance(body, Promote) and not raft.membership.is_caught_up(body.node):
        return _later(f"learner {body.node} has not caught up yet")
    return configuration


def _refusal_of_transfer(raft: Raft, successor: str) -> Refused | None:
    if successor not in raft.membership.voters:
        return _bad(f"{successor} is no voter; those are {', '.join(raft.membership.voters)}")
    if successor == raft.state.name:
        return _bad(f"{successor} leads already")
    if raft.followers.by_name[successor].match_index < raft.state.log.last_index:
        return _later(f"{successor} does not hold the whole log yet")
    return None


def _bad(reason: str) -> Refused:
    return Refused("bad-request", reason, proposed=False)


def _later(reason: str) -> Refused:
    return Refused("conflict", f"{reason}; ask again in a moment", proposed=False)
