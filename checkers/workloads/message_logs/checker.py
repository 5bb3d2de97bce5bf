"""Message logs: an acknowledged message keeps its offset, and no reader misses it.

Offsets may have gaps. What must hold is what Jepsen's checker `kafka` demands of logs without transactions:

- two messages never share an offset, and a message has one offset;
- what is shown was sent, and its sending did not fail;
- a reader sees ascending offsets from the one that it asked for on, and passes over no message;
- of the messages that one client sends to a log, the later one has the greater offset;
- once all was quiet (`settle_s` after the last acknowledged message and the final heal), some node shows
  each acknowledged message.

And as Maelstrom's documentation has it, no node names an offset as committed beyond a message that no reader
came to. Neither demands that a message is shown soon, nor that every node shows it. Transactions are not
judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from checkers.limits import MOST_EVIDENCE
from checkers.run.faults import fault_operations
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict, checked
from checkers.words import plural
from checkers.workloads.client_operations import ClientOperation, client_operations, numbers
from checkers.workloads.message_logs.logs import (
    ASSIGN,
    FINAL_POLL,
    POLL,
    SEND,
    Log,
    Read,
    logs_of,
    offset_of,
)
from checkers.workloads.message_logs.rules import (
    committed_by_none,
    disagreements,
    misreadings,
    sent_out_of_order,
    unsent,
)
from checkers.workloads.replicas.settled import SETTLE_S, SettleTime
from history import Recording
from history.nemesis import FINAL_HEAL
from history.units import SECOND_NS
from history.values import in_words


class _Hidden(NamedTuple):
    """The acknowledged messages that were shown to no reader."""

    lost: list[Evidence]
    """Those that a read of the whole log should have shown."""
    undecided: int
    """How many others there are."""


@dataclass(frozen=True)
class MessageLog:
    """Looks for messages that are lost, passed over, twice there or out of order."""

    settle_s: SettleTime = SETTLE_S
    """How long after the last message and the final heal a node may still not show it."""
    name: str = "message-log"

    def judge(self, recording: Recording) -> Verdict:
        """Judge all logs of a history.

        Raises:
            IllegalOperation: an operation of another kind, or a reply of another shape.
        """
        known = [SEND, POLL, FINAL_POLL, ASSIGN]
        operations = list(client_operations(recording.history, self.name, known))
        logs = logs_of(operations)
        hidden = self._hidden(recording, logs)
        evidence = [
            *hidden.lost,
            *(found for key, log in logs.items() for found in disagreements(key, log)),
            *(found for key, log in logs.items() for found in unsent(key, log)),
            *(found for log in logs.values() for found in misreadings(log)),
            *sent_out_of_order(operations),
            *committed_by_none(operations, logs),
        ]
        acknowledged = sum(one.invocation.f == SEND and one.outcome == "ok" for one in operations)
        shown = sum(len(read.shown) for log in logs.values() for read in log.reads)
        mark: Mark
        if evidence:
            mark = Validity.INVALID
            summary = f"{plural(len(evidence), 'thing', 'things')} wrong: {evidence[0].text}"
        elif not acknowledged or not shown:
            mark, summary = Unjudged.NOT_EXERCISED, "no message was acknowledged and then shown"
        elif hidden.undecided:
            mark = Validity.UNKNOWN
            messages = plural(hidden.undecided, "acknowledged message was", "acknowledged messages were")
            summary = f"{messages} shown to no reader, and no whole log was read once all was quiet"
        else:
            mark = Validity.VALID
            messages = plural(acknowledged, "acknowledged message", "acknowledged messages")
            summary = (
                f"{messages} in {plural(len(logs), 'log', 'logs')}, each at one offset; no reader missed one"
            )
        measures = {"acknowledged": acknowledged, "shown": shown, "wrong": len(evidence)}
        return Verdict.marked(self.name, mark, summary, tuple(evidence[:MOST_EVIDENCE]), measures)

    def _hidden(self, recording: Recording, logs: Mapping[str, Log]) -> _Hidden:
        """Acknowledged messages that no reader was shown."""
        sent = (one for log in logs.values() for one in log.sent.values() if one.outcome == "ok")
        ends = [one.completion.time for one in sent if one.completion is not None]
        ends += [
            fault.completion.time for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL
        ]
        late_from = max(ends, default=0) + self.settle_s * SECOND_NS
        lost: list[Evidence] = []
        undecided = 0
        for key, log in logs.items():
            lacking = [
                one
                for message, one in log.sent.items()
                if one.outcome == "ok" and message not in log.first_read
            ]
            late = [read for read in log.reads if _is_whole(read, late_from)]
            if late:
                lost += [_lost(key, one, late[-1]) for one in lacking]
            else:
                undecided += len(lacking)
        return _Hidden(lost, undecided)

    def check(self, recording: Recording) -> Verdict:
        """Judge, and answer `unknown` to a history that `judge` refuses."""
        return checked(self, recording)


def _is_whole(read: Read, late_from: float) -> bool:
    """Whether it is a read of a whole log that began late enough."""
    begun = read.operation.invocation
    return begun.f == FINAL_POLL and begun.time >= late_from


def _lost(key: str, one: ClientOperation, late: Read) -> Evidence:
    text = (
        f"No node shows {in_words(one.invocation.value)} of {key}, which operation {one.at} sent and "
        f"{one.invocation.node} acknowledged at offset {offset_of(one)}; {late.by} read the whole log once "
        "all was quiet."
    )
    return Evidence("an acknowledged message is lost", text, numbers(one, late.operation))
