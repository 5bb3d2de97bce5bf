"""What clients ask of a Maelstrom node, by workload, and what its answers mean.

Keys and values are whole numbers on the wire, since many nodes expect them; the history has keys as texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.client.clients import NotDone, Site, fail, lost, ok, ok_read
from history import Operation

DEFINITE = frozenset({1, 10, 11, 12, 14, 20, 21, 22, 30})
"""The errors after which an operation certainly did not happen (Maelstrom's protocol.md)."""
NO_KEY, PRECONDITION = 20, 22
CONNECT_S = 0.5
LONGEST_ANSWER = 64 * 1024 * 1024

Asking = Callable[[Operation], dict[str, Any]]
Reading = Callable[[Operation, Mapping[str, Any]], Operation]


class Refused(ValueError):
    """An answer that Maelstrom's documentation does not have."""


def part(answer: Mapping[str, Any], name: str) -> Any:
    """What an answer must have.

    Raises:
        Refused: it does not.
    """
    if name not in answer:
        raise Refused(f"unexpected: {answer.get('type')!r} has no {name!r}")
    return answer[name]


def as_asked(operation: Operation, answer: Mapping[str, Any]) -> Operation:
    """The completion of an operation whose answer says only that it happened."""
    del answer
    return ok(operation)


def key_value_request(operation: Operation) -> dict[str, Any]:
    """The request of a read, write or cas."""
    key = number(operation.key)
    match operation.f, operation.value:
        case "read", _:
            return {"type": "read", "key": key}
        case "write", int() as value:
            return {"type": "write", "key": key, "value": value}
        case "cas", [int() as old, int() as new]:
            return {"type": "cas", "key": key, "from": old, "to": new}
    raise ValueError(f"Maelstrom has no {operation.f!r} of {operation.value!r}")


def key_value_completion(operation: Operation, answer: Mapping[str, Any]) -> Operation:
    """The completion of one that was answered."""
    return ok_read(operation, part(answer, "value")) if operation.f == "read" else ok(operation)


def transaction_request(operation: Operation) -> dict[str, Any]:
    """The request of a transaction."""
    return {"type": "txn", "txn": [[f, number(key), value] for f, key, value in operation.value]}


def transaction_completion(operation: Operation, answer: Mapping[str, Any]) -> Operation:
    """The same steps, with what they read.

    Raises:
        Refused: the answer has other steps than the request.
    """
    steps = part(answer, "txn")
    asked = operation.value
    fits = isinstance(steps, list) and len(steps) == len(asked)
    if not fits or any(not isinstance(step, list) or len(step) != 3 for step in steps):
        raise Refused(f"unexpected: {len(asked)} steps were answered with {str(steps)[:200]}")
    for (f, key, value), (f_done, key_done, value_done) in zip(asked, steps, strict=True):
        if f != f_done or number(key) != key_done or (f != "r" and value != value_done):
            raise Refused(
                f"unexpected: step {[f, number(key), value]} became {[f_done, key_done, value_done]}"
            )
    done = [[f, key, step[2]] for (f, key, _), step in zip(asked, steps, strict=True)]
    return ok(operation, done)


def number(key: Any) -> int:
    """The key of a workload as a whole number: `list-3` is 3, and `list-try-3` another number."""
    name, _, digits = str(key).rpartition("-")
    return int(digits) + (1_000_000 if name.endswith("-try") else 0)


def _reading(name: str) -> Reading:
    def read(operation: Operation, answer: Mapping[str, Any]) -> Operation:
        return ok_read(operation, part(answer, name)) if operation.f == "read" else ok(operation)

    return read


def _adding(type_: str, name: str) -> Asking:
    def ask(operation: Operation) -> dict[str, Any]:
        return {"type": "read"} if operation.f == "read" else {"type": type_, name: operation.value}

    return ask


CALLS: Mapping[str, tuple[Asking, Reading]] = {
    "echo": (
        lambda operation: {"type": "echo", "echo": operation.value},
        lambda operation, answer: ok_read(operation, part(answer, "echo")),
    ),
    "unique-ids": (
        lambda _: {"type": "generate"},
        lambda operation, answer: ok_read(operation, part(answer, "id")),
    ),
    "broadcast": (_adding("broadcast", "message"), _reading("messages")),
    "g-set": (_adding("add", "element"), _reading("value")),
    "g-counter": (_adding("add", "delta"), _reading("value")),
    "pn-counter": (_adding("add", "delta"), _reading("value")),
    "lin-kv": (key_value_request, key_value_completion),
    "lin-mutex": (lambda operation: {"type": operation.f}, as_asked),
    "txn-list-append": (transaction_request, transaction_completion),
    "txn-rw-register": (transaction_request, transaction_completion),
}
"""By Maelstrom's name of the workload, what makes a request, and what reads its answer."""


class Caller:
    """A client of one node, over its carrier.

    Another node may answer than the one that was asked, since a node may pass a client's request on, under
    the client's name. So the client listens at the carriers of all nodes.
    """

    def __init__(self, site: Site, workload: str) -> None:
        self._site = site
        self._asking, self._reading = CALLS[workload]
        # Each client has a name of its own: answers are known by the name and the number of the request.
        nodes = list(site.members)
        self.name = f"c{site.process * len(nodes) + nodes.index(site.node) + 1}"
        self._sent = 0
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._answers: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._listening: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Connect to the node's carrier; those of other nodes may be down.

        Raises:
            OSError: the node's own carrier cannot be reached.
        """
        await self._connect(self._site.node)
        await self._connect_to_others()

    async def _connect_to_others(self) -> None:
        absent = [node for node in self._site.members if node not in self._writers]
        async with asyncio.timeout(CONNECT_S):
            await asyncio.gather(*map(self._connect, absent), return_exceptions=True)

    async def _connect(self, node: str) -> None:
        host, _, port = self._site.at(node=node).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=LONGEST_ANSWER)
        writer.write(msgspec.json.encode({"hello": self.name}) + b"\n")
        self._writers[node] = writer
        self._listening[node] = asyncio.create_task(self._listen(node, reader))

    async def _listen(self, node: str, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._answers.put_nowait(msgspec.json.decode(line)["body"])
        except (OSError, ValueError):
            pass  # the carrier has ended
        self._writers.pop(node).close()
        if node == self._site.node:
            self._answers.put_nowait(None)

    async def perform(self, operation: Operation) -> Operation:
        """Send one request, and wait for its answer."""
        try:
            async with asyncio.timeout(self._site.timeout_s):
                if len(self._writers) < len(self._site.members):
                    await self._connect_to_others()
                answer = await self._asked(self._asking(operation))
        except TimeoutError:
            return lost(operation, "no answer in time")
        if answer is None:
            return lost(operation, "the connection was closed")
        try:
            return completed(operation, answer, self._reading)
        except Refused as error:
            return lost(operation, str(error))

    async def _asked(self, body: dict[str, Any]) -> Mapping[str, Any] | None:
        """The body of the answer to a request; None if the node has ended."""
        self._sent += 1
        message = {"src": self.name, "dest": self._site.node, "body": {**body, "msg_id": self._sent}}
        writer = self._writers.get(self._site.node)
        if writer is None:
            raise NotDone("the node has ended")
        writer.write(msgspec.json.encode(message) + b"\n")
        while (answer := await self._answers.get()) is not None:
            if answer.get("in_reply_to") == self._sent:
                return answer
        return None

    async def close(self) -> None:
        """Let go of the connections."""
        for task in self._listening.values():
            task.cancel()
        for writer in self._writers.values():
            writer.close()


def completed(operation: Operation, answer: Mapping[str, Any], reading: Reading) -> Operation:
    """The completion of an operation that got this answer.

    Raises:
        Refused: the documentation does not have such an answer.
    """
    if answer.get("type") != "error":
        return reading(operation, answer)
    code, text = answer.get("code"), str(answer.get("text") or "no reason given")[:200]
    if operation.f == "cas" and code in (NO_KEY, PRECONDITION):
        return ok_read(operation, False)
    if operation.f == "read" and operation.key is not None and code == NO_KEY:
        return ok_read(operation, None)
    why = f"error {code}: {text}"
    return fail(operation, why) if code in DEFINITE else lost(operation, why)
