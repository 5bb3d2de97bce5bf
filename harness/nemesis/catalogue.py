"""All faults by name. A new one is a file of its own under faults/, and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

import msgspec

from harness.errors import unknown_name
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.clock.clock import CLOCK
from harness.nemesis.faults.clock.drift import DRIFT
from harness.nemesis.faults.clock.strobe import STROBE
from harness.nemesis.faults.cluster.ambush import AMBUSH
from harness.nemesis.faults.cluster.membership import MEMBERSHIP
from harness.nemesis.faults.disk.disk_error import DISK_ERROR
from harness.nemesis.faults.disk.full import FULL
from harness.nemesis.faults.disk.power import POWER
from harness.nemesis.faults.disk.rollback import ROLLBACK
from harness.nemesis.faults.disk.rot import ROT
from harness.nemesis.faults.disk.slow_disk import SLOW_DISK
from harness.nemesis.faults.disk.torn import TORN
from harness.nemesis.faults.disk.truncate import TRUNCATE
from harness.nemesis.faults.network.corrupt import CORRUPT
from harness.nemesis.faults.network.delay import DELAY
from harness.nemesis.faults.network.duplicate import DUPLICATE
from harness.nemesis.faults.network.loss import LOSS
from harness.nemesis.faults.network.partition import PARTITION
from harness.nemesis.faults.network.rate import RATE
from harness.nemesis.faults.network.reorder import REORDER
from harness.nemesis.faults.network.reset import RESET
from harness.nemesis.faults.network.stall import STALL
from harness.nemesis.faults.processes.descriptors import DESCRIPTORS
from harness.nemesis.faults.processes.kill import KILL
from harness.nemesis.faults.processes.memory import MEMORY
from harness.nemesis.faults.processes.pause import PAUSE
from harness.nemesis.faults.processes.slow import SLOW
from harness.nemesis.faults.processes.storm import STORM
from harness.nemesis.faults.processes.terminate import TERMINATE
from harness.nemesis.mechanisms.world import WorldKind
from harness.nemesis.nemesis import Nemesis, compose
from harness.nemesis.schedule import SCHEDULES, at_times, swarm_pace
from harness.nemesis.targets import NODE_TARGETS
from history.nemesis import FaultKind, NemesisAction

NEMESES: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        KILL,
        PARTITION,
        PAUSE,
        TERMINATE,
        STORM,
        SLOW,
        LOSS,
        DELAY,
        RATE,
        STALL,
        RESET,
        DUPLICATE,
        REORDER,
        CORRUPT,
        POWER,
        FULL,
        DISK_ERROR,
        SLOW_DISK,
        TORN,
        ROT,
        TRUNCATE,
        ROLLBACK,
        DESCRIPTORS,
        MEMORY,
        STROBE,
        CLOCK,
        MEMBERSHIP,
        DRIFT,
        AMBUSH,
    )
}

ACTIONS: Mapping[str, type[Action]] = {
    action.__name__: action for fault in NEMESES.values() for action in fault.actions
}
"""Every type of action of any fault, by its name."""

if TYPE_CHECKING:
    AnyAction = Action
else:
    AnyAction = Union[tuple(ACTIONS.values())]  # noqa: UP007 - the members are known only here
"""The type by which msgspec reads an action from a file."""

ALL = "all"
"""Stands for every fault that a correct system survives and that a world can have."""


def all_survivable(world: WorldKind, nodes: int = 2) -> tuple[str, ...]:
    """The names that `all` stands for, of a test with this number of nodes."""
    can = {
        name: fault
        for name, fault in NEMESES.items()
        if fault.lacks(world) is None
        and world.name not in fault.not_in_all
        and fault.breaks is None
        and fault.fewest_nodes <= nodes
    }
    return tuple(name for name, fault in can.items() if not can.keys() & set(fault.not_with))


def nemesis_of(
    faults: Sequence[str],
    world: WorldKind,
    nodes: Sequence[str] = (),
    schedule: str = "rounds",
    seed: int = 0,
) -> Nemesis:
    """The nemesis that does these faults; of none, one that only heals at the end.

    Args:
        faults: names (`kill`: every target is drawn from) or names with a target (`kill:leader`: only the
            targets so named; a fault that hits nodes takes a node's name too, `kill:n1`).
        nodes: the nodes' names; none if they are not known yet.
        schedule: when they come (schedule.py); a swarm's pace follows from the seed.

    Raises:
        ValueError: a name or target is unknown (the nearest is suggested), the world cannot have the fault,
            the nodes are too few for it, two faults exclude each other, or the schedule cannot be read.
    """
    targets: dict[str, tuple[str, ...]] = {}
    for text in faults:
        name, colon, target = text.partition(":")
        if name not in NEMESES:
            raise ValueError(unknown_name("nemesis", name, NEMESES))
        fault = NEMESES[name]
        lacks = fault.lacks(world)
        if lacks is not None:
            raise ValueError(
                f"nemesis {name} is not possible in {world.name}: that world {lacks}{world.remedy}"
            )
        if 0 < len(nodes) < fault.fewest_nodes:
            raise ValueError(
                f"nemesis {name} needs at least {fault.fewest_nodes} nodes; this test has {len(nodes)}"
            )
        allowed = (*fault.targets, *nodes) if set(fault.targets) >= set(NODE_TARGETS) else fault.targets
        if colon and target not in allowed:
            raise ValueError(unknown_name(f"target of nemesis {name}", target, allowed))
        targets[name] = (*targets.get(name, ()), *((target,) if colon else fault.targets))
    for name in targets:
        for other in NEMESES[name].not_with:
            if other in targets:
                raise ValueError(f"one run cannot have both {name} and {other}; leave one of them out")
    nemesis = compose(
        [
            msgspec.structs.replace(NEMESES[name], targets=tuple(dict.fromkeys(chosen)))
            for name, chosen in targets.items()
        ]
    )
    if schedule not in SCHEDULES:
        at_times(schedule, nemesis.faults)  # to be refused now rather than in mid-run
    pace = swarm_pace(seed) if schedule == "swarm" else nemesis.pace
    return msgspec.structs.replace(nemesis, schedule=schedule, pace=pace)


def kinds_of(names: Sequence[str]) -> tuple[FaultKind, ...]:
    """What reports and checkers need to know of these faults, by names with or without a target."""
    known = dict.fromkeys(name.partition(":")[0] for name in names)
    return tuple(NEMESES[name].kind for name in known if name in NEMESES)


def action_of(recorded: NemesisAction) -> Action:
    """The action that a completion names, with which it can be carried out again.

    Raises:
        ValueError: no fault has such an action.
    """
    kind = ACTIONS.get(recorded.kind)
    if kind is None:
        raise ValueError(f"no fault has an action {recorded.kind!r}")
    given: dict[str, Any] = dict(recorded.asked)
    if "nodes" in kind.__struct_fields__:
        given["nodes"] = recorded.nodes
    if "links" in kind.__struct_fields__:
        given["links"] = recorded.links
    return kind(**given)
