"""What a run does, in order: work and faults for a while, then healing, then the final reads.

Real and simulated runs share these phases; only a real run writes log lines between them.
"""

from __future__ import annotations

from functools import partial

import msgspec

from checkers.run.vacuity import writes_of
from checkers.run.writes import is_write
from harness import generator as gen
from harness.cluster.kinds import kind_of
from harness.nemesis import Nemesis, nemesis_of
from harness.run.test import Test
from harness.systems.base import Bounds, System, bounds
from harness.workload import Workload
from history import Operation
from history.units import SECOND_NS


def nemesis_for(test: Test, system: System) -> Nemesis:
    """The nemesis of a run of real processes: its faults last as long as the test, or the system, says.

    Raises:
        ValueError: a fault is not possible in the world of the test, or does not exist; in words.
    """
    made = nemesis_of(test.nemesis, kind_of(test.world, system.links), test.nodes, test.schedule, test.seed)
    own = bounds(system)
    if test.fault_s is None and (own.fault_s, own.calm_s) == (Bounds().fault_s, Bounds().calm_s):
        return made
    pace = msgspec.structs.replace(
        made.pace, fault_ms=_milliseconds(test.fault_s or own.fault_s), calm_ms=_milliseconds(own.calm_s)
    )
    return msgspec.structs.replace(made, pace=pace)


def _milliseconds(seconds: tuple[float, float]) -> tuple[int, int]:
    return round(seconds[0] * 1000), round(seconds[1] * 1000)


def work_and_faults(
    test: Test, work: Workload, faults: gen.GeneratorLike, overtime_s: float = 0
) -> gen.Generator:
    """The workload's operations at the test's rate, and the faults, until the test's time limit.

    Args:
        overtime_s: for how long they go on after it, at the most, while fewer writes were acknowledged than
            the test needs.
    """
    mean_gap_ns = round(SECOND_NS / test.rate)
    main = gen.any(gen.clients(gen.stagger(mean_gap_ns, work.generator)), gen.nemesis(faults))
    return gen.time_limit(
        round(test.time_limit_s * SECOND_NS),
        main,
        overtime_ns=round(overtime_s * SECOND_NS),
        wanted=test.minimum_acknowledged if overtime_s else 0,
        counts=partial(_is_acknowledged_write, writes_of(work.checkers)),
    )


def _is_acknowledged_write(writes: tuple[str, ...], event: Operation) -> bool:
    return event.type == "ok" and event.is_client and is_write(event.f, event.value, writes)
