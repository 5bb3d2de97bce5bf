"""A quiet cluster rests: nothing is broken, nothing is asked for, so nothing but heartbeats happens.

Every simulated run ends with a time in which all nodes run, all links are fast, and no client asks for
anything. It begins when the last operation is over, at least `BOUND_ELECTIONS` election time-outs after the
final heal, and lasts for `QUIET_ELECTIONS` of them. In it the members of the cluster

- **keep their leader**: they are in its term when that time begins, and no member takes another term or
  role, or asks for votes;
- **repeat nothing**: no entry and no snapshot is sent to one follower, or appended, or taken, again and
  again, and no disk is synced again and again without a new record;
- **send heartbeats alone**: between two nodes go as many messages as heartbeats are due, and a few
  for each new entry. An instance whose beats have stopped may still make an entry;
- **finish**: every entry that the leader had before is committed, and applied by each of them.

The final reads come between the heal and that time. A read of which no member's term or role changed while it
was under way takes some messages over fast links; so half of these reads take less than half a heartbeat. And
each member answers some of them.

All of that is judged strictly, by the one clock of a simulated world. Real nodes: see `calm.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from checkers.run.convergence import LAST_READS, OWN_STATE, members
from checkers.run.faults import fault_operations
from checkers.run.liveness.bounds import (
    BOUND_ELECTIONS,
    FEWEST_ASKED,
    QUIET_ELECTIONS,
    line_at,
    lines_of,
)
from checkers.run.liveness.part import Part
from checkers.run.stalls import ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence
from checkers.words import plural, seconds
from history import Operation, Recording, TraceEvent
from history.nemesis import FINAL_HEAL
from history.units import MILLISECOND_NS

AGAIN = 3
"""What is sent or done so often in the quiet time is done again and again."""
CATCH_UP_HEARTBEATS = 4
"""An entry may be on its way to all members for this number of heartbeats."""
FASTEST_CLOCK = 1.25
"""How much faster than true time a node's heartbeat timer may run, with a margin."""
SPARE_MESSAGES, MESSAGES_AN_ENTRY = 6, 4
SPARE_SYNCS = 3
FEWEST_READS = 8
"""The median of fewer reads says nothing."""
_RECORDS = frozenset({"append", "vote", "term", "truncate", "snapshot"})
"""Events that put a record on the disk."""
_FOR_VOTES = frozenset({"PreVote", "RequestVote", "TimeoutNow"})


@dataclass(frozen=True)
class Quiet:
    """The quiet end of a simulated run; times are nanoseconds of the run."""

    healed: int
    since: int
    until: int
    election: int
    heartbeat: int
    lines: Mapping[str, Sequence[TraceEvent]]
    """By member that ran to the end, its whole trace."""

    @cached_property
    def within(self) -> Mapping[str, Sequence[TraceEvent]]:
        """By member, the lines of the quiet time."""
        return {
            node: lines[bisect_left(lines, self.since, key=_at) : bisect_left(lines, self.until, key=_at)]
            for node, lines in self.lines.items()
        }

    @cached_property
    def standing(self) -> Mapping[str, TraceEvent]:
        """By member, its last line when the quiet time begins."""
        found = {node: line_at(lines, self.since) for node, lines in self.lines.items()}
        return {node: line for node, line in found.items() if line is not None}

    @cached_property
    def leader(self) -> str | None:
        """The member that leads when the quiet time begins; None if not exactly one does, with all others in
        its term as followers."""
        leads = [node for node, line in self.standing.items() if line.role == "leader"]
        terms = {line.term for line in self.standing.values()}
        roles = {line.role for line in self.standing.values()}
        return leads[0] if len(leads) == 1 and len(terms) == 1 and "candidate" not in roles else None


def _at(line: TraceEvent) -> int:
    return line.at


def quiet_from(healed: int, ended: int, election_ns: int) -> int:
    """When the quiet time begins, of a run that was healed and whose last operation ended then."""
    return max(healed + BOUND_ELECTIONS * election_ns, ended)


def quiet_until(healed: int, ended: int, election_ns: int) -> int:
    """When the quiet time has lasted for long enough."""
    return quiet_from(healed, ended, election_ns) + QUIET_ELECTIONS * election_ns


def judge_quiet_end(recording: Recording) -> Part:
    """Look at what the members did in the quiet end of a simulated run."""
    quiet = None if ran_on_a_real_clock(recording) else _quiet(recording)
    if quiet is None:
        return Part(idle="the run had no quiet end")
    doubt = _doubt(quiet, members(recording))
    if doubt:
        return Part(doubts=(doubt,))
    evidence = [*_without_leader(quiet), *_slow_reads(quiet, recording), *_silent(quiet, recording)]
    if quiet.leader is not None:
        evidence += [
            *_moved(quiet),
            *_asked_for_votes(quiet),
            *_sent_again(quiet),
            *_too_many_messages(quiet),
            *_appended_again(quiet),
            *_unfinished(quiet, quiet.leader),
            *_snapshots_again(quiet),
            *_synced_again(quiet),
        ]
    lasted = (quiet.until - quiet.since) / 1e9
    return Part(
        evidence=tuple(evidence),
        held=f"{quiet.leader} led {plural(len(quiet.lines), 'member')} for {lasted:g} s in which nothing "
        "else happened",
        measures={"quiet_s": lasted},
    )


