"""The reference node without its trace, to measure what the trace costs. Not for tests: nothing can be
judged.

Takes the node's command line. It is built as a mutant is, from parts that override one thing: it makes no
trace event, describes no message, hashes no entry and writes no line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from node_impl.core.build import Parts
from node_impl.core.events import Recovered, Send, Trace, TraceRow
from node_impl.core.raft.member.log import Log
from node_impl.core.raft.member.state import RaftState
from node_impl.core.raft.messages import Envelope, Message
from node_impl.io.server import main

UNWRITTEN = Trace(0, 0, "", 0, "follower", 0, 0, 0)


class LazyRows(Sequence[TraceRow]):
    """Rows that are made when they are read: a snapshot reads one."""

    def __init__(self, log: Log, start: int, end: int) -> None:
        self._asked = log, start, end

    def _rows(self) -> Sequence[TraceRow]:
        log, start, end = self._asked
        return Log.trace_rows(log, start, end)

    def __getitem__(self, position: Any) -> Any:
        return self._rows()[position]

    def __len__(self) -> int:
        return len(self._rows())


class UnhashedLog(Log):
    """Hashes entries only when their rows are read."""

    def trace_rows(self, start: int, end: int) -> Sequence[TraceRow]:
        return LazyRows(self, start, end)


class Untraced(RaftState):
    """A node's state that makes no trace events."""

    def new_log(self, recovered: Recovered) -> Log:
        return UnhashedLog(recovered.entries, recovered.base.index, recovered.base.term)

    def trace(self, event: str, **fields: Any) -> None:
        pass

    def trace_message(self, *_line: str) -> Trace:
        return UNWRITTEN

    def send(self, to: str, body: Message, after: int = 0) -> str:
        self._messages += 1
        message_id = f"{self._message_prefix}{self._messages}"
        self.outbox.effects.append(Send(to, Envelope(message_id, self.name, body), after))
        return message_id


if __name__ == "__main__":
    sys.exit(main(parts=Parts(state=Untraced)))
