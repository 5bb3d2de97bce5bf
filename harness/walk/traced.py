"""The steps of one registration in the traces of nodes that write them (docs/trace-format.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.walk.record import Step
from history import NodeTrace, TraceEvent

_MS = 1_000_000
_At = tuple[int, str, str]


def steps_in_traces(traces: Mapping[str, NodeTrace], op: str) -> tuple[Step, ...]:
    """The steps of the write with an operation id, in the order of the clock that the nodes share.

    The leader's first message to each member that carries the entry counts; the steps end with the answer.

    Raises:
        LookupError: no node appended it, its leader took it from no other node, or it was not acknowledged.
    """
    leader, appended = _first_append(traces, op)
    events = tuple(traces[leader].events)
    index = next(entry.index for entry in appended.entries if entry.op == op)
    before = [event for event in events if event.life == appended.life and event.seq < appended.seq]
    after = [event for event in events if event.life == appended.life and event.seq > appended.seq]
    forwarded = _last(before, "receive", "Forward")
    asked = forwarded.peer or ""
    sent = _sent(traces[asked], forwarded.message_id)
    found: list[_At] = [
        (sent.at, f"{asked} -> {leader}", "forward: a follower sends the write on to the leader"),
        (appended.at, leader, f"append: entry {index} of term {appended.term} is in the leader's log"),
    ]
    found += _replicated(traces, leader, after, index)
    found += _first(after, "synced", index, leader, "disk: the entry is on the leader's own disk")
    commit = next(event for event in after if event.event == "commit" and event.commit >= index)
    found.append((commit.at, leader, f"commit: a majority has entry {index} on disk"))
    reply = next(
        event
        for event in after
        if event.message == "ForwardReply" and event.peer == asked and event.at >= commit.at
    )
    found.append((reply.at, f"{leader} -> {asked}", "answer to the follower: the write is committed"))
    done = next(
        (event for event in traces[asked].events if event.event == "acknowledge" and event.op == op), None
    )
    if done is None:
        raise LookupError(f"{asked} did not acknowledge the write {op}")
    found.append((done.at, f"{asked} -> client", "ok"))
    began = sent.at
    return tuple(
        Step(round((at - began) / _MS, 2), where, what)
        for at, where, what in sorted(found, key=lambda one: one[0])
        if at <= done.at
    )


def _replicated(
    traces: Mapping[str, NodeTrace], leader: str, after: Sequence[TraceEvent], index: int
) -> list[_At]:
    """The way of the entry to each other member, and of the acknowledgement back."""
    found: list[_At] = []
    received = {event.message_id: event for event in after if event.event == "receive"}
    seen: set[str] = set()
    for event in after:
        peer = event.peer or ""
        carries = (
            event.message == "AppendEntries"
            and (event.index or 0) < index <= (event.index or 0) + event.count
        )
        if event.event != "send" or not carries or peer in seen:
            continue
        seen.add(peer)
        found.append((event.at, f"{leader} -> {peer}", "send: AppendEntries with the entry"))
        rest = _from(traces[peer], event.message_id)
        found += [
            (one.at, peer, "append: the entry is in the follower's log")
            for one in rest
            if one.event == "append" and any(entry.index == index for entry in one.entries)
        ][:1]
        found += _first(rest, "synced", index, peer, "disk: the entry is on the follower's disk")
        replies = [
            one
            for one in rest
            if one.event == "send"
            and one.message == "AppendEntriesReply"
            and one.ok
            and (one.index or 0) >= index
        ]
        found += [
            (
                one.at,
                f"{peer} -> {leader}",
                f"acknowledge: everything up to entry {one.index}; it leaves once that is on disk",
            )
            for one in replies[:1]
        ]
        found += [
            (received[one.message_id].at, leader, f"takes the acknowledgement of {peer}")
            for one in replies[:1]
            if one.message_id in received
        ]
    return found


def _first_append(traces: Mapping[str, NodeTrace], op: str) -> tuple[str, TraceEvent]:
    """The node that appended the write first, which led, and its event.

    Raises:
        LookupError: there is none.
    """
    appends = [
        (event.at, name, event)
        for name, trace in traces.items()
        for event in trace.events
        if event.event == "append" and any(entry.op == op for entry in event.entries)
    ]
    if not appends:
        raise LookupError(f"no trace shows that the write {op} was appended")
    _, name, event = min(appends, key=lambda one: one[0])
    return name, event


def _last(events: Sequence[TraceEvent], kind: str, message: str) -> TraceEvent:
    found = [event for event in events if event.event == kind and event.message == message]
    if not found:
        raise LookupError(f"the leader took no {message} before it appended the write")
    return found[-1]


def _sent(trace: NodeTrace, message_id: str | None) -> TraceEvent:
    return next(event for event in trace.events if event.event == "send" and event.message_id == message_id)


def _from(trace: NodeTrace, message_id: str | None) -> tuple[TraceEvent, ...]:
    """What a node traced from the receipt of a message on."""
    events = tuple(trace.events)
    start = next(
        (n for n, event in enumerate(events) if event.event == "receive" and event.message_id == message_id),
        len(events),
    )
    return events[start:]


def _first(events: Iterable[TraceEvent], kind: str, index: int, where: str, what: str) -> list[_At]:
    return [(one.at, where, what) for one in events if one.event == kind and (one.index or 0) >= index][:1]


def sent_to(trace: NodeTrace, peer: str, since: int, until: int) -> int:
    """How many AppendEntries a node sent to another one between two times of its clock, in nanoseconds."""
    return sum(
        event.event == "send"
        and event.message == "AppendEntries"
        and event.peer == peer
        and since <= event.at < until
        for event in trace.events
    )
