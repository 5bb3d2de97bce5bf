"""How long Raft's invariants and conformance take on traces of a given size, and how much memory.

    python benchmarks/checkers/raft_traces.py [EVENTS] [--folder DIR]

Traces of a correct cluster of five are written as nodes write them. Every 20,000 events the leader is
killed with an entry that no other node holds, and another is elected. The first one returns with its
snapshot applied, and truncates the entry. Then reading, the invariants and conformance are measured, each
in a process of its own, so that it has a peak of memory of its own. Exits 1 if a verdict is not `valid`, or
if a task takes over 200 bytes an event at its peak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from checkers.raft import raft_invariants
from checkers.raft.conformance import Conformance
from checkers.verdict import Unjudged, Validity
from history import History, Recording, read_trace

NODES = ("n1", "n2", "n3", "n4", "n5")
EVENTS_A_TERM = 20_000
ENTRIES_A_MESSAGE = 2
BYTES_AN_EVENT = 200
Row = tuple[int, int, str, str]


class TracedNode:
    """Writes one node's trace, and keeps the state that its lines show."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        self.life = 0
        self.term = self.commit = self.applied = self.messages = 0
        self.vote = ""
        self.log: list[Row] = []
        self.role = "follower"
        self.written = self.snapshot = 0
        self._file: TextIO | None = None
        self.begin()

    def begin(self) -> None:
        """Begin a new life, with all of the log."""
        self.close()
        self.life += 1
        self._seq, self.commit, self.applied = 0, self.snapshot, self.snapshot
        self.role = "follower"
        self._file = (self._folder / f"{self.life:04}.jsonl").open("w", buffering=1 << 20)
        more = f',"entries":[{_row(self.log[-1])}]' if self.log else ""
        more += f',"vote":"{self.vote}"' if self.vote else ""
        self.line("restart", more + (self._of_snapshot() if self.snapshot else ""))
        members = ",".join(f'"{name}"' for name in NODES)
        self.line("configuration", f',"members":[{members}]')

    def line(self, event: str, more: str = "") -> None:
        """Write one line, with the state as it is."""
        self._seq += 1
        self.written += 1
        assert self._file is not None
        self._file.write(
            f'{{"seq":{self._seq},"at":{self.written},"event":"{event}","term":{self.term},'
            f'"role":"{self.role}","commit":{self.commit},"applied":{self.applied},"last":{len(self.log)}{more}}}\n'
        )

    def send(self, to: TracedNode, message: str, fields: str) -> str:
        """Trace a message as sent, and return what `receive` takes."""
        self.messages += 1
        sent = f'"message":"{message}","message_id":"{self.name}:{self.life}:{self.messages}"'
        self.line("send", f',"peer":"{to.name}",{sent}{fields}')
        return f',"peer":"{self.name}",{sent}'

    def receive(self, sent: str) -> None:
        """Trace a message as received."""
        self.line("receive", sent)

    def answer(self, to: TracedNode, message: str, fields: str) -> None:
        """Send a reply, which leaves once all is on disk."""
        sent = self.send(to, message, fields)
        self.synced()
        to.receive(sent)

    def append(self, rows: list[Row]) -> None:
        """Append entries to the log."""
        self.log += rows
        self.line("append", f',"entries":[{",".join(map(_row, rows))}]')

    def synced(self) -> None:
        """Trace that all is on disk."""
        vote = f',"vote":"{self.vote}"' if self.vote else ""
        self.line("synced", f',"index":{len(self.log)}{vote}')

    def enter(self, term: int, vote: str) -> None:
        """Enter a new term, and vote in it."""
        self.term, self.vote = term, ""
        self.line("term")
        self.vote = vote
        self.line("vote", f',"vote":"{vote}"')

    def become(self, role: str) -> None:
        """Take another role in the term."""
        self.role = role
        self.line("role")

    def commit_to(self, index: int) -> None:
        """Commit and apply entries up to an index."""
        if index > self.commit:
            self.commit = index
            self.line("commit")
            first, self.applied = self.applied, index
            self.line("apply", f',"entries":[{",".join(map(_row, self.log[first:index]))}]')

    def take_snapshot(self) -> None:
        """Take a snapshot of all that is applied."""
        self.snapshot = self.applied
        self.line("snapshot", f',"entries":[{_row(self.log[self.applied - 1])}]' + self._of_snapshot())

    def _of_snapshot(self) -> str:
        return f',"index":{self.snapshot},"digest":"{self.snapshot:032x}"'

    def close(self) -> None:
        """End the trace's file."""
        if self._file is not None:
            self._file.close()


def _row(row: Row) -> str:
    return f'[{row[0]},{row[1]},"{row[2]}","{row[3]}"]'


