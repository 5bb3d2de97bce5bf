"""A quorum that is well works, whatever the other nodes do.

Some simulated runs heal only a quorum before the final heal (the operation `heal-quorum`), and leave the
other nodes broken: they hear nothing and campaign without end, are heard by none, are stopped, slow or gone.
Once `BOUND_ELECTIONS` election time-outs are over, the quorum

- has a leader: all of its nodes are in one term, and some node leads in it;
- keeps it: none of its nodes moves to a later term, as nothing is wrong with them;
- makes progress: writes that its clients ask for are acknowledged, and each of its nodes answers.

Without pre-vote there is no such bound while a node that hears no other asks for votes again and again:
whether the quorum's own candidate is ever first is chance, and a fast clock of the broken node makes it
small. Such a phase is left out if the quorum has no leader and has voted for the broken node.

All of that is by the one clock of a simulated world. On a real clock nothing is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checkers.run.faults import FaultOperation, fault_operations
from checkers.run.liveness.bounds import BOUND_ELECTIONS, FEWEST_ASKED, line_at, lines_of
from checkers.run.liveness.part import Part
from checkers.run.stalls import ran_on_a_real_clock
from checkers.verdict import EventRef, Evidence
from checkers.words import plural, seconds
from history import Operation, Recording, TraceEvent
from history.nemesis import FINAL_HEAL, HEAL_QUORUM, NemesisAction
from history.units import MILLISECOND_NS

PATIENCE_MS = 500
"""How much longer than its node a client waits for an answer."""


@dataclass(frozen=True)
class _Phase:
    """The time in which only a quorum was well. Times are nanoseconds of the run."""

    quorum: tuple[str, ...]
    broken: Mapping[str, str]
    """The other nodes, and what each has."""
    healed: int
    since: int
    """From when on the quorum must work."""
    until: int
    wait: int
    """How long an answer may take."""

    @property
    def trouble(self) -> str:
        return ", ".join(f"{node} {trouble}" for node, trouble in self.broken.items())


def judge_quorum_ends(recording: Recording, writes: Sequence[str]) -> Part:
    """Look for a leader that stays, and for answers, in each phase."""
    phases = () if ran_on_a_real_clock(recording) else _phases(recording)
    if not phases:
        return Part(idle="no quorum was healed while other nodes stayed broken")
    evidence: list[Evidence] = []
    doubts: list[str] = []
    judged: list[_Phase] = []
    for phase in phases:
        lines = {node: lines_of(recording, node) for node in recording.nodes}
        without = _without_leader(phase, lines)
        if without and _voted_for_a_deaf_node(phase, lines):
            continue
        judged.append(phase)
        evidence += [*without, *_deposed(phase, lines)]
        silent, asked = _silent(phase, recording, writes)
        evidence += silent
        if asked < FEWEST_ASKED:
            doubts.append(f"only {plural(asked, 'operation')} came to the healed quorum")
    if not judged:
        return Part(
            idle="the healed quorum voted for a node that hears no other, and by chance had no leader"
        )
    first = judged[0]
    return Part(
        evidence=tuple(evidence),
        doubts=tuple(doubts),
        held=f"{', '.join(first.quorum)} kept a leader and answered, with {first.trouble}",
        measures={"bound_s": [(phase.since - phase.healed) / 1e9 for phase in judged]},
    )


def _phases(recording: Recording) -> tuple[_Phase, ...]:
    faults = fault_operations(recording.history)
    ends = [fault.invocation.time for fault in faults if fault.f == FINAL_HEAL]
    found = (_phase(fault, ends, recording) for fault in faults if fault.f == HEAL_QUORUM)
    return tuple(phase for phase in found if phase is not None)


def _phase(fault: FaultOperation, ends: Sequence[int], recording: Recording) -> _Phase | None:
    """The phase that began with this operation; None if it ended before anything had to work."""
    election, request = recording.options.get("election_ms"), recording.options.get("request_timeout_ms")
    last = int(recording.history.columns.time[-1])
    until = next((end for end in ends if end > fault.completion.time), last)
    broken = _broken(fault.actions)
    if not broken or not isinstance(election, int) or not isinstance(request, int):
        return None
    since = fault.completion.time + BOUND_ELECTIONS * election * MILLISECOND_NS
    return (
        _Phase(
            quorum=tuple(node for node in recording.nodes if node not in broken),
            broken=broken,
            healed=fault.completion.time,
            since=since,
            until=until,
            wait=(request + PATIENCE_MS) * MILLISECOND_NS,
        )
        if since < until
        else None
    )


DEAF = "deaf"
"""Hears no other node, and is heard."""
_TROUBLES = {"Slow": "slow", "Pause": "paused", "Kill": "down", "BreakDisk": "out of disk space"}
"""By kind of action: what its nodes have since."""


def _broken(actions: Sequence[NemesisAction]) -> dict[str, str]:
    """What the nodes have that were broken after all was healed, by node."""
    healed = [number for number, action in enumerate(actions) if action.kind == "Start"]
    found: dict[str, str] = {}
    for action in actions[healed[-1] + 1 :] if healed else ():
        if action.kind in _TROUBLES:
            found.update(dict.fromkeys(action.nodes, _TROUBLES[action.kind]))
        elif action.kind == "Cut" and action.links:
            node = next(iter(set.intersection(*map(set, action.links))))  # an end of all of them
            senders, receivers = ({link[end] for link in action.links} for end in (0, 1))
            deaf, mute = receivers == {node}, senders == {node}
            found[node] = DEAF if deaf else "mute" if mute else "cut off"
    return found


def _without_leader(phase: _Phase, lines: dict[str, Sequence[TraceEvent]]) -> list[Evidence]:
    """The quorum's nodes are not all in the term of one leader when they have to be."""
    standing = {node: line_at(of_node, phase.since) for node, of_node in lines.items()}
    quorum = {node: line for node in phase.quorum if (line := standing[node]) is not None}
    if not quorum:
        return []  # no traces
    newest = max(line.term for line in quorum.values())
    leads = [line for line in standing.values() if line and line.role == "leader" and line.term == newest]
    behind = [line for line in quorum.values() if line.term < newest or line.role == "candidate"]
    if leads and not behind:
        return []
    since = {node: _since(lines[node], line) for node, line in quorum.items()}
    words = "; ".join(
        f"{node} is a {line.role} of term {line.term} since {seconds(since[node])}"
        for node, line in quorum.items()
    )
    return [
        Evidence(
            title=f"{', '.join(phase.quorum)} were well for {_bound(phase)} and had no common leader",
            text=(
                f"At {seconds(phase.healed)} all faults of {', '.join(phase.quorum)} were healed "
                f"({phase.trouble} stayed so). At {seconds(phase.since)} they still waited for a "
                f"leader: {words}."
            ),
            events=tuple(EventRef(line.node, line.life, line.seq) for line in quorum.values()),
            nodes=phase.quorum,
            kind="a healed quorum has no leader",
        )
    ]


