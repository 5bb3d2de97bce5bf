"""What the clients of a run remember, each its session and all the newest index: a codec around a codec.

A node forgets clients beyond a bound of its own, and refuses a forgotten one as `session-expired`. A client
id that ends in `@index` says since when the client has been there, so that the node can tell a new client
from a forgotten one (docs/node.md). So each process begins its session at its first write, with the highest
Raft index that any client has seen in a reply. A write that is refused as expired may have taken effect
before: it is `info`, its process is over, and the next one begins a session behind the index in the refusal.

Some clients write plainly, without a session: a node may not repeat their writes by itself.

A subscription asks for what changes after the highest Raft index that any client has seen.
"""

from __future__ import annotations

import re

import msgspec

from harness.client.codecs.base import Codec, HttpReply, HttpRequest, NoReply
from harness.client.codecs.node_replies import CLIENT_ID, CLIENT_SEQUENCE, NEWEST_INDEX, SESSION_EXPIRED
from history import Operation

_NEW_SESSION = re.compile(rf"{SESSION_EXPIRED}: .* begin a new session, as \S*@([0-9]{{1,18}})")


class InSessions:
    """Encodes and decodes as `codec`; puts a session's id, or the newest index, into each request that is to
    have one. There is one for each run.

    Args:
        codec: of any system; requests without a client id are left as they are.
        threads: how many clients there are; process p is run by thread p modulo this.
        plain: how many of the threads, from the first one on, write without a session.
    """

    def __init__(self, codec: Codec, threads: int, plain: int = 0) -> None:
        self._codec = codec
        self._threads = threads
        self._plain = plain
        self._seen = 0
        """The highest Raft index in any reply."""
        self._births: dict[int, int] = {}
        """By process that has written, the index with which its session began."""

    def encode(self, operation: Operation) -> HttpRequest:
        """The request, in its process's session, or without one."""
        request = self._codec.encode(operation)
        if NEWEST_INDEX in request.query:
            query = tuple(
                (NEWEST_INDEX[0], str(self._seen)) if one == NEWEST_INDEX else one for one in request.query
            )
            return msgspec.structs.replace(request, query=query)
        name, thread = dict(request.headers).get(CLIENT_ID), operation.process % self._threads
        if name is None:
            return request
        if thread < self._plain:
            headers = tuple(one for one in request.headers if one[0] not in (CLIENT_ID, CLIENT_SEQUENCE))
            return msgspec.structs.replace(request, headers=headers)
        if request.method == "GET":
            return request
        birth = self._births.setdefault(operation.process, self._seen)
        if not birth:
            return request
        headers = tuple(
            (key, f"{name}@{birth}" if key == CLIENT_ID else value) for key, value in request.headers
        )
        return msgspec.structs.replace(request, headers=headers)

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion, as the codec has it."""
        completion = self._codec.decode(operation, reply)
        self._seen = max(self._seen, completion.raft_index or 0)
        expired = _NEW_SESSION.match(completion.error or "")
        if expired is not None:
            self._seen = max(self._seen, int(expired[1]))
        return completion