def write(folder: Path, events: int) -> int:
    """Write traces of about that many events, and return how many there are."""
    nodes = [TracedNode(name, folder) for name in NODES]
    written, operation = 0, 0
    while (written := sum(node.written for node in nodes)) < events:
        leader, *others = nodes = nodes[1:] + nodes[:1]
        _elect(leader, others)
        begun = written
        while sum(node.written for node in nodes) < min(begun + EVENTS_A_TERM, events):
            operation = _replicate(leader, others, operation)
        index = len(leader.log) + 1
        leader.append([(index, leader.term, f"{leader.term:08x}{index:08x}", f"lost{operation}")])
        leader.synced()
        for node in nodes:
            node.take_snapshot()
        leader.begin()
    for node in nodes:
        node.close()
    return written


def _elect(leader: TracedNode, others: list[TracedNode]) -> None:
    term = leader.term + 1
    leader.enter(term, leader.name)
    leader.become("candidate")
    leader.synced()
    for other in others:
        other.receive(leader.send(other, "RequestVote", f',"index":{len(leader.log)}'))
        if len(other.log) > len(leader.log):  # the one that was killed: it has an entry more, and says no
            other.term, other.vote = term, ""
            other.line("term")
            other.answer(leader, "RequestVoteReply", ',"ok":false')
        else:
            other.enter(term, leader.name)
            other.answer(leader, "RequestVoteReply", ',"ok":true')
    leader.become("leader")
    index = len(leader.log) + 1
    leader.append([(index, term, f"{term:08x}{index:08x}", "0")])
    leader.synced()


def _replicate(leader: TracedNode, others: list[TracedNode], operation: int) -> int:
    rows = []
    for index in range(len(leader.log) + 1, len(leader.log) + 1 + ENTRIES_A_MESSAGE):
        operation += 1
        rows.append((index, leader.term, f"{leader.term:08x}{index:08x}", str(operation)))
    leader.append(rows)
    leader.synced()
    for other in others:
        own = len(other.log)
        while own and (own > len(leader.log) or other.log[own - 1] != leader.log[own - 1]):
            own -= 1
        missing = leader.log[own:]
        other.receive(leader.send(other, "AppendEntries", f',"index":{own},"count":{len(missing)}'))
        if own < len(other.log):
            del other.log[own:]
            other.line("truncate", f',"index":{own + 1}')
        other.append(missing)
        other.commit_to(leader.commit)
        other.answer(leader, "AppendEntriesReply", f',"index":{len(other.log)},"ok":true')
    leader.commit_to(len(leader.log))
    for row in rows:
        leader.line("acknowledge", f',"index":{row[0]},"op":"{row[3]}"')
    return operation


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _judge(what: str, folder: Path, queue: multiprocessing.Queue[tuple[float, float, str]]) -> None:
    before, begin = _peak_mb(), time.process_time()
    traces = {name: read_trace(folder / name, name) for name in NODES}
    recording = Recording(NODES, History(()), traces)
    verdicts = []
    if what != "reading":
        checkers = raft_invariants() if what == "invariants" else (Conformance(),)
        verdicts = [checker.check(recording) for checker in checkers]
    wrong = [
        f"{v.checker}: {v.summary}"
        for v in verdicts
        if v.mark not in (Validity.VALID, Unjudged.NOT_EXERCISED)
    ]
    result = "; ".join(wrong) or "valid"
    queue.put((time.process_time() - begin, _peak_mb() - before, result))


def measured(folder: Path) -> Iterator[tuple[str, float, float, str]]:
    """Of each task its name, its seconds of one core, its MB above those of the imports, and its result."""
    context = multiprocessing.get_context("spawn")
    for what in ("reading", "invariants", "conformance"):
        queue: multiprocessing.Queue[tuple[float, float, str]] = context.Queue()
        process = context.Process(target=_judge, args=(what, folder, queue))
        process.start()
        seconds, mb, result = queue.get()
        process.join()
        yield what, seconds, mb, result


def main() -> int:
    """Write the traces, measure each task, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the traces are written, and left")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not folder.exists() or not any(folder.iterdir()):
            write(folder, options.events)
        size = sum(file.stat().st_size for file in folder.rglob("*.jsonl"))
        events = sum(file.read_bytes().count(b"\n") for file in folder.rglob("*.jsonl"))
        print(f"{events:,} events, {size / 1e6:,.0f} MB on disk")
        is_good = True
        for what, seconds, mb, result in measured(folder):
            each = mb * 1024 * 1024 / events
            speed = f"{seconds:8.1f} s  {events / seconds:10,.0f} events/s"
            print(f"{what:12} {speed}  {mb:8,.0f} MB  {each:6.0f} bytes an event  {result}")
            is_good = is_good and each <= BYTES_AN_EVENT and (what == "reading" or result == "valid")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
