"""Real nodes while nothing is wrong: no leader is deposed again and again, no entry is sent without end.

Nothing is wrong with real nodes

- from `BOUND_ELECTIONS` election time-outs after the final heal to the last operation; and
- if the nemesis did nothing at all, from that long after the run began.

A busy machine or disk may hold up a node for seconds and so depose a leader, or have a follower answer
heartbeats while its log waits for the disk. Therefore some new terms, or repetitions, prove nothing. A
violation is `MOST_TERMS` new terms within `WITHIN_ELECTIONS` election time-outs; a term does not count if the
harness, which runs on the same machine, stalled shortly before it. In the same way an entry that goes to one
follower `MOST_SENDINGS` times is sent without end. With fewer terms than that, the judge says how many there
were, and judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from checkers.run.faults import fault_operations
from checkers.run.liveness.bounds import BOUND_ELECTIONS
from checkers.run.liveness.part import Part
from checkers.run.stalls import Stalls, ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence
from checkers.words import plural, seconds
from history import Recording, TraceEvent
from history.nemesis import FINAL_HEAL
from history.units import MILLISECOND_NS

MOST_TERMS, WITHIN_ELECTIONS = 6, 20
MOST_SENDINGS = 100
OTHER_MACHINES = "ssh"


def judge_calm_times(recording: Recording) -> Part:
    """Count what happens on real nodes while nothing is wrong."""
    election, start = recording.options.get("election_ms"), recording.options.get("monotonic_start_ns")
    is_near = recording.options.get("world") != OTHER_MACHINES  # else the nodes' clocks are not the run's
    if not ran_on_a_real_clock(recording) or not is_near or not recording.traces:
        return Part(idle="no real node had a time in which nothing was wrong")
    if not isinstance(election, int) or not isinstance(start, int):
        return Part(idle="the election time-outs of these nodes are not known")
    election_ns = election * MILLISECOND_NS
    calm = _calm(recording, election_ns)
    if calm is None:
        return Part(idle="no time without faults was as long as an election may take")
    since, until = calm
    began, sent = _read(recording, start, since, until)
    stalls = Stalls.of(recording)
    counted = [line for at, line in began if not stalls.within(at - 2 * election_ns, at) > election_ns // 4]
    evidence = [*_deposed(counted, start, election_ns), *_sent_again(sent, since, until)]
    lasted = seconds(until - since)
    return Part(
        evidence=tuple(evidence),
        held=f"no term began in {lasted} in which nothing was wrong" if not began else "",
        idle=f"{plural(len(began), 'term')} began in {lasted} in which nothing was wrong; on a real clock "
        "that is too few to tell"
        if began
        else "",
        measures={"calm_s": (until - since) / 1e9, "terms_while_calm": len(began)},
    )


def _calm(recording: Recording, election_ns: int) -> tuple[int, int] | None:
    faults = fault_operations(recording.history)
    heals = [fault.completion.time for fault in faults if fault.f == FINAL_HEAL]
    columns = recording.history.columns
    had_faults = bool(((columns.process < 0) & (columns.f != columns.f_code(FINAL_HEAL))).any())
    if not len(recording.history) or (had_faults and not heals):
        return None
    since = (heals[-1] if had_faults else 0) + BOUND_ELECTIONS * election_ns
    until = int(recording.history.columns.time[-1])
    return (since, until) if until - since > 2 * election_ns else None


def _read(
    recording: Recording, start: int, since: int, until: int
) -> tuple[list[tuple[int, TraceEvent]], Counter[tuple[str, str, int]]]:
    """The first line of each term that began in that time, by time; and how often each entry was sent."""
    first: dict[int, tuple[int, TraceEvent]] = {}
    sent: Counter[tuple[str, str, int]] = Counter()
    older = 0
    for node, trace in recording.traces.items():
        for line in trace.events:
            at = line.at - start
            if at < since:
                older = max(older, line.term)
            elif at >= until:
                continue
            elif line.event == "term":
                if line.term not in first or at < first[line.term][0]:
                    first[line.term] = at, line
            elif line.event == "send" and line.message == "AppendEntries" and line.count:
                sent[node, line.peer or "", (line.index or 0) + line.count] += 1
    return sorted((one for term, one in first.items() if term > older), key=lambda one: one[0]), sent


def _deposed(began: Sequence[TraceEvent], start: int, election_ns: int) -> list[Evidence]:
    for first, last in zip(began, began[MOST_TERMS - 1 :], strict=False):
        if last.at - first.at <= WITHIN_ELECTIONS * election_ns:
            return [
                Evidence(
                    title=f"leaders do not stay though nothing is wrong: {plural(len(began), 'term')} began, "
                    f"the first at {seconds(first.at - start)}",
                    text=f"No fault was on. {first.node} moved to term {first.term} at "
                    f"{seconds(first.at - start)}, and {last.node} to term {last.term} at "
                    f"{seconds(last.at - start)}. The harness did not stall.",
                    events=(EventRef(first.node, first.life, first.seq),),
                    nodes=(first.node,),
                    kind="a leader does not stay though all is quiet",
                )
            ]
    return []


def _sent_again(sent: Counter[tuple[str, str, int]], since: int, until: int) -> list[Evidence]:
    ((node, peer, index), often) = max(sent.items(), key=lambda one: one[1], default=(("", "", 0), 0))
    if often < MOST_SENDINGS:
        return []
    return [
        Evidence(
            title=f"{node} sent entry {index} to {peer} {often} times though nothing was wrong",
            text=f"No fault was on from {seconds(since)} to {seconds(until)}.",
            nodes=(node, peer),
            kind="one entry is sent again and again",
        )
    ]