def _quiet(recording: Recording) -> Quiet | None:
    """The quiet end; None if there is none, or not enough members ran to the end of it."""
    election, heartbeat = recording.options.get("election_ms"), recording.options.get("heartbeat_ms")
    heals = [fault for fault in fault_operations(recording.history) if fault.f == FINAL_HEAL]
    if not heals or not isinstance(election, int) or not isinstance(heartbeat, int):
        return None
    healed = heals[-1].completion.time
    ended = int(recording.history.columns.time[-1])
    since = quiet_from(healed, ended, election * MILLISECOND_NS)
    every = members(recording)
    lines = {node: lines_of(recording, node) for node in every}
    stopped = {node: of_node[-1].at for node, of_node in lines.items() if _ran_on(of_node, since)}
    if len(stopped) * 2 <= len(every):
        return None
    return Quiet(
        healed=healed,
        since=since,
        until=min(stopped.values()),
        election=election * MILLISECOND_NS,
        heartbeat=heartbeat * MILLISECOND_NS,
        lines={node: lines[node] for node in stopped},
    )


def _doubt(quiet: Quiet, every: Sequence[str]) -> str:
    """Why the traces do not say what happened: what is missing or was changed accuses no node. Else empty."""
    unseen = [node for node in every if node not in quiet.lines]
    if quiet.leader is None and unseen:  # the leader may be one of them
        return f"the trace of {', '.join(unseen)} does not reach the quiet end, and no other member led then"
    too_long = quiet.until - quiet.since - QUIET_ELECTIONS * quiet.election
    if too_long > MILLISECOND_NS:  # clients asked for something then
        return f"the history ends {seconds(too_long)} before the quiet time began: its end is missing"
    sent = {line.message_id: line for line in _messages(quiet, "send")}
    for line in _messages(quiet, "receive"):
        sending = sent.get(line.message_id)
        if sending is not None and line.at < sending.at:
            return (
                f"the traces do not agree on time: {line.node} received {line.message} from {sending.node} "
                f"{seconds(sending.at - line.at)} before it was sent"
            )
    return ""


def _messages(quiet: Quiet, event: str) -> Iterator[TraceEvent]:
    """The lines of messages, of that kind, from the final heal on."""
    for lines in quiet.lines.values():
        for line in lines[bisect_left(lines, quiet.healed, key=_at) :]:
            if line.event == event and line.message_id:
                yield line


def _ran_on(lines: Sequence[TraceEvent], since: int) -> bool:
    """Whether a node's last life began before that time and ended later, in order."""
    if not lines or lines[-1].event != "stop" or lines[-1].at <= since:
        return False
    standing = line_at(lines, since)
    return standing is not None and standing.life == lines[-1].life


# ---- It has a leader, which stays ------------------------------------------------------------------------


def _without_leader(quiet: Quiet) -> Iterator[Evidence]:
    if quiet.leader is not None:
        return
    words = "; ".join(f"{node} is a {line.role} of term {line.term}" for node, line in quiet.standing.items())
    yield Evidence(
        title=f"{', '.join(quiet.lines)} have no common leader {_later(quiet)} after the final heal",
        text=f"At {seconds(quiet.healed)} all faults were healed. At {seconds(quiet.since)} the members "
        f"still had no common leader: {words}.",
        events=tuple(map(_ref, quiet.standing.values())),
        nodes=tuple(quiet.lines),
        kind="a healed cluster has no leader",
    )


def _moved(quiet: Quiet) -> Iterator[Evidence]:
    """Members that took another term or role in the quiet time."""
    moved = [line for lines in quiet.within.values() for line in lines if line.event in ("term", "role")]
    if not moved:
        return
    first = min(moved, key=lambda line: (line.at, line.node, line.seq))
    terms = len({line.term for line in moved} - {line.term for line in quiet.standing.values()})
    yield Evidence(
        title=f"{quiet.leader} did not stay leader though all was quiet: {first.node} became a {first.role} "
        f"of term {first.term} at {seconds(first.at)}",
        text=f"All faults were healed at {seconds(quiet.healed)}, and the last operation was over before "
        f"{seconds(quiet.since)}. {quiet.leader} led term {quiet.standing[quiet.leader or ''].term}. "
        f"{plural(len(moved), 'change')} of a term or role followed up to {seconds(quiet.until)}, and "
        f"{plural(terms, 'new term')} began.",
        events=(_ref(first),),
        nodes=(first.node,),
        kind="a leader does not stay though all is quiet",
    )


