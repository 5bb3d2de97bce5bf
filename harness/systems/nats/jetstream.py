"""JetStream, as far as clients here need it: one stream, its messages, conditional publishing, and consumers.

The connection is that of `nats-py`, to one server alone, without reconnecting; requests and replies are those
of the JetStream API (docs.nats.io, "JetStream wire API").
"""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec

from history.units import SECOND_NS

EXPECTED_LAST = "Nats-Expected-Last-Subject-Sequence"
OPERATION = "KV-Operation"
NOT_FOUND, ALREADY_IN_USE = (10037, 10059), 10058
WRONG_LAST_SEQUENCE = (10071, 10164)
_API = "$JS.API"
ACK = b"+ACK"
NO_MESSAGES = ("404", "408")
"""The statuses of an answer without a message: there is none, and none came in time."""

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


class Taken(msgspec.Struct, frozen=True):
    """A message that a consumer gave out, and will give out again unless it is acknowledged in time."""

    data: str
    reply: str
    """The subject of its acknowledgement."""


class Bucket(msgspec.Struct, frozen=True):
    """A stream: its name, the subject of a key, and which messages are kept."""

    name: str
    prefix: str
    kept_of_a_subject: int
    """-1 for all."""
    retention: Literal["limits", "workqueue"] = "limits"
    """With `workqueue`, a message is kept until a consumer's client has acknowledged it."""

    def subject(self, key: str) -> str:
        """The subject of a key."""
        return f"{self.prefix}.{key}"

    def settings(self, replicas: int, allow_direct: bool) -> bytes:
        """The request that makes the stream."""
        return msgspec.json.encode(
            {
                "name": self.name,
                "subjects": [f"{self.prefix}.>"],
                "retention": self.retention,
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

    async def holds_any(self, key: str) -> bool:
        """Whether the leader has a message of a key, also one that is given out and not acknowledged."""
        return await self._message({"next_by_subj": self._bucket.subject(key), "seq": 1}) is not None

    async def consume(self, key: str, again_after_s: float) -> None:
        """Make the consumer of a key, if it is not there.

        Args:
            again_after_s: when a message that was not acknowledged is given out again (`ack_wait`).
        """
        name = self._bucket.name
        settings = {
            "durable_name": key,
            "ack_policy": "explicit",
            "ack_wait": round(again_after_s * SECOND_NS),
            "deliver_policy": "all",
            "filter_subject": self._bucket.subject(key),
        }
        body = msgspec.json.encode({"stream_name": name, "config": settings})
        await self._ask(f"{_API}.CONSUMER.DURABLE.CREATE.{name}.{key}", body)

    async def take(self, key: str) -> Taken | None:
        """The next message of a key's consumer; None if there is none.

        Raises:
            NoLeader, Exception: no answer; a message that was on its way will be given out again.
        """
        subject = f"{_API}.CONSUMER.MSG.NEXT.{self._bucket.name}.{key}"
        body = msgspec.json.encode({"batch": 1, "no_wait": True})
        # A message comes under its own subject, so the answer needs a subscription of its own.
        reply = await self._request(subject, body, old_style=True)
        status = (reply.headers or {}).get("Status")
        if status in NO_MESSAGES:
            return None
        if status is not None or not reply.reply:
            raise ValueError(f"no message: {dict(reply.headers or {})}")
        return Taken(reply.data.decode(), reply.reply)

    async def acknowledge(self, taken: Taken) -> None:
        """Acknowledge a message, and wait for the confirmation.

        Raises:
            Exception: there is none.
        """
        await self._request(taken.reply, ACK)

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
        reply = await self._request(subject, body, headers=headers)
        answer = msgspec.json.decode(reply.data)
        if "error" in answer:
            refusal = answer["error"]
            raise Rejected(refusal.get("err_code", refusal["code"]), refusal.get("description", ""))
        return answer

    async def _request(self, subject: str, body: bytes, **named: Any) -> Any:
        """Send a request; the reply.

        Raises:
            NoLeader: no server listens.
            Exception: no reply.
        """
        from nats.errors import NoRespondersError

        try:
            return await self._connection.request(subject, body, timeout=self._timeout_s, **named)
        except NoRespondersError as error:
            raise NoLeader(f"no server answers {subject}") from error


async def _ignore(_error: Exception) -> None:
    """Errors of the connection show in the requests that they end."""
