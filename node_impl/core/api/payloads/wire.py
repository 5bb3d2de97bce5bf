"""A payload as bytes: Protocol Buffers, of which Nacos's one message needs two kinds of fields.

    Payload  { Metadata metadata = 2; google.protobuf.Any body = 3; }
    Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
    Any      { string type_url = 1; bytes value = 2; }

The numbers are those of `nacos_grpc_service.proto`. Decoding is total: any bytes give a payload or
`BadPayload`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

MAX_HEADERS = 64

_NUMBER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""The kinds of fields."""
_PAYLOAD_METADATA, _PAYLOAD_BODY = 2, 3
_TYPE, _HEADERS = 3, 7
_KEY, _VALUE = 1, 2
_ANY_VALUE = 2


class BadPayload(ValueError):
    """The bytes are no payload; the text says why."""


class Payload(msgspec.Struct, frozen=True):
    """One message of Nacos's gRPC protocol."""

    type: str
    body: bytes = b"{}"
    """JSON."""
    headers: Mapping[str, str] = {}


def encode(payload: Payload) -> bytes:
    """A payload as bytes."""
    metadata = _field(_TYPE, payload.type.encode())
    for name, value in payload.headers.items():
        metadata += _field(_HEADERS, _field(_KEY, name.encode()) + _field(_VALUE, value.encode()))
    return _field(_PAYLOAD_METADATA, metadata) + _field(_PAYLOAD_BODY, _field(_ANY_VALUE, payload.body))


def decode(data: bytes) -> Payload:
    """The payload behind some bytes.

    Raises:
        BadPayload: they are cut short, not UTF-8 where text is wanted, or have too many headers.
    """
    kind, body, headers = "", b"", {}
    for number, content in _fields(data):
        if number == _PAYLOAD_METADATA:
            for inner, value in _fields(content):
                if inner == _TYPE:
                    kind = _text(value)
                elif inner == _HEADERS:
                    pair = dict(_fields(value))
                    headers[_text(pair.get(_KEY, b""))] = _text(pair.get(_VALUE, b""))
                    if len(headers) > MAX_HEADERS:
                        raise BadPayload(f"a payload with more than {MAX_HEADERS} headers")
        elif number == _PAYLOAD_BODY:
            body = dict(_fields(content)).get(_ANY_VALUE, b"")
    return Payload(kind, body, headers)


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | _BYTES,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of each field that has content; those of other kinds are passed over."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _BYTES:
            size, at = _read_varint(data, at)
            if size > len(data) - at:
                raise BadPayload(f"a field of {size} bytes in a message with {len(data) - at} left")
            yield key >> 3, data[at : at + size]
            at += size
        elif kind == _NUMBER:
            _, at = _read_varint(data, at)
        elif kind == _EIGHT_BYTES:
            at += 8
        elif kind == _FOUR_BYTES:
            at += 4
        else:
            raise BadPayload(f"a field of the unknown kind {kind}")
    if at > len(data):
        raise BadPayload("the message ends within a field")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise BadPayload("a number that does not end")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadPayload("a text that is not UTF-8") from error
