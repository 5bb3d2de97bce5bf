"""The lines of the lockstep protocol, as docs/lockstep.md has them: events to a core, and its answers.

Every line is one JSON object. An event has a number, and its answer names that number: a line that answers
no event, or an earlier one, is found at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from harness.errors import CouldNotRun
from history.files import brief

VERSION = 1
HASH_DIGITS = 16
SHOWN_CHARACTERS = 300
"""How much of a line an error repeats."""

Holds = Literal["node", "cluster"]
"""What one process of a core holds: one life of one node, or all nodes of the cluster."""
Traces = Literal["none", "state"]
"""Whether a core says what its nodes' state is after each event."""


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


class OtherVersion(msgspec.Struct, frozen=True):
    """The one field that every version of the protocol has in an answer to `hello`."""

    protocol: int


# ---- effects -------------------------------------------------------------------------------------------


class Row(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a replicated log. Its data must have the same text on every node."""

    index: int
    term: int
    data: msgspec.Raw
    op: str | None = None
    """The id of the operation that the entry carries."""


class PersistEffect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="persist"
):
    """Write records behind the journal's last one; `synced` follows. The persists of a life count from 1."""

    records: tuple[msgspec.Raw, ...]
    replace: bool = False
    """The journal holds nothing but these records from now on."""


class SendEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="send"):
    """Send to another node, once the persist `after` is on disk."""

    to: str
    message: msgspec.Raw
    after: int = 0


class ReplyEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="reply"):
    """Answer a client, once the persist `after` is on disk."""

    id: int
    type: Literal["ok", "fail", "info"]
    value: Any = msgspec.UNSET
    error: str = ""
    index: int | None = None
    after: int = 0


class TimerEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="timer"):
    """Wake the node at this time of its clock, in nanoseconds; None: do not."""

    name: str
    at: int | None


class AppliedEffect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="applied"
):
    """These entries were applied to the state machine, in order."""

    entries: tuple[Row, ...]


class TraceEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="trace"):
    """What of the node's state is another than before; what is left out stays."""

    term: int | None = None
    role: Literal["follower", "candidate", "leader"] | None = None
    vote: str | msgspec.UnsetType | None = msgspec.UNSET
    leader: str | msgspec.UnsetType | None = msgspec.UNSET
    truncate: int | None = None
    """Entries from this index on were removed from the log."""
    append: tuple[Row, ...] = ()
    """Entries were put at the end of the log, after what `truncate` removed."""
    commit: int | None = None


class FatalEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", tag="fatal"):
    """The node cannot go on: its life ends with an error of its own, which is a finding."""

    reason: str


CoreEffect = (
    PersistEffect | SendEffect | ReplyEffect | TimerEffect | AppliedEffect | TraceEffect | FatalEffect
)


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A core's answer to any event but `hello`."""

    answers: int
    effects: tuple[CoreEffect, ...] = ()


# ---- the core ------------------------------------------------------------------------------------------


class ForeignCore(msgspec.Struct, frozen=True):
    """Which core nodes are made of: its command, what it said of itself, and which files it is."""

    command: tuple[str, ...]
    data_types: tuple[str, ...]
    holds: Holds = "node"
    traces: Traces = "none"
    files: Mapping[str, str] = {}
    """By word of the command that names a file: a digest of it."""
    answer_within_s: float = 10.0
    """How long the core may take for one answer."""


encode = msgspec.json.Encoder().encode
_answered = msgspec.json.Decoder(Answered).decode
_hello = msgspec.json.Decoder(Hello).decode
_version = msgspec.json.Decoder(OtherVersion).decode


def read_answer(line: bytes, number: int, event: bytes) -> Answered:
    """Read an answer.

    Raises:
        LockstepError: it is none, or it answers another event.
    """
    try:
        answer = _answered(line)
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


def shown(line: bytes) -> str:
    """A line as errors show it."""
    text = line.decode("utf-8", errors="replace").strip()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
