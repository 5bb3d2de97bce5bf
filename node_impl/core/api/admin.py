"""Membership and leadership over HTTP; only the leader carries these out, any other node names the leader."""

from __future__ import annotations

from typing import Any

from node_impl.core.api.parameters import Parameters, checked_name
from node_impl.core.api.replies import NodeReply, json_reply
from node_impl.core.requests import AddLearner, Promote, Remove, TransferLeadership

MEMBERS = "/v1/admin/members"
LEADER = "/v1/admin/leader"


def parse_add(given: Parameters) -> AddLearner:
    """POST: the node named by `node` joins as a learner."""
    return AddLearner(_node(given, "node"))


def parse_promote(given: Parameters) -> Promote:
    """PUT: the learner named by `node` votes from now on."""
    return Promote(_node(given, "node"))


def parse_remove(given: Parameters) -> Remove:
    """DELETE: the node named by `node` leaves the cluster."""
    return Remove(_node(given, "node"))


def parse_transfer(given: Parameters) -> TransferLeadership:
    """PUT: the node named by `to` leads in the leader's place."""
    return TransferLeadership(_node(given, "to"))


def render_done(_: Any, raft_index: int, __: Any) -> NodeReply:
    """Answer with the index at which the change took effect."""
    return json_reply({"done": True}, raft_index)


def _node(given: Parameters, parameter: str) -> str:
    return checked_name(parameter, given.required(parameter))
