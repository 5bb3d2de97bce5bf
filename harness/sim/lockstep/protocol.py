"""What a core says of itself, and whether an answer of it answers the last event (docs/lockstep.md).

An event has a number, and its answer names that number: a line that answers no event, or an earlier one, is
found at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

import msgspec

from harness.errors import CouldNotRun
from harness.sim.lockstep.effects import Answered
from harness.sim.lockstep.encodings import ENCODINGS, EncodingName, shown
from history.files import brief

VERSION = 1

Holds = Literal["node", "cluster"]
"""What one process of a core holds: one life of one node, or all nodes of the cluster."""
Traces = Literal["none", "state", "messages", "own-messages"]
"""Whether a core says what its nodes' state is after each event; and also what its messages mean in Raft:
those that it gives to the network, or those of its own that it carries in them."""
Persists = Literal["synced", "written"]
"""What a persist means: on the disk once `synced` comes, or in the kernel at once, which no loss of power
spares for certain."""


class LockstepError(CouldNotRun):
    """A core broke the protocol; nothing can be judged. The message is one line with the event at which."""


# ---- answers to `hello` --------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a core says of itself, in its answer to `hello`."""

    answers: int
    protocol: int
    data_types: tuple[str, ...]
    """What clients can ask for: names of harness/client/data_types.py."""
    holds: Holds = "node"
    traces: Traces = "none"
    encoding: EncodingName = "json"
    """How all that follows is written."""
    persists: Persists = "synced"


class OtherVersion(msgspec.Struct, frozen=True):
    """The one field that every version of the protocol has in an answer to `hello`."""

    protocol: int


# ---- the core ------------------------------------------------------------------------------------------


class ForeignCore(msgspec.Struct, frozen=True):
    """Which core nodes are made of: its command, what it said of itself, and which files it is."""

    command: tuple[str, ...]
    data_types: tuple[str, ...]
    holds: Holds = "node"
    traces: Traces = "none"
    encoding: EncodingName = "json"
    persists: Persists = "synced"
    files: Mapping[str, str] = {}
    """By word of the command that names a file: a digest of it."""
    answer_within_s: float = 10.0
    """How long the core may take for one answer."""

    def __hash__(self) -> int:
        """By its command; `files` has no hash."""
        return hash(self.command)

    @property
    def in_words(self) -> str:
        """Its command, the same on any machine: of a file named by its whole path, only its own name."""
        return shlex.join(_short(word) if word in self.files else word for word in self.command)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words of its command that name no file."""
        return tuple(word for word in self.command if word not in self.files)


def _short(file: str) -> str:
    path = PurePath(file)
    return path.name if path.is_absolute() else str(path)


def said_of_itself(core: ForeignCore | Hello) -> tuple[object, ...]:
    """What must stay the same from one process of a core to the next."""
    return core.data_types, core.holds, core.traces, core.encoding, core.persists


_hello = msgspec.json.Decoder(Hello).decode
_version = msgspec.json.Decoder(OtherVersion).decode


def read_answer(line: bytes, number: int, event: bytes, encoding: EncodingName = "json") -> Answered:
    """Read an answer.

    Raises:
        LockstepError: it is none, or it answers another event.
    """
    try:
        answer = ENCODINGS[encoding].read_answer(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(line, event, error) from error
    _check_number(answer.answers, number, line, event)
    return answer


def _unreadable(line: bytes, event: bytes, error: Exception) -> LockstepError:
    return LockstepError(
        f"the core's answer cannot be read ({brief(error)}): {shown(line)}; the event was {shown(event)}"
    )


def read_hello(line: bytes, number: int, event: bytes) -> Hello:
    """Read the answer to `hello`.

    Raises:
        LockstepError: it is none, or the core speaks another version of the protocol.
    """
    try:
        version = _version(line).protocol
        if version != VERSION:
            raise LockstepError(
                f"the core speaks version {version} of the lockstep protocol, and this ackproof version "
                f"{VERSION}; the event was {shown(event)}"
            )
        hello = _hello(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(line, event, error) from error
    _check_number(hello.answers, number, line, event)
    return hello


def _check_number(answers: int, number: int, line: bytes, event: bytes) -> None:
    if answers != number:
        raise LockstepError(
            f"the core answered event {answers} where event {number} was the last one: {shown(line)}; "
            f"the event was {shown(event)}"
        )
