"""How a leadership ends: a leader that no majority answers notices, and one that goes hands over.

- **It notices** (thesis, section 6.2): a leader that no majority has answered for an election time-out steps
  down. It looks once in each of them, so two may pass; `MOST_SILENT_ELECTIONS` are a violation. Only the time
  counts in which the leader ran: the intervals of a heartbeat in which it sent one.
- **It hands over** (thesis, section 3.10): a leader that ends in order, or that applied its own removal, asks
  another voter to stand at once (`TimeoutNow`), so that the cluster need not wait for a time-out.

Each is about one node's own trace and its own clock, so real nodes are judged, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from checkers.run.liveness.part import Part
from checkers.verdict import EventRef, Evidence
from checkers.words import plural
from history import Recording, TraceEvent
from history.units import MILLISECOND_NS, SECOND_NS

MOST_SILENT_ELECTIONS = 3.5
"""Two, a clock that is slow by the bound, and one more."""
_ANSWERS = frozenset({"AppendEntriesReply", "InstallSnapshotReply"})


def judge_leaderships(recording: Recording) -> Part:
    """Follow each leadership that a trace shows to its end."""
    election, heartbeat = recording.options.get("election_ms"), recording.options.get("heartbeat_ms")
    if not isinstance(election, int) or not isinstance(heartbeat, int) or not recording.traces:
        return Part(idle="no trace shows a leader, or the time-outs are not known")
    evidence: list[Evidence] = []
    for node, trace in recording.traces.items():
        following = _Following(node, recording.nodes, election * MILLISECOND_NS, heartbeat * MILLISECOND_NS)
        evidence += following.through(trace.events)
    return Part(evidence=tuple(evidence))


class _Following:
    """One node's trace, line by line. Times are nanoseconds of its own clock."""

    def __init__(self, node: str, nodes: Sequence[str], election: int, heartbeat: int) -> None:
        self._node = node
        self._nodes = tuple(nodes)
        self._heartbeat = heartbeat
        self._patience = round(MOST_SILENT_ELECTIONS * election)
        self._look_after = 0

    def through(self, lines: Iterable[TraceEvent]) -> Iterator[Evidence]:
        """Each leadership that did not end as it must, or not in time."""
        life, voters, leads = 0, self._nodes, False
        configured_at = 0
        heard: dict[str, int] = {}
        sent: set[int] = set()
        """The heartbeat intervals in which it sent."""
        began = 0
        """When its leadership began, or the last change of the voters."""
        step: list[TraceEvent] = []
        """Messages that were sent since the node last applied entries, or since any other line."""
        applied = False
        """Whether that line was `apply`."""
        for line in lines:
            event = line.event
            if event == "receive" and line.life == life:  # it and `send` are most lines
                if leads and line.message in _ANSWERS and line.peer is not None:
                    heard[line.peer] = line.at
                if step or applied:
                    step, applied = [], False
                continue
            if event == "restart" or line.life != life:
                life, voters, leads, configured_at = line.life, self._nodes, False, 0
            if event == "configuration" and line.members is not None:
                if set(line.members) != set(voters):
                    # A majority of the new ones may need those who had no reason to answer before.
                    began, self._look_after = line.at, max(self._look_after, line.at + self._patience)
                voters, configured_at = line.members, line.index or 0
            elif event == "role":
                removed = self._node not in voters and configured_at <= line.commit
                if leads and line.role == "follower" and applied and removed:
                    yield from self._handed_over(line, step, voters, "its removal was applied")
                leads, began = line.role == "leader", line.at
                heard, sent, self._look_after = {}, set(), line.at + self._patience
            elif event == "stop" and line.role == "leader" and leads:
                yield from self._handed_over(line, step, voters, "it ended in order")
            elif leads and event == "send" and line.message == "AppendEntries":
                sent.add(line.at // self._heartbeat)
                if line.at > self._look_after:
                    contact = max(began, self._contact(heard, voters, line.at))
                    sent = {interval for interval in sent if interval >= contact // self._heartbeat}
                    if self._is_alone(contact, line.at, sent):
                        yield self._alone(line, contact)
                        leads = False  # one leadership is one violation
                    self._look_after = max(contact + self._patience, line.at + self._heartbeat)
            if event == "send":
                step.append(line)
            elif event == "apply":
                step, applied = [], True
            elif event not in ("role", "stop"):
                step, applied = [], False

    def _contact(self, heard: dict[str, int], voters: Sequence[str], now: int) -> int:
        """When a majority, with the leader itself, had last answered; 0 for never in this leadership."""
        times = sorted(
            (now if voter == self._node else heard.get(voter, 0) for voter in voters), reverse=True
        )
        return times[len(times) // 2] if times else now

    def _is_alone(self, contact: int, now: int, sent: Collection[int]) -> bool:
        """Whether no majority answered for too long, of the time in which the leader ran.

        Not messages are counted, but the intervals in which it sent: a process that was stopped sends
        hundreds at once when it runs again, for the requests that came meanwhile.
        """
        return now - contact > self._patience and len(sent) * self._heartbeat > self._patience

    def _alone(self, line: TraceEvent, contact: int) -> Evidence:
        silent = (line.at - contact) / SECOND_NS
        return Evidence(
            title=f"{self._node} led term {line.term} for {silent:.2f} s though no majority answered it",
            text=f"{self._node} sent heartbeats of term {line.term}, and a majority had last answered "
            f"{silent:.2f} s before, or never. A leader that hears no majority for an election time-out "
            "steps down: its clients could wait for it for ever.",
            events=(EventRef(line.node, line.life, line.seq),),
            nodes=(self._node,),
            kind="a leader goes on without a majority",
        )

    def _handed_over(
        self, line: TraceEvent, step: Sequence[TraceEvent], voters: Sequence[str], why: str
    ) -> Iterator[Evidence]:
        """A leader that goes must have asked another voter just before, if there is one."""
        others = [voter for voter in voters if voter != self._node]
        if not others or any(one.message == "TimeoutNow" for one in step):
            return
        yield Evidence(
            title=f"{self._node} gave up term {line.term} and asked no other node to lead",
            text=f"{self._node} led term {line.term}, and {why}. It asked none of "
            f"{plural(len(others), 'voter')} ({', '.join(others)}) to stand, so the cluster waits for an "
            "election time-out.",
            events=(EventRef(line.node, line.life, line.seq),),
            nodes=(self._node,),
            kind="a leader goes and asks no other to lead",
        )
