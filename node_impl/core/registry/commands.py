"""Commands as bytes: what a log entry's payload holds.

A command is the client's write itself, or the leader's own decision, as MessagePack with names (so an
old log stays readable when fields are added). Equal commands have equal bytes, whatever order their
metadata was built in, since entries are compared by hash across nodes and runs.
"""

from __future__ import annotations

import msgspec

from node_impl.core.requests import Command, Expire

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


class CommandError(ValueError):
    """A committed payload is not a command; a node that meets one cannot go on."""


def encode_command(command: Command) -> bytes:
    """Encode a command as the payload of an entry."""
    return _encoder.encode(command)


def decode_command(payload: bytes) -> Command:
    """The command behind a payload.

    Raises:
        CommandError: the bytes are no command: damaged, or written by another version.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CommandError(f"not a command: {error}; was the log written by another version?") from error


def expiry_op(command: Expire) -> str:
    """The operation id of an expiry in the log and the trace: `expire:TO:INDEX:KEY`. No client asked for it.

    INDEX, the registration's own, says by itself which registration is meant; the key is for people.
    """
    key = command.key
    return f"expire:{command.to}:{command.registered}:{key.service}/{key.ip}:{key.port}"
