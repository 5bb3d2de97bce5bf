"""A snapshot as bytes, and its digest (section 7; thesis, chapter 5).

Nodes that applied the same entries make the same bytes: so a transfer that was broken off goes on where it
was under another leader, and traces can be compared by the digest.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from node_impl.core.events import Configuration, Snapshot

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode


class SnapshotBytesError(ValueError):
    """The bytes are no snapshot of this version, or their digest is wrong."""


def make_snapshot(
    index: int, term: int, hash_: str, configuration: Configuration, registry: bytes, sessions: bytes
) -> Snapshot:
    """Make a snapshot of this state, with its digest."""
    unsigned = Snapshot(index, term, hash_, configuration, registry, sessions, "")
    return msgspec.structs.replace(unsigned, digest=_digest(unsigned))


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The same bytes on every node that applied the same entries."""
    return _encode(snapshot)


def decode_snapshot(data: bytes) -> Snapshot:
    """The snapshot behind these bytes.

    Raises:
        SnapshotBytesError: the bytes are no snapshot, or their digest is wrong.
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
