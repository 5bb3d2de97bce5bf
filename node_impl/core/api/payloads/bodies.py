"""The JSON in a payload's body."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from node_impl.core.api.parameters import UNREADABLE, BadParameter

T = TypeVar("T")


class _Numbered(msgspec.Struct, rename="camel"):
    request_id: str | None = None


def decoded(body: bytes, kind: type[T]) -> T:
    """A body as a value of that kind; unknown fields are passed over, as Nacos does.

    Raises:
        BadParameter: it is no JSON object with such fields.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise BadParameter(f"the body must be a JSON object with the fields of its type: {error}") from error


def request_id(body: bytes) -> str:
    """The id that a request names itself by, which its answer repeats; empty if it has none.

    Raises:
        BadParameter: the body is no JSON object.
    """
    return decoded(body, _Numbered).request_id or ""
