"""The HTTP calls of a description, as a codec: operations become requests, replies become completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

import msgspec

from harness.client.clients import fail, lost, ok, ok_read
from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.data_types import OPERATIONS, READS
from harness.errors import unknown_name
from harness.systems.described.description import CallKeys
from harness.systems.described.finding import MISSING, found_in, is_so
from harness.systems.described.texts import filled
from history import Operation

MAY_BE_NOTHING = READS | {"dequeue"}
"""The operations whose answer may be that there is nothing."""
ANSWERED = MAY_BE_NOTHING | {"generate", "echo", "txn"}
"""The operations whose result is in the answer; all but reads also change something."""
Method = Literal["GET", "POST", "PUT", "DELETE"]
METHODS = ("GET", "POST", "PUT", "DELETE")


class DescribedCodec(msgspec.Struct, frozen=True):
    """The calls of one data type."""

    calls: Mapping[str, CallKeys]

    def encode(self, operation: Operation) -> HttpRequest:
        """The request for an invocation.

        Raises:
            ValueError: the description has no call for it, or a text names what the operation lacks.
        """
        call = self.calls.get(operation.f)
        if call is None:
            raise ValueError(f"the description has no call for {operation.f}")
        values = values_of(operation)
        return request_of(call.request, filled(call.body, values), values, call.headers)

    def decode(self, operation: Operation, reply: HttpReply | NoReply) -> Operation:
        """The completion: a write that may have left, and was not understood, may have happened."""
        call = self.calls[operation.f]
        if isinstance(reply, NoReply):
            return lost(operation, reply.reason) if reply.sent else fail(operation, reply.reason)
        try:
            if operation.f in MAY_BE_NOTHING and reply.status in call.absent:
                return ok_read(operation, None)
            if reply.status in call.ok:
                return self._done(operation, call, reply.body)
            if reply.status in call.unequal:
                return ok(operation, False)
        except ValueError as error:
            return lost(operation, f"unexpected: {error}")
        why = f"status {reply.status}: {reply.body[:120].decode(errors='replace')}"
        return fail(operation, why) if reply.status in call.refused else lost(operation, why)

    def _done(self, operation: Operation, call: CallKeys, body: bytes) -> Operation:
        if operation.f in ANSWERED:
            value = found_in(body, call.value) if call.value is not None else body.decode()
            if value is MISSING and operation.f not in MAY_BE_NOTHING:
                raise ValueError(f"the answer to {operation.f} has no value: {body[:80]!r}")
            return ok_read(operation, None if value is MISSING else value)
        if call.unequal_unless is not None and not is_so(body, call.unequal_unless):
            return ok(operation, False)
        return ok(operation)


def values_of(operation: Operation) -> dict[str, str]:
    """What the texts of a call may name: `{key}`, `{value}`, `{value.0}` of a list, `{operation}`."""
    values = {"operation": str(operation.index), "process": str(operation.process)}
    if operation.key is not None:
        values["key"] = operation.key
    match operation.value:
        case list() | tuple() as parts:
            values |= {f"value.{place}": str(part) for place, part in enumerate(parts)}
        case None:
            pass
        case _:
            values["value"] = str(operation.value)
    return values


def request_of(
    text: str, body: str, values: Mapping[str, str], headers: Mapping[str, str] = {}
) -> HttpRequest:
    """The request that `METHOD /path?query` describes; values in the path and the query are quoted.

    Raises:
        ValueError: it is no such text; in words.
    """
    method, _, target = text.partition(" ")
    if method not in METHODS or not target.startswith("/"):
        raise ValueError(f"{text!r} is no request, which looks like: GET /registry/{{key}}")
    path, _, query = target.partition("?")
    quoted = {name: filled("{it|url}", {"it": value}) for name, value in values.items()}
    pairs = tuple((name, filled(value, values)) for name, value in parse_qsl(query, keep_blank_values=True))
    given: tuple[tuple[str, str], ...] = tuple(
        (name, filled(value, values)) for name, value in headers.items()
    )
    if body and "content-type" not in {name.lower() for name in headers}:
        given = (*given, ("Content-Type", "application/json" if body[0] in "{[" else "text/plain"))
    return HttpRequest(cast(Method, method), filled(path, quoted), pairs, given, body.encode())


def check_calls(data_type: str, calls: Mapping[str, CallKeys]) -> None:
    """Refuse operations that the data type does not have or that are missing, and calls whose texts cannot
    be filled in.

    Raises:
        ValueError: in words, with the operation.
    """
    sample: dict[str, Any] = dict.fromkeys(
        ("key", "value", "value.0", "value.1", "operation", "process"), "x"
    )
    known = OPERATIONS[data_type]
    for f, call in calls.items():
        if f not in known:
            raise ValueError(unknown_name("operation", f, known))
        try:
            request_of(call.request, filled(call.body, sample), sample, call.headers)
        except ValueError as error:
            raise ValueError(f"{f}: {error}") from error
    if missing := sorted(known - calls.keys()):
        raise ValueError(f"it lacks {', '.join(missing)}, which {data_type} has, too")
