"""What a run does, in order: work and faults for a while, then healing, then the final reads.

Real and simulated runs share these phases; only a real run writes log lines between them.
"""

from __future__ import annotations

from harness import generator as gen
from harness.run.test import Test
from harness.workload import Workload
from history.units import SECOND_NS


def work_and_faults(test: Test, work: Workload, faults: gen.GeneratorLike) -> gen.Generator:
    """The workload's operations at the test's rate, and the faults, until the test's time limit."""
    mean_gap_ns = round(SECOND_NS / test.rate)
    main = gen.any(gen.clients(gen.stagger(mean_gap_ns, work.generator)), gen.nemesis(faults))
    return gen.time_limit(round(test.time_limit_s * SECOND_NS), main)
