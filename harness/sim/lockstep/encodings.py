"""How events and answers are written: JSON, one value a line, or MessagePack, one value a frame.

Both mean the same. A core chooses in its answer to `hello`; these two are always lines of JSON. A frame is
four bytes with the length of what follows, the largest byte first, and then one value.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from harness.sim.lockstep.effects import Answered

EncodingName = Literal["json", "msgpack"]
IN_WORDS: dict[EncodingName, str] = {"json": "lines of JSON", "msgpack": "frames of MessagePack"}
SHOWN_CHARACTERS = 300
"""How much of a line an error repeats."""
LENGTH_BYTES = 4


class Encoding(NamedTuple):
    """One way to write values."""

    encode: Callable[[Any], bytes]
    read_answer: Callable[[bytes], Answered]
    is_framed: bool
    """Whether a value comes with its length before it, and not with the end of a line behind it."""


ENCODINGS: dict[EncodingName, Encoding] = {
    "json": Encoding(msgspec.json.Encoder().encode, msgspec.json.Decoder(Answered).decode, is_framed=False),
    "msgpack": Encoding(
        msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Answered).decode, is_framed=True
    ),
}


def shown(value: bytes) -> str:
    """An encoded value as errors show it, on one line: MessagePack as the JSON that means the same."""
    text = _text(value).strip()
    text = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[: SHOWN_CHARACTERS + 1])
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _text(value: bytes) -> str:
    try:
        msgspec.json.decode(value)
        return value.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        found = msgspec.msgpack.decode(value)
        if isinstance(found, dict | list | bytes):
            return msgspec.json.encode(_plain(found)).decode("utf-8")
    except (msgspec.DecodeError, msgspec.EncodeError, UnicodeDecodeError, TypeError, ValueError):
        pass  # neither of the two, so it is shown as it is
    return value.decode("utf-8", errors="replace")


def _plain(value: Any) -> Any:
    """A value of MessagePack in types that JSON has: bytes are text if they can be read, else base64."""
    match value:
        case dict():
            return {str(key): _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case bytes():
            text = value.decode("utf-8", errors="replace")
            is_text = text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text
            return text if is_text else base64.b64encode(value).decode("ascii")
        case msgspec.msgpack.Ext():
            return base64.b64encode(value.data).decode("ascii")
    return value
