"""Commands as bytes: what a log entry's payload holds.

A command is the client's write itself, as MessagePack with names (so an old log stays readable when
fields are added). Equal writes have equal bytes, whatever order their metadata was built in, since
entries are compared by hash across nodes and runs.
"""

from __future__ import annotations

import msgspec

from node_impl.events import Write

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[Write] = msgspec.msgpack.Decoder(Write)


class CommandError(ValueError):
    """A committed payload is not a command; a node that meets one cannot go on."""


def encode_command(write: Write) -> bytes:
    """The payload for a write."""
    return _encoder.encode(write)


def decode_command(payload: bytes) -> Write:
    """The write behind a payload.

    Raises:
        CommandError: the bytes are none; damaged, or written by another version.
    """
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise CommandError(f"not a command: {error}; was the log written by another version?") from error
