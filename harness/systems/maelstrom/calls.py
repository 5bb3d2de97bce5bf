"""What clients ask of a Maelstrom node, by workload, and what its answers mean.

Keys and values are whole numbers on the wire, since many nodes expect them; the history has keys as texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from harness.client.clients import Site, fail, lost, ok, ok_read
from harness.systems.maelstrom.line import Closed, Line
from history import Operation

DEFINITE = frozenset({1, 10, 11, 12, 14, 20, 21, 22, 30})
"""The errors after which an operation certainly did not happen (Maelstrom's protocol.md)."""
NO_KEY, PRECONDITION = 20, 22

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
    """A client of one node, for a workload each of whose operations is one request."""

    def __init__(self, site: Site, workload: str) -> None:
        self._site = site
        self._asking, self._reading = CALLS[workload]
        self._line = Line(site)

    async def open(self) -> None:
        """Connect to the node.

        Raises:
            OSError: it cannot be reached.
        """
        await self._line.open()

    async def perform(self, operation: Operation) -> Operation:
        """Send one request, and wait for its answer."""
        return await answered(operation, self._site.timeout_s, self._asked(operation))

    async def _asked(self, operation: Operation) -> Operation:
        return completed(operation, await self._line.ask(self._asking(operation)), self._reading)

    async def close(self) -> None:
        """Let go of the connections."""
        self._line.close()


async def answered(operation: Operation, timeout_s: float, asked: Awaitable[Operation]) -> Operation:
    """The completion of an operation, once all that it asks is answered, or its time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asked
    except TimeoutError:
        return lost(operation, "no answer in time")
    except Closed:
        return lost(operation, "the connection was closed")
    except Refused as error:
        return lost(operation, str(error))


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
