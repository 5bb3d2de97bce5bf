"""How a connection between nodes begins, sans-I/O: each side proves that it knows the cluster's secret.

```
dialler:   preface  hello         preface = "ACKPPEER"  version u16
listener:  challenge              hello   = frame of MessagePack [cluster, sender, to, nonce of the dialler]
dialler:   proof  frame*          challenge = frame of MessagePack [nonce of the listener, HMAC as "listener"]
                                  proof   = frame of the HMAC as "dialler"
```

Both nonces are 32 random bytes, and each HMAC-SHA256 (RFC 2104) is over a label and all of [version, cluster,
sender, to, nonce, nonce]. So a proof is good for one connection between these two nodes in this direction,
and cannot be sent back to the side that made it. A third label makes the key of the frames that follow, so
frames of another session, another pair of nodes or another cluster are refused. The secret itself is never
sent. Nothing is encrypted: who can read the network can read what nodes send.

The version stands before everything that a version may change, so nodes of different versions can always tell
each other apart. Where nodes have no secret, the same is done with an empty one, and proves nothing.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable
from hmac import compare_digest
from typing import TypeVar

import msgspec

from node_impl.io.transport.frames import CHECKSUM, FrameDecoder, Seal, WireError, encode_frame

T = TypeVar("T")

MAGIC = b"ACKPPEER"
VERSION = 3
MAX_GREETING_BYTES = 4096
NONCE_BYTES = 32
GREETINGS = 2
"""The frames that a dialler sends before its first message: hello and proof."""

_PREFACE = struct.Struct(">8sH")
PREFACE_BYTES = _PREFACE.size


class Hello(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a dialler says first: which node dials which, and for which cluster."""

    cluster: str
    sender: str
    to: str
    nonce: bytes = b""


class _Challenge(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    nonce: bytes
    proof: bytes


class Secret:
    """What the nodes of a cluster alone know; it does not show itself in texts."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    def __bool__(self) -> bool:
        return bool(self._key)

    def __repr__(self) -> str:
        return "Secret(...)" if self._key else "Secret()"

    def sign(self, role: bytes, hello: Hello, nonce: bytes) -> bytes:
        """What only someone with the secret can make of this label and this connection's names and nonces."""
        bound = (VERSION, hello.cluster, hello.sender, hello.to, hello.nonce, nonce)
        return hmac.digest(self._key, role + b"\0" + msgspec.msgpack.encode(bound), "sha256")


NO_SECRET = Secret()
"""What nodes prove to each other that share no secret: nothing."""


def _nonce() -> bytes:
    return os.urandom(NONCE_BYTES)


class Introduction:
    """The dialler's side of one connection."""

    def __init__(self, hello: Hello, secret: Secret, nonce: Callable[[], bytes] = _nonce) -> None:
        self._hello = msgspec.structs.replace(hello, nonce=nonce())
        self._secret = secret
        self._decoder = FrameDecoder(CHECKSUM, MAX_GREETING_BYTES)
        self.seal: Seal | None = None
        """The seal of the frames that follow, once the listener has proved that it knows the secret."""

    def begin(self) -> bytes:
        """The first bytes of the connection."""
        return _PREFACE.pack(MAGIC, VERSION) + encode_frame(msgspec.msgpack.encode(self._hello), CHECKSUM)

    def feed(self, data: bytes) -> bytes:
        """Take what the listener sends; returns what to send then, which may be nothing yet.

        Raises:
            WireError: it does not know the secret, or is no listener of this protocol.
        """
        if self.seal is not None:
            raise WireError(
                f"it sent {data[:16]!r}, although only the node that opened the connection may send"
            )
        frames = self._decoder.feed(data, 1)
        if not frames:
            return b""
        if self._decoder.rest():
            raise WireError("it sent more than its challenge, although only the node that dialled may send")
        challenge = _decoded(frames[0], _Challenge)
        if not _is_nonce(challenge.nonce):
            raise WireError("the random part of the handshake has the wrong length")
        secret, hello = self._secret, self._hello
        if not compare_digest(secret.sign(b"listener", hello, challenge.nonce), challenge.proof):
            raise WireError(f"{hello.to} has another secret; give all nodes of the cluster the same one")
        self.seal = Seal(secret.sign(b"frames", hello, challenge.nonce))
        return encode_frame(secret.sign(b"dialler", hello, challenge.nonce), CHECKSUM)


class Reception:
    """The listener's side of one connection, its frames included. After a `WireError` it must be thrown away.

    check: refuses, with a `WireError`, a hello that is not for this node.
    """

    def __init__(
        self, secret: Secret, check: Callable[[Hello], None], nonce: Callable[[], bytes] = _nonce
    ) -> None:
        self._secret = secret
        self._check = check
        self._nonce = nonce()
        self._preface = b""
        self._decoder = FrameDecoder(CHECKSUM, MAX_GREETING_BYTES)
        self._hello: Hello | None = None
        self.sender: str | None = None
        """The node that dialled, once it has proved that it knows the secret."""

    def feed(self, data: bytes) -> tuple[bytes, list[bytes]]:
        """Take the next bytes, in any pieces; what to send back, and the messages that they complete.

        Raises:
            WireError: another protocol or version, a hello that `check` refuses, a dialler that does not know
                the secret, or a frame that is not of this session.
        """
        if self.sender is not None:
            return b"", self._decoder.feed(data)
        if len(self._preface) < _PREFACE.size:
            data = self._take_preface(data)
        if self._hello is None:
            frames = self._decoder.feed(data, 1)
            return (self._challenge(frames[0]), []) if frames else (b"", [])
        frames = self._decoder.feed(data, 1)
        return b"", self._begin_session(self._hello, frames[0]) if frames else []

    @property
    def unfinished_bytes(self) -> int:
        """The bytes of a frame that has not ended yet."""
        return self._decoder.unfinished_bytes

    def _challenge(self, frame: bytes) -> bytes:
        hello = _decoded(frame, Hello)
        if not _is_nonce(hello.nonce):
            raise WireError("the random part of the handshake has the wrong length")
        if self._decoder.rest():
            raise WireError("it sent more than its hello before it was answered")
        self._check(hello)
        self._hello = hello
        proof = self._secret.sign(b"listener", hello, self._nonce)
        return encode_frame(msgspec.msgpack.encode(_Challenge(self._nonce, proof)), CHECKSUM)

    def _begin_session(self, hello: Hello, proof: bytes) -> list[bytes]:
        if not compare_digest(self._secret.sign(b"dialler", hello, self._nonce), proof):
            raise WireError(f"it calls itself {hello.sender!r}, but does not know this cluster's secret")
        rest = self._decoder.rest()
        self._decoder = FrameDecoder(Seal(self._secret.sign(b"frames", hello, self._nonce)))
        self.sender = hello.sender
        return self._decoder.feed(rest)

    def _take_preface(self, data: bytes) -> bytes:
        """What follows the preface; garbage is refused at its first wrong byte."""
        missing = _PREFACE.size - len(self._preface)
        self._preface += data[:missing]
        start = self._preface[: len(MAGIC)]
        if start != MAGIC[: len(start)]:
            raise WireError(f"not a peer of this protocol: its first bytes are {start!r}")
        if len(self._preface) == _PREFACE.size:
            version = _PREFACE.unpack(self._preface)[1]
            if version != VERSION:
                raise WireError(f"the peer speaks protocol version {version}, this node version {VERSION}")
        return data[missing:]


def _is_nonce(nonce: bytes) -> bool:
    return len(nonce) == NONCE_BYTES


def _decoded(frame: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(frame, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(f"the handshake is not one: {error}") from error
