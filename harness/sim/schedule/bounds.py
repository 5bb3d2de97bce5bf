"""What a schedule from a file may hold: names that exist, and times and numbers within bounds.

A schedule may have been edited, or written by an attacker. So everything that makes a run large or long is
bounded before the run begins, and a run that does far more than any recorded one is ended.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from harness.errors import unknown_name
from harness.mutants.catalogue import MUTANTS
from harness.nemesis import nemesis_of
from harness.run.test import check_bounds
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.schedule.schedule import Schedule
from harness.systems.catalogue import fitting_workloads, workloads_of
from harness.systems.reference_node import ReferenceNode
from history import NEMESIS
from history.limits import LARGEST_NUMBER, LONGEST_SIMULATION_S, MOST_STEPS
from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.config import NodeConfig

MOST_AFTERWARDS_S: Final = 600
"""How long a run may go on after its time limit: healing, and the final reads."""
MOST_DRIFT_PPM: Final = 900_000
SHORTEST_TIMER_NS: Final = MILLISECOND_NS
MOST_HAPPENINGS: Final = 2_000_000
"""Messages, timers, writes and requests in a run that is replayed."""


def why_impossible(schedule: Schedule) -> str | None:
    """Say what in a schedule cannot be played, and where it stands; None if it can be."""
    try:
        check_bounds(schedule.plan.test)
    except ValueError as error:
        return str(error)
    for find in (_sizes, _names, _numbers, _times, _settings, _places):
        wrong = next(iter(find(schedule)), None)
        if wrong is not None:
            return wrong
    return None


def _parts(schedule: Schedule) -> list[tuple[str, Sequence[msgspec.Struct]]]:
    return [
        ("steps", schedule.steps),
        ("scheduled_faults", schedule.scheduled_faults),
        *((f"overrides.{kind}", part) for kind, part in msgspec.structs.asdict(schedule.overrides).items()),
    ]


def _sizes(schedule: Schedule) -> Iterator[str]:
    for kind, part in _parts(schedule):
        if len(part) > MOST_STEPS:
            yield f"schedule.{kind} has {len(part):,} lines, and may have {MOST_STEPS:,}"


def _names(schedule: Schedule) -> Iterator[str]:
    test = schedule.plan.test
    core = schedule.plan.core
    workloads = fitting_workloads(ReferenceNode()) if core is None else workloads_of(core.data_types)
    if test.workload not in workloads:
        yield unknown_name("workload", test.workload[:80], workloads)
    if test.mutant is not None and test.mutant not in MUTANTS:
        yield f"it is of the mutant {test.mutant[:80]!r}, which this ackproof does not have"
    try:
        nemesis_of(test.nemesis, SIM, test.nodes)
    except ValueError as error:
        yield str(error)


def _numbers(schedule: Schedule) -> Iterator[str]:
    """Numbers of more than 64 bits, and negative ones where only times and counts stand."""
    for kind, part in _parts(schedule):
        for place, line in enumerate(part):
            least = 0 if kind.startswith("overrides") else -LARGEST_NUMBER
            for number in _numbers_in(msgspec.to_builtins(line)):
                # `draw` is the one number with 64 bits and no sign
                if not least <= number <= 2 * LARGEST_NUMBER + 1:
                    yield f"schedule.{kind}[{place}] holds {number}, which is out of bounds"


def _numbers_in(value: Any) -> Iterator[int | float]:
    match value:
        case dict():
            for item in value.values():
                yield from _numbers_in(item)
        case list() | tuple():
            for item in value:
                yield from _numbers_in(item)
        case int() | float() if not isinstance(value, bool):
            yield value


def _times(schedule: Schedule) -> Iterator[str]:
    limit_s = schedule.plan.test.time_limit_s
    if limit_s > LONGEST_SIMULATION_S:
        yield f"time_limit_s is {limit_s:g}; a schedule has {LONGEST_SIMULATION_S} at most"
    latest_ns = round((limit_s + MOST_AFTERWARDS_S) * SECOND_NS)
    if not 0 <= schedule.until <= latest_ns:
        yield f"schedule.until is {schedule.until} ns, which does not fit its time limit of {limit_s:g} s"
    for place, step in enumerate(schedule.steps):
        if not 0 <= step.at <= latest_ns:
            yield f"schedule.steps[{place}] is at {step.at} ns, which does not fit a limit of {limit_s:g} s"
    for node, ppm in schedule.plan.drift_ppm.items():
        if node not in schedule.plan.test.nodes or abs(ppm) > MOST_DRIFT_PPM:
            yield f"plan.drift_ppm of {node[:80]!r} is {ppm}; it may be -{MOST_DRIFT_PPM} to {MOST_DRIFT_PPM}"


def _settings(schedule: Schedule) -> Iterator[str]:
    types = {field.name: field.type for field in dataclasses.fields(NodeConfig)}
    settings = schedule.plan.settings
    for name, value in settings.items():
        if name not in types or name == "voters":
            yield unknown_name("setting", name[:80], types)
        elif types[name] != type(value).__name__:
            yield f"plan.settings.{name} is {value}, and must be of type {types[name]}"
        elif name.endswith("_ns") and value < SHORTEST_TIMER_NS:
            yield f"plan.settings.{name} is {value}, and must be {SHORTEST_TIMER_NS} at least"
        elif not 0 <= value <= LARGEST_NUMBER:
            yield f"plan.settings.{name} is {value}, which is out of bounds"


def _places(schedule: Schedule) -> Iterator[str]:
    """Names of nodes and numbers of threads that the test does not have."""
    test = schedule.plan.test
    for kind, part in _parts(schedule):
        for place, line in enumerate(part):
            for name in _nodes_named(line):
                if name not in test.nodes:
                    nodes = ", ".join(test.nodes)
                    yield f"schedule.{kind}[{place}] names a node {name!r}, and its nodes are {nodes}"
    for place, step in enumerate(schedule.steps):
        if not NEMESIS <= step.thread < test.concurrency:
            yield (
                f"schedule.steps[{place}] is of thread {step.thread}; "
                f"there are 0 to {test.concurrency - 1}, and -1, the nemesis"
            )


def _nodes_named(line: msgspec.Struct) -> Iterator[str]:
    for field in ("node", "sender", "receiver", "at"):
        name = getattr(line, field, None)
        if isinstance(name, str):  # `at` is a node in a change of membership, and a time elsewhere
            yield name
    for name in getattr(line, "nodes", ()):
        yield name
    for link in getattr(line, "links", ()):
        yield from link
    for action in getattr(line, "actions", ()):
        yield from _nodes_named(action)