def _asked_for_votes(quiet: Quiet) -> Iterator[Evidence]:
    for node, lines in quiet.within.items():
        asked = [line for line in lines if line.event == "send" and line.message in _FOR_VOTES]
        if asked:
            yield Evidence(
                title=f"{node} sent {plural(len(asked), 'request')} of an election though {quiet.leader} led "
                "and all was quiet",
                text=f"From {seconds(quiet.since)} on all was quiet. {node} sent {asked[0].message} to "
                f"{asked[0].peer} at {seconds(asked[0].at)}, in term {asked[0].term}.",
                events=(_ref(asked[0]),),
                nodes=(node,),
                kind="a member campaigns though all is quiet",
            )


# ---- It repeats nothing ----------------------------------------------------------------------------------


def _sent_again(quiet: Quiet) -> Iterator[Evidence]:
    """One entry, or one snapshot, goes to one follower again and again."""
    for node, lines in quiet.within.items():
        times: Counter[tuple[str, str, int]] = Counter()
        for line in lines:
            if line.event != "send" or line.peer is None or line.peer not in quiet.lines:
                continue
            if line.message == "AppendEntries" and line.count and line.index is not None:
                times[line.peer, "entry", line.index + line.count] += 1
            elif line.message == "InstallSnapshot" and line.index is not None:
                times[line.peer, "snapshot", line.index] += 1
        for (peer, what, index), often in sorted(times.items()):
            if often >= AGAIN:
                yield Evidence(
                    title=f"{node} sent {what} {index} to {peer} {often} times though all was quiet",
                    text=f"From {seconds(quiet.since)} to {seconds(quiet.until)} no message was lost, and "
                    f"{node} sent {what} {index} to {peer} {often} times.",
                    nodes=(node, peer),
                    kind=f"one {what} is sent again and again",
                )
                break  # of one sender, the first says it


def _too_many_messages(quiet: Quiet) -> Iterator[Evidence]:
    """More messages between two nodes than heartbeats, and new entries, explain."""
    entries = max(_appended(lines) for lines in quiet.within.values())
    due = FASTEST_CLOCK * (quiet.until - quiet.since) / quiet.heartbeat
    most = round(due) + SPARE_MESSAGES + MESSAGES_AN_ENTRY * entries
    for node, lines in quiet.within.items():
        sent = Counter(line.peer for line in lines if line.event == "send")
        for peer, number in sent.items():
            if number > most:
                yield Evidence(
                    title=f"{node} sent {plural(number, 'message')} to {peer} though all was quiet, and "
                    f"{most} are enough",
                    text=f"From {seconds(quiet.since)} to {seconds(quiet.until)} {round(due)} heartbeats "
                    f"were due at the most, and {plural(entries, 'entry', 'entries')} appended.",
                    nodes=(node, peer or ""),
                    kind="more messages than heartbeats",
                )


def _appended(lines: Sequence[TraceEvent]) -> int:
    return sum(len(line.entries) for line in lines if line.event == "append")


def _appended_again(quiet: Quiet) -> Iterator[Evidence]:
    """Equal entries are appended one after the other: each has its own index, and equal content."""
    for node, lines in quiet.within.items():
        hashes = Counter(entry.hash for line in lines if line.event == "append" for entry in line.entries)
        often = max(hashes.values(), default=0)
        if often >= AGAIN:
            yield Evidence(
                title=f"{node} appended {often} equal entries though nothing was asked for",
                text=f"From {seconds(quiet.since)} to {seconds(quiet.until)} no client asked for anything, "
                f"and {node} appended {plural(_appended(lines), 'entry', 'entries')}, {often} of them equal.",
                nodes=(node,),
                kind="a log grows though nothing is asked for",
            )


def _snapshots_again(quiet: Quiet) -> Iterator[Evidence]:
    """A snapshot is taken though nothing was applied since the one before."""
    for node, lines in quiet.lines.items():
        newest, again = -1, 0
        for line in lines:
            if line.event == "restart":
                newest = -1 if line.index is None or not line.digest else line.index
            elif line.event == "snapshot" and line.index is not None:
                again += int(line.index <= newest and quiet.since <= line.at < quiet.until)
                newest = max(newest, line.index)
        if again:
            yield Evidence(
                title=f"{node} took the same snapshot again, {again} times, though all was quiet",
                text=f"From {seconds(quiet.since)} to {seconds(quiet.until)} {node} took {again} snapshots "
                f"that end no later than the one before, up to index {newest}.",
                nodes=(node,),
                kind="one snapshot is taken again and again",
            )


