"""Membership and leadership over HTTP; the leader alone carries these out, any other node names it."""

from __future__ import annotations

from typing import Any

from node_impl.core.api.parameters import Parameters, checked_name
from node_impl.core.api.replies import HttpReply, json_reply
from node_impl.core.requests import AddLearner, Promote, Remove, TransferLeadership

MEMBERS = "/v1/admin/members"
LEADER = "/v1/admin/leader"


def parse_add(given: Parameters) -> AddLearner:
    """POST: `node` joins as a learner."""
    return AddLearner(_node(given, "node"))


def parse_promote(given: Parameters) -> Promote:
    """PUT: learner `node` votes from now on."""
    return Promote(_node(given, "node"))


def parse_remove(given: Parameters) -> Remove:
    """DELETE: `node` leaves the cluster."""
    return Remove(_node(given, "node"))


def parse_transfer(given: Parameters) -> TransferLeadership:
    """PUT: `to` leads in the leader's place."""
    return TransferLeadership(_node(given, "to"))


def render_done(_: Any, raft_index: int, __: Any) -> HttpReply:
    """The index at which it took effect."""
    return json_reply({"done": True}, raft_index)


def _node(given: Parameters, parameter: str) -> str:
    return checked_name(parameter, given.required(parameter))
