"""What a client program sends to `ackproof record`, and what it is answered (version 1; docs/record.md).

A request is one JSON object. Each gets one answer: `{"ok": true, ...}`, or a refusal that names the field and
what to do. A refused request changes nothing. Anybody may have written a request, so sizes are bounded.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from history.files import UNREADABLE, brief, is_too_deep
from history.formats.events import key_text
from history.formats.json_events import canonical
from history.limits import MOST_DEPTH

PROTOCOL: Final = 1
MOST_REQUEST_BYTES: Final = 1 << 20
"""One request: the body of an HTTP request, or one line."""
LARGEST_PROCESS: Final = (1 << 53) - 1
"""The largest whole number that every language's JSON keeps exactly."""
LONGEST_NAME: Final = 200
"""Characters of an operation's name, or of a node's."""
LONGEST_KEY: Final = 10_000
"""Characters of a key."""
ABSENT: Final = msgspec.Raw(b"")
"""A value that the request does not name, which differs from null."""
NULL: Final = "null"


class Refusal(Exception):
    """A request is not accepted.

    Args:
        status: the status of the HTTP answer.
        code: one word for programs.
        text: one sentence for people: what is wrong, and what to do.
        field: the field of the request that is wrong; None if none is.
        operation: the operation that stands in the way; None if none does.
    """

    def __init__(
        self, status: int, code: str, text: str, field: str | None = None, operation: int | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.field = field
        self.operation = operation

    @property
    def answer(self) -> Refused:
        """The answer to the request."""
        return Refused(str(self), self.code, self.field, self.operation)


class Refused(msgspec.Struct, frozen=True):
    """The answer to a request that was refused."""

    error: str
    code: str
    field: str | None = None
    operation: int | None = None
    ok: bool = False


class Stored(msgspec.Struct, frozen=True):
    """The answer to an invocation or a completion whose line the kernel has."""

    operation: int
    """The number of the operation: the index of its invocation in the history."""
    process: int
    """The process under which the history has it."""
    ok: bool = True


class Ended(msgspec.Struct, frozen=True):
    """The answer to `end`: the recording is complete."""

    folder: str
    events: int
    """Invocations and completions in the history."""
    not_completed: int
    """Operations that never completed; the history has them as `info`."""
    ok: bool = True


class Status(msgspec.Struct, frozen=True):
    """The answer to `status`."""

    protocol: int
    folder: str
    events: int
    pending: tuple[int, ...]
    """The operations that are not completed, the oldest first; some dozens at most."""
    pending_count: int
    ended: bool
    ok: bool = True


class Invoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation is about to begin: its request to the system is sent after the answer to this."""

    process: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_PROCESS)]
    """The number of the client's thread."""
    f: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    key: Annotated[int, msgspec.Meta(ge=-LARGEST_PROCESS, le=LARGEST_PROCESS)] | (
        Annotated[str, msgspec.Meta(max_length=LONGEST_KEY)] | None
    ) = None
    value: msgspec.Raw = ABSENT
    node: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] | None = None
    """The node to which the request goes, if the client knows."""

    def key_in_history(self) -> str | None:
        """The key as a history has it: 5 and "5" are two keys."""
        return key_text(self.key)