def _voted_for_a_deaf_node(phase: _Phase, lines: Mapping[str, Sequence[TraceEvent]]) -> bool:
    return any(
        line.event == "vote"
        and phase.broken.get(line.vote or "") == DEAF
        and phase.healed < line.at <= phase.since
        for node in phase.quorum
        for line in lines[node]
    )


def _since(lines: Sequence[TraceEvent], last: TraceEvent) -> int:
    """From when on a node has had the role and the term of a line of its trace."""
    found = last.at
    for line in reversed([line for line in lines if line.at <= last.at]):
        if (line.term, line.role) != (last.term, last.role):
            break
        found = line.at
    return found


def _deposed(phase: _Phase, lines: dict[str, Sequence[TraceEvent]]) -> list[Evidence]:
    """Nodes of the quorum that move to a later term, though the leader was well."""
    moved: list[TraceEvent] = []
    terms: set[int] = set()
    for node in phase.quorum:
        before = line_at(lines[node], phase.since)
        term = 0 if before is None else before.term
        for line in lines[node]:
            if phase.since < line.at < phase.until and line.term > term:
                term = line.term
                terms.add(term)
                moved.append(line)
    if not moved:
        return []
    first = min(moved, key=lambda line: (line.at, line.node))
    return [
        Evidence(
            title=f"a leader of {', '.join(phase.quorum)} did not stay: term {first.term} began at "
            f"{seconds(first.at)}",
            text=(
                f"{', '.join(phase.quorum)} have been well since {seconds(phase.healed)} ({phase.trouble}). "
                f"{first.node} moved to term {first.term} at {seconds(first.at)}, "
                f"and {plural(len(terms), 'new term')} began among them up to {seconds(phase.until)}."
            ),
            events=(EventRef(first.node, first.life, first.seq),),
            nodes=phase.quorum,
            kind="a leader of a healed quorum is deposed",
        )
    ]


def _silent(phase: _Phase, recording: Recording, writes: Sequence[str]) -> tuple[list[Evidence], int]:
    """Clients of the quorum that got no answer; and how many operations they had asked for."""
    history = recording.history
    asked: dict[str, list[Operation]] = {node: [] for node in phase.quorum}
    answered: set[int] = set()
    for operation in history:
        if not operation.is_client or operation.node not in asked:
            continue
        if operation.type == "invoke" and phase.since <= operation.time <= phase.until - phase.wait:
            asked[operation.node].append(operation)
        elif operation.type == "ok":
            answered.add(history.invocation(operation).index)
    found: list[Evidence] = []
    of_writes = [one for of_node in asked.values() for one in of_node if one.f in writes]
    groups = [(", ".join(phase.quorum), "write", of_writes)]
    groups += [(node, "operation", of_node) for node, of_node in asked.items()]
    for who, what, group in groups:
        if len(group) < FEWEST_ASKED or any(one.index in answered for one in group):
            continue
        found.append(
            Evidence(
                title=f"{who} were well and answered no {what}"
                if "," in who
                else f"{who} was well and answered no {what}",
                text=(
                    f"{who} had been well since {seconds(phase.healed)} ({phase.trouble}). From "
                    f"{seconds(group[0].time)} on {plural(len(group), what)} came, and none was answered "
                    f"with ok within {phase.wait / 1e9:g} s."
                ),
                operations=tuple(one.index for one in group[:3]),
                kind=f"a healed quorum answers no {what}",
            )
        )
    return found, sum(map(len, asked.values()))


def _bound(phase: _Phase) -> str:
    return f"{(phase.since - phase.healed) / 1e9:g} s"
