"""What a node of Nacos says about its Raft: of JRaft a group's leader and term, of 0.8.0 all its peers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.systems.base import NodeStatus

OLD_RAFT_STOPPED = b"old raft protocol already stop"
"""What 1.4 answers about its old Raft once it has changed over to JRaft."""

OWN_RAFT_LEADER = "/nacos/v1/ns/raft/getLeader"
"""Where 0.8.0 says whom a node follows."""


class _Group(msgspec.Struct):
    leader: str | None = None
    term: int = 0
    members: list[str] = msgspec.field(name="raftGroupMember", default=[])


class _MetaData(msgspec.Struct):
    groups: dict[str, _Group] = msgspec.field(name="metaDataMap", default={})


class _Extended(msgspec.Struct):
    raft: _MetaData | None = msgspec.field(name="raftMetaData", default=None)


class _Member(msgspec.Struct):
    extended: _Extended = msgspec.field(name="extendInfo")
    state: str = ""


class _Self(msgspec.Struct):
    data: _Member


class _Peer(msgspec.Struct):
    ip: str
    """The peer's address, with its port."""
    state: str
    term: int = 0
    vote: str | None = msgspec.field(name="voteFor", default=None)


class _Peers(msgspec.Struct):
    peers: list[_Peer]


class _Leader(msgspec.Struct):
    leader: str | None = None
    """The leader as JSON in a text: a peer, or null."""


def read_jraft(body: bytes, group: str, own: str, names: Mapping[str, str]) -> NodeStatus | None:
    """The status in what a node says about itself, from 1.4 on; None if it does not name its Raft group.

    Args:
        own: the node's name.
        names: by `host:port` of the port for Raft, the names of the nodes.
    """
    try:
        member = msgspec.json.decode(body, type=_Self).data
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    raft = member.extended.raft
    state = None if raft is None else raft.groups.get(group)
    if state is None or member.state != "UP":
        return None
    leader = names.get(state.leader or "")
    members = tuple(sorted(names[at] for at in state.members if at in names))
    return NodeStatus(
        role="leader" if leader == own else "follower",
        term=state.term,
        leader=leader,
        members=members or None,
    )


def read_own_raft(
    body: bytes, own: str, names: Mapping[str, str], leader_body: bytes = b""
) -> NodeStatus | None:
    """The status in the answer of 0.8.0 to `raft/state`; None if it does not know itself.

    Its list has what the node believes of each peer. A peer that died as the leader stays there as one, in
    its old term, which may be above the term of its successor. So whom the node follows is in another answer.

    Args:
        own: the node's name.
        names: by `host:port` of the port for clients, the names of the nodes.
        leader_body: the answer to `raft/getLeader`; without it, the leader of the newest term in the list.
    """
    try:
        peers = msgspec.json.decode(body, type=_Peers).peers
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    known = {names[peer.ip]: peer for peer in peers if peer.ip in names}
    if own not in known:
        return None
    itself = known[own]
    leading = [name for name, peer in known.items() if peer.state == "LEADER"]
    if itself.state == "LEADER":
        leader: str | None = own
    elif leader_body:
        leader = _followed(leader_body, names)
    else:
        leader = max(leading, key=lambda name: known[name].term, default=None)
    return NodeStatus(
        role=itself.state.lower(), term=itself.term, leader=leader, members=tuple(sorted(known))
    )


def _followed(body: bytes, names: Mapping[str, str]) -> str | None:
    """The leader in an answer to `raft/getLeader`; None if the node has none, or it cannot be read."""
    try:
        answer = msgspec.json.decode(body, type=_Leader).leader
        peer = None if answer is None else msgspec.json.decode(answer, type=_Peer | None)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if peer is None else names.get(peer.ip)