class Complete(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an operation ended; reported after its reply came."""

    type: Literal["ok", "fail", "info"]
    operation: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_PROCESS)] | None = None
    process: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_PROCESS)] | None = None
    """Instead of the operation's number, the thread that has it pending."""
    value: msgspec.Raw = ABSENT
    error: Annotated[str, msgspec.Meta(max_length=LONGEST_KEY)] | None = None
    """Why it is `fail` or `info`."""


_WHOLE = f"a whole number from 0 to {LARGEST_PROCESS}"
_INVOKE_FIELDS: Mapping[str, str] = {
    "process": f"{_WHOLE}, one for each thread of the client",
    "f": f"the name of the operation, a text of 1 to {LONGEST_NAME} characters",
    "key": f"null, a whole number, or a text of up to {LONGEST_KEY:,} characters",
    "value": "any JSON",
    "node": f"null, or a text of up to {LONGEST_NAME} characters",
}
_COMPLETE_FIELDS: Mapping[str, str] = {
    "type": '"ok", "fail" or "info"',
    "operation": f"the number that the answer to the invocation gave, {_WHOLE}",
    "process": f"{_WHOLE}, as in the invocation",
    "value": "any JSON",
    "error": f"null, or a text of up to {LONGEST_KEY:,} characters",
}
_invoke = msgspec.json.Decoder(Invoke)
_complete = msgspec.json.Decoder(Complete)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_invoke(data: bytes) -> Invoke:
    """Read an invocation.

    Raises:
        Refusal: it is not JSON, or a field is missing, unknown or wrong.
    """
    found: Invoke = _read(data, _invoke, "invoke", _INVOKE_FIELDS, Invoke)
    return found


def read_complete(data: bytes) -> Complete:
    """Read a completion; it names its operation in exactly one of two ways, and `ok` has a value.

    Raises:
        Refusal: as `read_invoke`.
    """
    found: Complete = _read(data, _complete, "complete", _COMPLETE_FIELDS, Complete)
    if (found.operation is None) == (found.process is None):
        raise _wrong("operation", 'name the operation by "operation" or by "process", by one of the two')
    if found.type == "ok" and not found.value:
        raise _wrong(
            "value",
            'an operation that is ok needs "value": what the reply holds, false if the reply is no, and null '
            "if it holds nothing",
        )
    return found


def read_line(line: bytes) -> tuple[str, bytes]:
    """The kind of a request that came as a line, and the request itself: `{"invoke": {...}}`.

    Raises:
        Refusal: it is no object with one known name.
    """
    kinds = ("invoke", "complete", "end", "status")
    fields = _fields(line)
    if len(fields) != 1 or next(iter(fields)) not in kinds:
        given = ", ".join(repr(name) for name in list(fields)[:3]) or "none"
        raise Refusal(
            400,
            "malformed",
            brief(f"a line is an object with one name of {', '.join(kinds)}; it has {given}"),
        )
    [(kind, request)] = fields.items()
    return kind, bytes(request)


def value_in_history(value: msgspec.Raw) -> str:
    """The JSON text of a value in a history; equal values have equal texts.

    Raises:
        Refusal: it cannot be kept exactly.
    """
    if not value:
        return NULL
    try:
        return canonical(bytes(value))
    except (ValueError, RecursionError) as problem:  # also of text that is not UTF-8
        raise _wrong("value", f"the value cannot be kept: {brief(problem)}") from None


def _read(
    data: bytes, decoder: msgspec.json.Decoder[Any], kind: str, fields: Mapping[str, str], form: type[Any]
) -> Any:
    if len(data) > MOST_REQUEST_BYTES:
        raise too_large()
    if is_too_deep(data):
        raise _too_deep()
    try:
        return decoder.decode(data)
    except UNREADABLE:
        raise _refusal_of(data, kind, fields, form) from None


def _refusal_of(data: bytes, kind: str, known: Mapping[str, str], form: type[Any]) -> Refusal:
    """What is wrong with a request, found field by field."""
    try:
        fields = _fields(data)
    except Refusal as refusal:
        return refusal
    for name in fields:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            return _wrong(name, f"{kind} has no field {name[:80]!r}: {hint}it has {', '.join(known)}")
    for field in msgspec.structs.fields(form):
        if field.name not in fields:
            if field.required:
                return _wrong(field.name, f"{kind} needs {field.name!r}: {known[field.name]}")
            continue
        try:
            msgspec.json.decode(fields[field.name], type=field.type)
        except UNREADABLE:
            shown = brief(bytes(fields[field.name])[:80].decode(errors="replace"))
            return _wrong(field.name, f"{field.name!r} is {shown}; it must be {known[field.name]}")
    return Refusal(400, "malformed", f"this {kind} cannot be read")


def _fields(data: bytes) -> dict[str, msgspec.Raw]:
    if is_too_deep(data):
        raise _too_deep()
    try:
        return _object.decode(data)
    except UNREADABLE as problem:
        start = "empty, and not" if not data.strip() else "not"
        raise Refusal(
            400, "malformed", f"the request is {start} one JSON object in UTF-8: {brief(problem)}"
        ) from None


def too_large() -> Refusal:
    """The refusal of a request with too many bytes."""
    return Refusal(413, "too-large", f"a request has at most {MOST_REQUEST_BYTES:,} bytes; shorten its value")


def _too_deep() -> Refusal:
    return Refusal(
        400,
        "malformed",
        f"the request is nested deeper than {MOST_DEPTH}; send a value with fewer levels",
        "value",
    )


def _wrong(field: str, text: str) -> Refusal:
    return Refusal(400, "field", brief(text), field[:80])
