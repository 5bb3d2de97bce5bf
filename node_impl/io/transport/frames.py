"""The peer wire format, sans-I/O: bytes in, frames out.

```
connection = preface hello frame*             only the side that dialled ever writes
preface    = "ACKPPEER"  version u16
hello      = frame whose payload is a MessagePack array [cluster, sender, to]
frame      = length u32  crc32(payload) u32  crc32(the 8 bytes before) u32  payload
```

Integers are big-endian. The length has a checksum of its own: one flipped bit in it could otherwise have
the receiver wait for megabytes that never come, and take every message of a living connection for
their beginning. The version stands before everything that a version may change, so nodes
of different versions can always tell each other apart.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

MAGIC = b"ACKPPEER"
VERSION = 2
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
MAX_HELLO_BYTES = 4096

_PREFACE = struct.Struct(">8sH")
_LENGTHS = struct.Struct(">II")
_HEADER = struct.Struct(">III")


class Hello(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The handshake: which node dialled which, and for which cluster."""

    cluster: str
    sender: str
    to: str


class WireError(Exception):
    """The peer does not speak this protocol; the connection cannot be used any more."""


def encode_hello(hello: Hello) -> bytes:
    """Encode the first bytes of a connection."""
    return _PREFACE.pack(MAGIC, VERSION) + encode_frame(msgspec.msgpack.encode(hello))


def encode_frame(payload: bytes) -> bytes:
    """Encode one frame.

    Raises:
        ValueError: the payload is larger than a peer would take.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes; the largest allowed is {MAX_PAYLOAD_BYTES}")
    lengths = _LENGTHS.pack(len(payload), zlib.crc32(payload))
    return lengths + zlib.crc32(lengths).to_bytes(4, "big") + payload


class FrameDecoder:
    """Cuts one connection's bytes into payloads. After a `WireError` it must be thrown away.

    `hello` is None until the handshake has arrived; it is not among the payloads.
    """

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self._buffer = bytearray()
        self._has_preface = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes, in any pieces; the payloads that they complete, in order.

        Raises:
            WireError: other protocol, other version, an oversized or a damaged frame.
        """
        if self._buffer or not self._has_preface:
            self._buffer += data
            if not self._has_preface and not self._take_preface():
                return []
            payloads, taken = self._cut(self._buffer)
            del self._buffer[:taken]
        else:  # as nearly always: whole frames, which need not be copied together first
            payloads, taken = self._cut(data)
            self._buffer += data[taken:]
        return payloads

    def _cut(self, data: bytes | bytearray) -> tuple[list[bytes], int]:
        """The payloads of the whole frames that `data` begins with, and how many bytes those are."""
        payloads: list[bytes] = []
        offset = 0
        while len(data) - offset >= _HEADER.size:
            length, crc, header_crc = _HEADER.unpack_from(data, offset)
            if zlib.crc32(data[offset : offset + _LENGTHS.size]) != header_crc:
                raise WireError("a frame's header has a wrong checksum")
            limit = MAX_HELLO_BYTES if self.hello is None else MAX_PAYLOAD_BYTES
            if length > limit:
                raise WireError(f"a frame of {length} bytes, although at most {limit} are allowed here")
            begin = offset + _HEADER.size
            if begin + length > len(data):
                break
            offset = begin + length
            payload = bytes(data[begin:offset])
            if zlib.crc32(payload) != crc:
                raise WireError(f"a frame of {length} bytes has a wrong checksum")
            if self.hello is None:
                self.hello = _decode_hello(payload)
            else:
                payloads.append(payload)
        return payloads, offset

    def _take_preface(self) -> bool:
        """Whether the preface has arrived; garbage is refused at its first wrong byte."""
        start = bytes(self._buffer[: len(MAGIC)])
        if start != MAGIC[: len(start)]:
            raise WireError(f"not a peer of this protocol: its first bytes are {start!r}")
        if len(self._buffer) < _PREFACE.size:
            return False
        version = _PREFACE.unpack_from(self._buffer)[1]
        if version != VERSION:
            raise WireError(f"the peer speaks protocol version {version}, this node version {VERSION}")
        del self._buffer[: _PREFACE.size]
        self._has_preface = True
        return True


def _decode_hello(payload: bytes) -> Hello:
    try:
        return msgspec.msgpack.decode(payload, type=Hello)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(f"the handshake is not one: {error}") from error
