"""Puts all nodes' steps into one order that their messages allow, and follows each node's refinement.

A message is received after it was sent. Nothing else orders the steps of different nodes; time stamps are not
looked at. Every order that respects this is a behaviour of the same specification, as actions of different
servers meet in `messages` alone. So one order is enough.

A message that promises something leaves only when what it promises is on its sender's disk, which is later
than its line in the trace (`disk.py`). Its receipt comes after that. If no such order exists, the message was
received before it can have left. That is a violation: the node answered before its state was on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checkers.raft.conformance.refinement import Bag, IllegalStep, Refinement
from checkers.raft.conformance.spec import Entry, Server
from checkers.raft.facts.compact import MessageIds
from history import NodeTrace, TraceEvent


@dataclass
class _Node:
    """One node, and how far its trace has been followed."""

    refinement: Refinement
    events: Iterator[TraceEvent]
    event: TraceEvent | None
    following: TraceEvent | None


@dataclass
class Run:
    """Every node's refinement, followed through its whole trace.

    Args:
        nodes: all of the cluster, traced or not.
        traces: what they traced.
        incomplete: the nodes whose trace lacks something.
    """

    nodes: tuple[str, ...]
    traces: Mapping[str, NodeTrace]
    incomplete: frozenset[str]
    refinements: dict[str, Refinement] = field(default_factory=dict)
    early: list[IllegalStep] = field(default_factory=list)
    """Messages that were received although what they promise was not on disk."""

    def __post_init__(self) -> None:
        receipts = MessageIds()
        for trace in self.traces.values():
            received = (event for event in trace.events if event.event == "receive")
            receipts.extend([event.message_id for event in received if event.message_id is not None])
        self._bag = Bag(receipts)
        interned: dict[Entry, Entry] = {}
        self._held: dict[str, TraceEvent] = {}
        self._never_left: dict[str, TraceEvent] = {}
        self._under_way: dict[str, _Node] = {}
        voters = frozenset(self.nodes)
        for name, trace in self.traces.items():
            refinement = self.refinements[name] = Refinement(
                Server(name, voters),
                trace,
                self._bag,
                interned,
                hold=self._held.__setitem__,
                release=self._release,
                never_left=self._lose,
            )
            events = iter(trace.events)
            self._under_way[name] = _Node(refinement, events, next(events, None), next(events, None))
        self._go()

    def _release(self, message_ids: Iterable[str]) -> None:
        for message_id in message_ids:
            self._held.pop(message_id, None)

    def _lose(self, message_ids: Iterable[str]) -> None:
        for message_id in message_ids:
            sent = self._held.pop(message_id, None)
            if sent is not None:
                self._never_left[message_id] = sent

    def _go(self) -> None:
        waiting = self._under_way
        while waiting:
            moved = False
            for name, node in tuple(waiting.items()):
                moved |= self._go_on(node)
                if node.event is None:
                    self._lose(held.message_id for held in node.refinement.disk.held)
                    del waiting[name]
                    moved = True
            if not moved:
                self._force()

    def _go_on(self, node: _Node, *, is_forced: bool = False) -> bool:
        """Follow a node until it waits for a message; if forced, it receives the first. Returns whether it
        moved."""
        step, events, event, following = node.refinement.step, node.events, node.event, node.following
        moved = False
        while event is not None and (event.event != "receive" or is_forced or self._may_take(event)):
            step(event, following)
            event, following = following, next(events, None)
            moved, is_forced = True, False
        node.event, node.following = event, following
        return moved

    def _may_take(self, event: TraceEvent) -> bool:
        """Whether a message has been sent; or certainly never will be, which is then noted as a violation."""
        message_id = event.message_id or ""
        if message_id in self._bag.messages:
            if message_id in self._held:
                return False
            sent = self._never_left.pop(message_id, None)
            if sent is not None:
                self._is_early(sent, event)
            return True
        if (event.peer or "") in self._under_way:
            return False
        self._was_never_sent(event)
        return True

    def _force(self) -> None:
        """All nodes wait for each other. One of them goes on: first one that may, by what is known."""
        blocked = [node.event for node in self._under_way.values() if node.event is not None]
        bag = self._bag.messages
        by_gap = [e for e in blocked if (e.message_id or "") not in bag and e.peer in self.incomplete]
        by_disk = [e for e in blocked if e.message_id in self._held]
        event = (by_gap or by_disk or blocked)[0]
        sent = self._held.pop(event.message_id or "", None)
        if sent is not None:
            self._is_early(sent, event)
        else:
            self._was_never_sent(event)
        self._go_on(self._under_way[event.node], is_forced=True)

    def _was_never_sent(self, event: TraceEvent) -> None:
        self._bag.put(event.message_id or "", None)
        sender = event.peer or ""
        if sender in self.refinements and sender not in self.incomplete:
            self.early.append(
                IllegalStep(
                    event, "Receive", "m \\in DOMAIN messages", "", "", f"{event.message} from {sender}"
                )
            )

    def _is_early(self, sent: TraceEvent, received: TraceEvent) -> None:
        self.early.append(
            IllegalStep(
                sent,
                "Send",
                "what the message promises (term, vote, log) is on its sender's disk when it leaves",
                "",
                "",
                f"{sent.message}, which {received.node} took (life {received.life}, seq {received.seq})",
            )
        )
