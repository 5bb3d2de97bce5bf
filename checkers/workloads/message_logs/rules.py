"""The rules of message logs: functions of what is known of them that give evidence of each violation."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from checkers.verdict import Evidence
from checkers.words import sentence
from checkers.workloads.client_operations import ClientOperation, element, numbers
from checkers.workloads.message_logs.logs import (
    ASSIGN,
    POLL,
    SEND,
    Log,
    Read,
    committed_of,
    offset_of,
    reads_of,
)
from history.values import in_words


def disagreements(key: str, log: Log) -> Iterator[Evidence]:
    """Offsets with two messages, and messages with two offsets."""
    offsets: dict[Hashable, list[int]] = defaultdict(list)
    for offset, messages in sorted(log.at.items()):
        for message in messages:
            offsets[message].append(offset)
        if len(messages) > 1:
            (first, one), (second, other) = list(messages.items())[:2]
            placed = f"{_who(log, offset, first)}, and {_who(log, offset, second)}"
            text = f"Offset {offset} of {key} holds {in_words(one)} and {in_words(other)}: {placed}."
            involved = [log.sent[message] for message in (first, second) if message in log.sent]
            yield Evidence("two messages share an offset", text, numbers(*involved))
    for message, places in offsets.items():
        sender = log.sent.get(message)
        if sender is not None and len(places) > 1:
            text = (
                f"{in_words(sender.invocation.value)}, which operation {sender.at} sent once to {key}, is at "
                f"offsets {places[0]} and {places[1]}."
            )
            yield Evidence("a message is there twice", text, numbers(sender))


def _who(log: Log, offset: int, message: Hashable) -> str:
    """Which operation placed a message at an offset, in words."""
    one = log.sent.get(message)
    if one is not None and one.outcome == "ok" and offset_of(one) == offset:
        return f"operation {one.at} was acknowledged there"
    for read in log.reads:
        if any(at == offset and element(value) == message for at, value in read.shown):
            return f"{read.by} read it there"
    raise AssertionError("a reply placed it there")


def unsent(key: str, log: Log) -> Iterator[Evidence]:
    """Messages that were shown, and never sent, or whose sending failed."""
    for message, read in log.first_read.items():
        one = log.sent.get(message)
        shown = next(in_words(value) for _, value in read.shown if element(value) == message)
        if one is None:
            text = f"No client sent {shown} to {key}, and {read.by} read it."
            yield Evidence("a message that no client sent", text, numbers(read.operation))
        elif one.outcome == "fail":
            text = f"Operation {one.at} failed to send {shown} to {key}, and {read.by} read it."
            yield Evidence("a message whose sending failed", text, numbers(one, read.operation))


def misreadings(log: Log) -> Iterator[Evidence]:
    """Where a reader went back, or passed over a message."""
    known = sorted(log.at)
    for read in log.reads:
        yield from _misread(read, log, known)


def _misread(read: Read, log: Log, known: Sequence[int]) -> Iterator[Evidence]:
    before = read.asked_from - 1
    for offset, _ in read.shown:
        if offset <= before:
            asked = f"though it asked from {read.asked_from} on"
            what = asked if before < read.asked_from else f"after offset {before}"
            text = f"{sentence(read.by)} was shown offset {offset} of {read.key} {what}."
            yield Evidence("a reader went back", text, numbers(read.operation))
            continue
        next_known = known[bisect_right(known, before)]
        if next_known < offset:
            yield _skip(read, log, next_known, offset)
        before = offset


def _skip(read: Read, log: Log, skipped: int, offset: int) -> Evidence:
    message, value = next(iter(log.at[skipped].items()))
    one = log.sent.get(message)
    sender = ""
    if one is not None and one.outcome == "ok":
        sender = f", which operation {one.at} sent and {one.invocation.node} acknowledged"
    text = (
        f"{sentence(read.by)} was shown offset {offset} of {read.key}, but not offset {skipped} before it: "
        f"{in_words(value)}{sender}."
    )
    involved = [read.operation] if one is None else [one, read.operation]
    return Evidence("a reader passed over a message", text, numbers(*involved))


def sent_out_of_order(operations: Iterable[ClientOperation]) -> Iterator[Evidence]:
    """Messages of one client to one log whose offsets do not ascend."""
    last: dict[tuple[Any, str | None], ClientOperation] = {}
    for one in operations:
        if one.invocation.f != SEND or one.outcome != "ok":
            continue
        client, key = one.invocation.process, one.invocation.key
        before = last.get((client, key))
        if before is not None and offset_of(one) <= offset_of(before):
            text = (
                f"Client {client} sent to {key} in operation {before.at}, at offset {offset_of(before)}, "
                f"and then in operation {one.at}, at offset {offset_of(one)}."
            )
            yield Evidence("messages of one client are out of order", text, numbers(before, one))
        last[client, key] = one


def committed_by_none(operations: Sequence[ClientOperation], logs: Mapping[str, Log]) -> Iterator[Evidence]:
    """Offsets that a node names as committed, although there is a message before them to which no reader had
    come: a reader that goes on from there misses it."""
    reached = _reached(operations)
    for one in operations:
        if one.invocation.f != ASSIGN or one.outcome != "ok" or one.completion is None:
            continue
        for key, offset in committed_of(one):
            times, furthest = reached.get(key, ([], []))
            begun = bisect_right(times, one.completion.time)
            came = furthest[begun - 1] if begun else -1
            missed = sorted(at for at in logs[key].at if came < at < offset) if key in logs else []
            if missed:
                text = (
                    f"{one.invocation.node} named offset {offset} of {key} as committed in operation "
                    f"{one.at}, but no reader had come to the message at offset {missed[0]}."
                )
                yield Evidence("an offset that no reader committed", text, numbers(one))


def _reached(operations: Sequence[ClientOperation]) -> Mapping[str, tuple[list[int], list[int]]]:
    """By log, ascending times at which polls began, and the greatest offset that these polls were shown."""
    reached: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for one in operations:
        if one.invocation.f == POLL and one.outcome == "ok":
            for read in reads_of(one):
                times, furthest = reached[read.key]
                times.append(one.invocation.time)
                furthest.append(max([*furthest[-1:], *(offset for offset, _ in read.shown)], default=-1))
    return reached
