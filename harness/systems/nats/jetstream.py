"""JetStream, as far as clients here need it: one stream, its messages, and conditional publishing.

The connection is that of `nats-py`, to one server alone, without reconnecting; requests and replies are those
of the JetStream API (docs.nats.io, "JetStream wire API").
"""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

EXPECTED_LAST = "Nats-Expected-Last-Subject-Sequence"
OPERATION = "KV-Operation"
NOT_FOUND, ALREADY_IN_USE = (10037, 10059), 10058
WRONG_LAST_SEQUENCE = (10071, 10164)
_API = "$JS.API"

Reads = Literal["confirmed", "leader", "direct"]


class Rejected(Exception):
    """The leader of the stream refused a request; nothing was stored."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


class NoLeader(Exception):
    """No server listens for the request: the server that was asked knows no leader of the stream."""


class Stored(msgspec.Struct, frozen=True):
    """A message of the stream."""

    sequence: int
    data: str | None
    """None for a marker: the message that says that there is nothing."""


class Bucket(msgspec.Struct, frozen=True):
    """A stream: its name, the subject of a key, and how many messages of a subject are kept."""

    name: str
    prefix: str
    kept_of_a_subject: int
    """-1 for all."""

    def subject(self, key: str) -> str:
        """The subject of a key."""
        return f"{self.prefix}.{key}"

    def settings(self, replicas: int, allow_direct: bool) -> bytes:
        """The request that makes the stream."""
        return msgspec.json.encode(
            {
                "name": self.name,
                "subjects": [f"{self.prefix}.>"],
                "retention": "limits",
                "storage": "file",
                "num_replicas": replicas,
                "max_msgs_per_subject": self.kept_of_a_subject,
                "max_consumers": -1,
                "max_msgs": -1,
                "max_bytes": -1,
                "discard": "new" if self.kept_of_a_subject == 1 else "old",
                "duplicate_window": 120_000_000_000,
                "allow_direct": allow_direct,
            }
        )


class JetStream:
    """A connection to one server, for one stream.

    Args:
        timeout_s: how long one request may take.
        direct: whether messages are read from any replica of the stream, not from its leader.
    """

    def __init__(self, bucket: Bucket, timeout_s: float, direct: bool) -> None:
        self._bucket = bucket
        self._timeout_s = timeout_s
        self._direct = direct
        self._connection: Any = None

    async def open(self, address: str, replicas: int) -> None:
        """Connect, and make the stream if it is not there.

        Raises:
            ImportError: the package is not installed; in words.
            Exception: no connection, or no server that makes a stream.
        """
        try:
            import nats
        except ImportError as error:
            raise ImportError(f"{error}: pip install 'ackproof[nats]'") from error
        self._connection = await nats.connect(
            f"nats://{address}",
            allow_reconnect=False,
            connect_timeout=self._timeout_s,
            max_reconnect_attempts=0,
            error_cb=_ignore,
        )
        name = self._bucket.name
        try:
            await self._ask(f"{_API}.STREAM.INFO.{name}", b"")
        except Rejected as refusal:
            if refusal.code not in NOT_FOUND:
                raise
            settings = self._bucket.settings(replicas, self._direct)
            try:
                await self._ask(f"{_API}.STREAM.CREATE.{name}", settings)
            except Rejected as refused:
                if refused.code != ALREADY_IN_USE:
                    raise

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, key: str, data: str | None, *, last: int | None = None) -> int:
        """Publish a value, or None as a marker; the sequence number that the leader acknowledged.

        Args:
            last: the sequence number that the last message of the key must have, 0 for none; else it is
                rejected. None publishes in any case.

        Raises:
            Rejected, NoLeader: it was not stored.
            Exception: it may have been stored.
        """
        headers = {}
        if last is not None:
            headers[EXPECTED_LAST] = str(last)
        if data is None:
            headers[OPERATION] = "DEL"
        answer = await self._ask(self._bucket.subject(key), (data or "").encode(), headers or None)
        return int(answer["seq"])

    async def last(self, key: str) -> Stored:
        """The last message of a key; sequence number 0 if there is none."""
        return await self._message({"last_by_subj": self._bucket.subject(key)}) or Stored(0, None)

    async def all(self, key: str) -> list[Stored]:
        """All messages of a key, in order, read one by one."""
        found: list[Stored] = []
        while True:
            after = found[-1].sequence + 1 if found else 1
            stored = await self._message({"next_by_subj": self._bucket.subject(key), "seq": after})
            if stored is None:
                return found
            found.append(stored)

    async def _message(self, wanted: dict[str, Any]) -> Stored | None:
        body = msgspec.json.encode(wanted)
        if self._direct:
            return await self._direct_message(body)
        try:
            answer = await self._ask(f"{_API}.STREAM.MSG.GET.{self._bucket.name}", body)
        except Rejected as refusal:
            if refusal.code in NOT_FOUND:
                return None
            raise
        message = answer["message"]
        marked = b"KV-Operation: DEL" in base64.b64decode(message.get("hdrs", ""))
        data = base64.b64decode(message.get("data", "")).decode()
        return Stored(message["seq"], None if marked else data)

    async def _direct_message(self, body: bytes) -> Stored | None:
        reply = await self._connection.request(
            f"{_API}.DIRECT.GET.{self._bucket.name}", body, timeout=self._timeout_s
        )
        headers = reply.headers or {}
        if headers.get("Status") == "404":
            return None
        if "Nats-Sequence" not in headers:
            raise ValueError(f"no message: {dict(headers)}")
        marked = headers.get(OPERATION) == "DEL"
        return Stored(int(headers["Nats-Sequence"]), None if marked else reply.data.decode())

    async def _ask(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
        """Send a request; what the reply holds.

        Raises:
            Rejected: the reply is an error.
            NoLeader: no server listens.
            Exception: no reply.
        """
        from nats.errors import NoRespondersError

        try:
            reply = await self._connection.request(subject, body, timeout=self._timeout_s, headers=headers)
        except NoRespondersError as error:
            raise NoLeader(f"no server answers {subject}") from error
        answer = msgspec.json.decode(reply.data)
        if "error" in answer:
            refusal = answer["error"]
            raise Rejected(refusal.get("err_code", refusal["code"]), refusal.get("description", ""))
        return answer


async def _ignore(_error: Exception) -> None:
    """Errors of the connection show in the requests that they end."""
