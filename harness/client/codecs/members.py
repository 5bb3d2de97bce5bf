"""The registry's operations, and `members`: which nodes a node counts as the cluster's members."""

from __future__ import annotations

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import ended, not_understood, refused, without_reply
from harness.client.codecs.registry import RegistryCodec
from history import Operation

MEMBERS = "members"


class _View(msgspec.Struct):
    """The fields of a node's status that a view keeps, by the names that the history has."""

    role: str
    term: int
    leader: str | None
    commit: int
    applied: int
    configuration: int
    members: tuple[str, ...]
    learners: tuple[str, ...]


class MembersCodec:
    """The operation members, and all operations of the registry's codec."""

    def __init__(self) -> None:
        self._registry = RegistryCodec()

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the operation is neither `members` nor the registry's; a workload's defect.
        """
        if operation.f == MEMBERS:
            return HttpRequest("GET", "/v1/admin/status")
        return self._registry.encode(operation)

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion; a view that cannot be read has failed."""
        if operation.f != MEMBERS:
            return self._registry.decode(operation, reply)
        if isinstance(reply, NoReply):
            return without_reply(operation, reply, is_write=False)
        try:
            if reply.status != 200:
                return refused(operation, reply, is_write=False)
            view = msgspec.json.decode(reply.body, type=_View)
        except (msgspec.DecodeError, UnicodeDecodeError) as damage:
            return not_understood(operation, reply, damage, is_write=False)
        return ended(operation, "ok", value=msgspec.to_builtins(view))
