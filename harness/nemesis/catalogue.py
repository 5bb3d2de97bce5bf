"""All fault packages by name. A new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.errors import unknown_name
from harness.nemesis.ambush import AMBUSH
from harness.nemesis.clock import CLOCK
from harness.nemesis.descriptors import DESCRIPTORS
from harness.nemesis.disk_error import DISK_ERROR
from harness.nemesis.drift import DRIFT
from harness.nemesis.full import FULL
from harness.nemesis.impairments import IMPAIRMENTS
from harness.nemesis.kill import KILL
from harness.nemesis.loss import LOSS
from harness.nemesis.membership import MEMBERSHIP
from harness.nemesis.memory import MEMORY
from harness.nemesis.nemesis import Nemesis, compose
from harness.nemesis.package import FaultPackage, WorldName
from harness.nemesis.partition import PARTITION
from harness.nemesis.pause import PAUSE
from harness.nemesis.power import POWER
from harness.nemesis.rollback import ROLLBACK
from harness.nemesis.rot import ROT
from harness.nemesis.schedule import SCHEDULES, at_times, swarm_pace
from harness.nemesis.slow import SLOW
from harness.nemesis.slow_disk import SLOW_DISK
from harness.nemesis.storm import STORM
from harness.nemesis.strobe import STROBE
from harness.nemesis.targets import NODE_TARGETS
from harness.nemesis.terminate import TERMINATE
from harness.nemesis.torn import TORN
from harness.nemesis.truncate import TRUNCATE

NEMESES: dict[str, FaultPackage] = {
    package.name: package
    for package in (
        KILL,
        PARTITION,
        PAUSE,
        TERMINATE,
        STORM,
        SLOW,
        LOSS,
        *IMPAIRMENTS,
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


ALL = "all"
"""Stands for every fault that a correct system survives and that can be done in a world."""


def all_survivable(world: WorldName) -> tuple[str, ...]:
    """The names that `all` stands for."""
    can = {
        name: package
        for name, package in NEMESES.items()
        if world in package.worlds and world not in package.not_in_all and package.breaks is None
    }
    return tuple(name for name, package in can.items() if not can.keys() & set(package.not_with))


def nemesis_of(
    faults: Sequence[str],
    world: WorldName = "local",
    nodes: Sequence[str] = (),
    schedule: str = "rounds",
    seed: int = 0,
) -> Nemesis:
    """The nemesis that does these faults; of none, one that only heals at the end.

    Args:
        faults: names (`kill`: every target is drawn from) or names with a target (`kill:leader`: only the
            targets so named; a fault that hits nodes takes a node's name too, `kill:n1`).
        nodes: the nodes' names.
        schedule: when they come (schedule.py); a swarm's pace follows from the seed.

    Raises:
        ValueError: a name or target is unknown (the nearest is suggested), its fault cannot be done in
            that world or beside another, or the schedule cannot be read.
    """
    targets: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name, colon, target = fault.partition(":")
        if name not in NEMESES:
            raise ValueError(unknown_name("nemesis", name, NEMESES))
        package = NEMESES[name]
        if world not in package.worlds:
            raise ValueError(f"nemesis {name} cannot be done in {world}, only in {', '.join(package.worlds)}")
        allowed = (*package.targets, *nodes) if set(package.targets) >= set(NODE_TARGETS) else package.targets
        if colon and target not in allowed:
            raise ValueError(unknown_name(f"target of nemesis {name}", target, allowed))
        targets[name] = (*targets.get(name, ()), *((target,) if colon else package.targets))
    for name in targets:
        for other in NEMESES[name].not_with:
            if other in targets:
                raise ValueError(f"one run cannot have {name} beside {other}; leave one of them out")
    nemesis = compose(
        [
            msgspec.structs.replace(NEMESES[name], targets=tuple(dict.fromkeys(chosen)))
            for name, chosen in targets.items()
        ]
    )
    if schedule not in SCHEDULES:
        at_times(schedule, nemesis.packages)  # to be refused now rather than in mid-run
    pace = swarm_pace(seed) if schedule == "swarm" else nemesis.pace
    return msgspec.structs.replace(nemesis, schedule=schedule, pace=pace)
