"""Sessions of clients: when each begins, and what follows if a node has forgotten it."""

from __future__ import annotations

import json

from harness.client.codecs.base import HttpReply
from harness.client.codecs.registry import RegistryCodec
from harness.client.codecs.sessions import InSessions
from history import Operation

KEY = "svc-1/10.0.0.1:80"


def write(process: int, index: int = 7) -> Operation:
    return Operation(index=index, time=1, process=process, type="invoke", f="deregister", key=KEY)


def headers(codec: InSessions, operation: Operation) -> dict[str, str]:
    return dict(codec.encode(operation).headers)


def answered(codec: InSessions, process: int, raft_index: int) -> None:
    codec.decode(write(process), HttpReply(200, {"x-raft-index": str(raft_index)}, b"ok"))


def test_a_process_keeps_the_session_that_it_began_with_the_newest_index_that_any_client_saw() -> None:
    codec = InSessions(RegistryCodec(), threads=4)
    assert headers(codec, write(0))["X-Client-Id"] == "p0"
    answered(codec, 0, 12)
    assert headers(codec, write(1))["X-Client-Id"] == "p1@12"
    answered(codec, 1, 30)
    assert headers(codec, write(1))["X-Client-Id"] == "p1@12"
    assert headers(codec, write(0))["X-Client-Id"] == "p0"


def test_an_expired_session_leaves_the_outcome_open_and_the_next_process_begins_behind_it() -> None:
    codec = InSessions(RegistryCodec(), threads=4)
    headers(codec, write(1))
    reason = "client p1 is not known any more, so its write may have been applied already; "
    body = {"error": "session-expired", "reason": f"{reason}begin a new session, as p1@45", "proposed": True}
    completion = codec.decode(write(1), HttpReply(410, {}, json.dumps(body).encode()))
    assert completion.type == "info"
    assert str(completion.error).startswith("session-expired: ")
    assert headers(codec, write(5))["X-Client-Id"] == "p5@45"


def test_the_first_threads_write_plainly_and_keep_their_operation_ids() -> None:
    codec = InSessions(RegistryCodec(), threads=4, plain=1)
    assert headers(codec, write(4)) == {"X-Operation-Id": "7"}
    assert headers(codec, write(5))["X-Client-Sequence"] == "7"