def _synced_again(quiet: Quiet) -> Iterator[Evidence]:
    """A disk is synced more often than there were records."""
    for node, lines in quiet.within.items():
        events = Counter(line.event for line in lines)
        records = sum(number for event, number in events.items() if event in _RECORDS)
        if events["synced"] > records + SPARE_SYNCS:
            yield Evidence(
                title=f"{node} synced its disk {events['synced']} times though all was quiet",
                text=f"From {seconds(quiet.since)} to {seconds(quiet.until)} {node} had "
                f"{plural(records, 'record')} for its disk.",
                nodes=(node,),
                kind="a disk is synced again and again",
            )


# ---- It finishes, and it answers ---------------------------------------------------------------------------


def _unfinished(quiet: Quiet, leader: str) -> Iterator[Evidence]:
    """Entries of the leader that some member has not applied some heartbeats later."""
    held = line_at(quiet.lines[leader], quiet.until - CATCH_UP_HEARTBEATS * quiet.heartbeat)
    if held is None:
        return
    for node, lines in quiet.lines.items():
        last = line_at(lines, quiet.until - 1)
        if last is not None and min(last.commit, last.applied) < held.last:
            what = "committed" if last.commit < held.last else "applied"
            reached = min(last.commit, last.applied)
            yield Evidence(
                title=f"{node} has {what} its log up to index {reached} alone, and {leader} holds "
                f"{held.last}",
                text=f"At {seconds(held.at)} {leader} held its log up to index {held.last}, and all was "
                f"quiet. At {seconds(last.at)} {node} had {what} it up to index {reached} alone.",
                events=(_ref(last),),
                nodes=(node,),
                kind="an entry is not committed though all is quiet",
            )


def _final_reads(quiet: Quiet, recording: Recording) -> Iterator[tuple[Operation, Operation]]:
    """Each read of the newest state after the final heal that a member was asked for: (asked, answered)."""
    history = recording.history
    for operation in history:
        if operation.type == "invoke" or not operation.is_client or operation.node not in quiet.lines:
            continue
        if not operation.f.startswith(LAST_READS) or operation.f == OWN_STATE:
            continue
        asked = history.invocation(operation)
        if asked.time >= quiet.healed:
            yield asked, operation


def _slow_reads(quiet: Quiet, recording: Recording) -> Iterator[Evidence]:
    """Half of the undisturbed reads take half a heartbeat, as if each waited for the next one."""
    moves = sorted(
        line.at for lines in quiet.lines.values() for line in lines if line.event in ("term", "role")
    )
    reads = [
        (asked, answered)
        for asked, answered in _final_reads(quiet, recording)
        if answered.type == "ok" and bisect_left(moves, asked.time) == bisect_left(moves, answered.time)
    ]
    if len(reads) < FEWEST_READS:
        return
    typical = median(answered.time - asked.time for asked, answered in reads)
    if typical <= quiet.heartbeat / 2:
        return
    slow = [asked for asked, answered in reads if answered.time - asked.time >= typical]
    yield Evidence(
        title=f"half of {plural(len(reads), 'read')} took {typical / 1e6:.1f} ms or more, with fast links "
        "and a leader that stayed",
        text=f"After the final heal at {seconds(quiet.healed)} links take less than a millisecond, and no "
        f"member took another term or role while these reads were under way. A heartbeat comes every "
        f"{quiet.heartbeat / 1e6:g} ms: reads must not wait for one.",
        operations=tuple(recording.history.number(one.index) for one in slow[:3]),
        kind="reads wait for heartbeats",
    )


def _silent(quiet: Quiet, recording: Recording) -> Iterator[Evidence]:
    """Members that answered no read once all nodes have had time to find a leader."""
    asked: dict[str, list[Operation]] = {node: [] for node in quiet.lines}
    answered: set[str] = set()
    settled = quiet_from(quiet.healed, 0, (quiet.until - quiet.since) // QUIET_ELECTIONS)
    for invocation, completion in _final_reads(quiet, recording):
        node = completion.node or ""
        if completion.type == "ok":
            answered.add(node)
        elif invocation.time >= settled:
            asked[node].append(invocation)
    for node, reads in asked.items():
        if len(reads) >= FEWEST_ASKED and node not in answered:
            yield Evidence(
                title=f"{node} was well and answered no read",
                text=f"All faults were healed at {seconds(quiet.healed)}. From {seconds(reads[0].time)} on "
                f"{node} was asked for {plural(len(reads), 'read')}, and answered none.",
                operations=tuple(recording.history.number(one.index) for one in reads[:3]),
                nodes=(node,),
                kind="a member answers no read after the final heal",
            )


def _later(quiet: Quiet) -> str:
    return f"{(quiet.since - quiet.healed) / 1e9:g} s"


def _ref(line: TraceEvent) -> EventRef:
    return EventRef(line.node, line.life, line.seq)
