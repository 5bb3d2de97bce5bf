"""A schedule in words: one line for each thing that happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.nemesis.action import Link
from harness.sim.plan.decisions import DEFAULT_MESSAGE_NS
from harness.sim.plan.scheduled_faults import (
    CrashAfterElection,
    CrashAtDiskCall,
    CrashAtEffect,
    MuteLeader,
    Occasion,
    ReadError,
    ScheduledFault,
)
from harness.sim.schedule.messages import names_of_messages
from harness.sim.schedule.schedule import Schedule, ScheduleStep
from history import NEMESIS
from history.units import MILLISECOND_NS

_OCCASIONS: Mapping[Occasion, str] = {
    "write": "of its write",
    "snapshot": "of its snapshot",
    "recovery": "in the recovery of its start",
    "first-write": "of the first write after its start",
}
NO_NAMES: Mapping[tuple[Link, int], str] = {}


def whole_story(schedule: Schedule) -> tuple[str, ...]:
    """A schedule's story, in which messages are named by what they say; it is played once for that."""
    names = names_of_messages(schedule) if schedule.overrides.messages else NO_NAMES
    return tuple(story(schedule, names))


def story(schedule: Schedule, names: Mapping[tuple[Link, int], str] = NO_NAMES) -> Iterator[str]:
    """Describe what differs from the default, a line each, in order of time where there is one.

    Args:
        names: by link and number, what messages say; any other is named by its number.
    """
    plan = schedule.plan
    bug = f" of mutant {plan.test.mutant}" if plan.test.mutant else ""
    yield f"{len(plan.test.nodes)} nodes{bug}: {', '.join(plan.test.nodes)}"
    if not plan.in_order:
        yield "messages on one link may overtake one another"
    for node, ppm in plan.drift_ppm.items():
        yield f"{node}'s clock runs {abs(ppm)} ppm {'fast' if ppm > 0 else 'slow'}"
    for fault in schedule.scheduled_faults:
        yield fault_in_words(fault)
    for election in schedule.overrides.elections:
        adds_ms = election.adds // MILLISECOND_NS
        yield f"{election.node}'s election time-out {election.n} is {adds_ms} ms above the least"
    for message in schedule.overrides.messages:
        name = names.get(((message.sender, message.receiver), message.n), f"message {message.n}")
        link = f"{name} from {message.sender} to {message.receiver}"
        times = " and ".join(f"after {delay / MILLISECOND_NS:g} ms" for delay in message.delays)
        usual = DEFAULT_MESSAGE_NS / MILLISECOND_NS
        yield f"{link} arrives {times}, not {usual:g} ms" if times else f"{link} is lost"
    for write in schedule.overrides.writes:
        yield f"write {write.n} of {write.node} takes {write.takes / MILLISECOND_NS:g} ms"
    for tear in schedule.overrides.tears:
        yield f"write {tear.n} of {tear.node} is torn"
    for request in schedule.overrides.requests:
        how = "loses its reply" if request.trip.reset else "travels slower or faster"
        yield f"client request {request.n} {how}"
    for step in schedule.steps:
        yield f"at {step.at // MILLISECOND_NS} ms {step_in_words(step)}"


def step_in_words(step: ScheduleStep) -> str:
    """Describe what a client or the nemesis does."""
    if step.thread != NEMESIS:
        value = f" as {step.value}" if step.value is not None else ""
        return f"client {step.thread} asks {step.node}: {step.f} {step.key}{value}"
    return "; ".join(action.words() for action in step.actions) or f"{step.f}, which changes nothing"


def fault_in_words(fault: ScheduledFault) -> str:
    """Describe a scheduled fault."""
    match fault:
        case CrashAtEffect(node, effect, power_lost, down_ns):
            how = "loses power" if power_lost else "crashes"
            return f"{node} {how} before its effect {effect}, for {down_ns // MILLISECOND_NS} ms"
        case CrashAfterElection(node, election, effects, power_lost, down_ns):
            how = "loses power" if power_lost else "crashes"
            when = f"{effects} effects after it won its election {election}"
            return f"{node} {how} {when}, for {down_ns // MILLISECOND_NS} ms"
        case CrashAtDiskCall(node, occasion, number, call, power_lost, down_ns, power_lost_next):
            how = "loses power" if power_lost else "crashes"
            when = f"in call {call} to its disk {_OCCASIONS[occasion]} {number}"
            later = ", and loses power in the first write of its next life" if power_lost_next else ""
            return f"{node} {how} {when}, for {down_ns // MILLISECOND_NS} ms{later}"
        case ReadError(node, start, read, down_ns):
            when = f"at its start {start}, which refuses, for {down_ns // MILLISECOND_NS} ms"
            return f"{node} cannot read its disk (read {read}) {when}"
        case MuteLeader(node, election, receiver, heard, for_ns):
            what = f"its first {heard} messages" if heard else "no message"
            when = f"while {node} leads after its election {election}"
            return f"{when}, {receiver} gets {what}, for {for_ns // MILLISECOND_NS} ms"
