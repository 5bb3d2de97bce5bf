"""What the operations of a history say of its message logs.

Operations, one key a log: `send` of a message, each sent once, whose reply is its offset with the message;
`poll`, without a key, and `final-poll` of one key, whose reply lists what was read as `[key, from, [[offset,
message], ...]]`: what a node showed of a log to a reader that asked for it from an offset on; `assign`, whose
reply lists `[key, offset]`: how far readers have committed, as the node says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from checkers.verdict import IllegalOperation
from checkers.workloads.client_operations import ClientOperation, element
from history.values import in_words

SEND: Final = "send"
POLL: Final = "poll"
FINAL_POLL: Final = "final-poll"
ASSIGN: Final = "assign"


class Read(NamedTuple):
    """What a reader was shown of one log."""

    operation: ClientOperation
    key: str
    asked_from: int
    shown: list[tuple[int, Any]]
    """Offsets and messages, as the node gave them."""

    @property
    def by(self) -> str:
        """The operation and the node, in words."""
        return f"operation {self.operation.at} on {self.operation.invocation.node}"


class Log(NamedTuple):
    """What is known of one log."""

    sent: dict[Hashable, ClientOperation]
    """By message."""
    at: dict[int, dict[Hashable, Any]]
    """By offset, the messages that a reply placed there."""
    reads: list[Read]
    first_read: dict[Hashable, Read]
    """By message, the first read that was shown it."""

    @classmethod
    def empty(cls) -> Log:
        """A log of which nothing is known."""
        return cls({}, defaultdict(dict), [], {})


def logs_of(operations: Iterable[ClientOperation]) -> dict[str, Log]:
    """By key, what the operations say.

    Raises:
        IllegalOperation: a reply of another shape, or a message that is sent twice.
    """
    logs: dict[str, Log] = defaultdict(Log.empty)
    for one in operations:
        key, value = str(one.invocation.key), one.invocation.value
        if one.invocation.f == SEND:
            if element(value) in logs[key].sent:
                raise IllegalOperation(one.at, f"{in_words(value)} is sent twice to {key}")
            logs[key].sent[element(value)] = one
            if one.outcome == "ok":
                logs[key].at[offset_of(one)][element(value)] = value
        elif one.invocation.f in (POLL, FINAL_POLL) and one.outcome == "ok":
            for read in reads_of(one):
                log = logs[read.key]
                log.reads.append(read)
                for offset, message in read.shown:
                    log.at[offset][element(message)] = message
                    log.first_read.setdefault(element(message), read)
    return logs


def offset_of(one: ClientOperation) -> int:
    """The offset that an acknowledged message got.

    Raises:
        IllegalOperation: the reply has none.
    """
    match one.reply:
        case [int() as offset, _]:
            return offset
    raise IllegalOperation(one.positions[-1], f"a send gives [offset, message], not {in_words(one.reply)}")


def reads_of(one: ClientOperation) -> Iterator[Read]:
    """What a poll was shown, log by log.

    Raises:
        IllegalOperation: the reply is something else.
    """
    for each in one.reply if isinstance(one.reply, list | tuple) else [None]:
        match each:
            case [str() as key, int() as asked_from, list() | tuple() as shown]:
                yield Read(one, key, asked_from, [_shown(one, pair) for pair in shown])
            case _:
                rule = "a poll gives [key, from, [[offset, message], ...]] of each log"
                raise IllegalOperation(one.positions[-1], f"{rule}, not {in_words(each)}")


def _shown(one: ClientOperation, pair: Any) -> tuple[int, Any]:
    match pair:
        case [int() as offset, message]:
            return offset, message
    raise IllegalOperation(one.positions[-1], f"a poll gives pairs [offset, message], not {in_words(pair)}")


def committed_of(one: ClientOperation) -> Iterator[tuple[str, int]]:
    """What an assignment was given: logs, and offsets that readers have committed.

    Raises:
        IllegalOperation: the reply is something else.
    """
    for each in one.reply if isinstance(one.reply, list | tuple) else [None]:
        match each:
            case [str() as key, int() as offset]:
                yield key, offset
            case _:
                rule = "an assign gives [key, offset] of each log"
                raise IllegalOperation(one.positions[-1], f"{rule}, not {in_words(each)}")
