"""Snapshots as bytes, and the two ends of sending one in chunks (section 7; thesis, chapter 5).

One chunk at a time is on its way to a follower, and the follower's answer says how many bytes it
holds, which is where the next chunk starts: so a lost, repeated or late message costs a chunk at most,
and a transfer that was broken off goes on where it was, also under another leader, since nodes that
applied the same entries make the same bytes.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from node_impl.core.events import Configuration, Snapshot

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode


class SnapshotBytesError(ValueError):
    """Bytes that are no snapshot, or not the one that was meant."""


def make_snapshot(
    index: int, term: int, hash_: str, configuration: Configuration, registry: bytes, sessions: bytes
) -> Snapshot:
    """A snapshot of this state, with its digest."""
    unsigned = Snapshot(index, term, hash_, configuration, registry, sessions, "")
    return msgspec.structs.replace(unsigned, digest=_digest(unsigned))


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The same bytes on every node that applied the same entries."""
    return _encode(snapshot)


def decode_snapshot(data: bytes) -> Snapshot:
    """The snapshot behind these bytes.

    Raises:
        SnapshotBytesError: they are none, or their digest is wrong.
    """
    try:
        snapshot = _decode(data)
    except msgspec.DecodeError as error:
        raise SnapshotBytesError(f"not a snapshot of this version: {error}") from error
    if _digest(snapshot) != snapshot.digest:
        raise SnapshotBytesError(f"the snapshot up to entry {snapshot.index} has a wrong digest")
    return snapshot


def _digest(snapshot: Snapshot) -> str:
    digest = blake2b(_encode((snapshot.index, snapshot.term, snapshot.hash, snapshot.configuration)))
    for part in (snapshot.registry, snapshot.sessions):
        digest.update(blake2b(part, digest_size=16).digest())
    return digest.hexdigest()[:32]


class Outgoing:
    """A leader's snapshot on its way to one follower."""

    __slots__ = ("data", "heartbeats", "offset", "snapshot")

    def __init__(self, snapshot: Snapshot, data: bytes) -> None:
        self.snapshot = snapshot
        self.data = data
        self.offset = 0
        """How many bytes the follower said that it holds."""
        self.heartbeats = 0
        """Heartbeats since the last chunk left; an answer to a later one shows that the chunk is lost."""

    def chunk(self, size: int) -> bytes:
        """What to send next."""
        return self.data[self.offset : self.offset + size]


class Incoming:
    """A follower's part of a snapshot."""

    __slots__ = ("data", "digest", "index", "total")

    def __init__(self, index: int, digest: str, total: int) -> None:
        self.index = index
        self.digest = digest
        self.total = total
        self.data = bytearray()

    def take(self, offset: int, chunk: bytes) -> None:
        """Keep a chunk that continues what is held; any other is a repetition, or comes too early."""
        if offset == len(self.data) and offset + len(chunk) <= self.total:
            self.data += chunk

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.data) == self.total
