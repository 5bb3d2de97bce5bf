"""The frames of the peer protocol, sans-I/O: bytes in, payloads out.

```
frame = length u32  tag (16 bytes)  crc32(the 20 bytes before) u32  payload
```

Integers are big-endian. The tag is the keyed BLAKE2b (RFC 7693) of the payload; its key belongs to one
session, so a frame of another session, or one made without the key, is refused. It does not
count frames: one that a link repeats, or that overtakes another, is genuine, and reaches the node like any
other. The length can be read without the key, so tools and the harness's links can cut the stream into
frames. It has a checksum of its own: one flipped bit in it could otherwise have the receiver wait for
megabytes that never come, and take every message of a living connection for their beginning.
"""

from __future__ import annotations

import struct
import zlib
from hashlib import blake2b
from hmac import compare_digest

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
TAG_BYTES = 16

_HEADER = struct.Struct(f">I{TAG_BYTES}sI")
_CHECKED = struct.Struct(f">I{TAG_BYTES}s")
_CHECKED_BYTES = _CHECKED.size
_CRC = struct.Struct(">I")


class WireError(Exception):
    """The peer does not speak this protocol; the connection cannot be used any more."""


class Seal:
    """Makes the tags of one session's frames. Without a key the tag is only a checksum."""

    def __init__(self, key: bytes = b"") -> None:
        self._keyed = blake2b(key=key, digest_size=TAG_BYTES)

    def tag(self, payload: bytes) -> bytes:
        """The tag of a frame with this payload."""
        made = self._keyed.copy()
        made.update(payload)
        return made.digest()


CHECKSUM = Seal()
"""The seal of the frames by which a connection is introduced, before it has a key."""


def encode_frame(payload: bytes, seal: Seal) -> bytes:
    """Encode one frame.

    Raises:
        ValueError: the payload is larger than a peer would take.
    """
    check_size(payload)
    checked = _CHECKED.pack(len(payload), seal.tag(payload))
    return checked + _CRC.pack(zlib.crc32(checked)) + payload


def check_size(payload: bytes) -> None:
    """Refuse what no peer would take.

    Raises:
        ValueError: the payload is larger than that.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes; the largest allowed is {MAX_PAYLOAD_BYTES}")


class FrameDecoder:
    """Cuts bytes into the payloads of one seal's frames. After a `WireError` it must be thrown away."""

    def __init__(self, seal: Seal, most_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self._seal = seal
        self._most_bytes = most_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes, at_most: int | None = None) -> list[bytes]:
        """Take the next bytes, in any pieces; the payloads that they complete, in order.

        Args:
            at_most: how many frames to cut off; what follows them stays in `rest`.

        Raises:
            WireError: a frame of another session, a forged, damaged or oversized one, or a header that is
            none.
        """
        if self._buffer:
            self._buffer += data
            payloads, taken = self._cut(self._buffer, at_most)
            del self._buffer[:taken]
        else:  # as nearly always: whole frames, which need not be copied together first
            payloads, taken = self._cut(data, at_most)
            self._buffer += data[taken:]
        return payloads

    def rest(self) -> bytes:
        """The bytes that belong to no payload yet."""
        return bytes(self._buffer)

    @property
    def unfinished_bytes(self) -> int:
        """How many these are."""
        return len(self._buffer)

    def _cut(self, data: bytes | bytearray, at_most: int | None) -> tuple[list[bytes], int]:
        """The payloads of the whole frames that `data` begins with, and how many bytes those are."""
        payloads: list[bytes] = []
        offset = 0
        while len(data) - offset >= _HEADER.size and len(payloads) != at_most:
            length, tag, crc = _HEADER.unpack_from(data, offset)
            if zlib.crc32(data[offset : offset + _CHECKED_BYTES]) != crc:
                raise WireError("a frame's header has a wrong checksum")
            if length > self._most_bytes:
                raise WireError(
                    f"a frame of {length} bytes, although at most {self._most_bytes} are allowed here"
                )
            begin = offset + _HEADER.size
            if begin + length > len(data):
                break
            offset = begin + length
            payload = bytes(data[begin:offset])
            if not compare_digest(self._seal.tag(payload), tag):
                raise WireError(f"a frame of {length} bytes is not genuine: damaged, or not of this session")
            payloads.append(payload)
        return payloads, offset
