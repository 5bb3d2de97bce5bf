"""Workload `stale-instances`: as `instances`, for registries whose lookups may lag behind.

What a lookup shows during the run is only measured: how old it was. In the end the registry gets time to
settle. Then every instance is looked up on every node, and after the same time again: every node must show
what was acknowledged, and keep it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.replicas.stale_instances import LATE_BOUND_S, InstanceDurability, LookupAge
from harness.client.data_types import STALE_INSTANCE
from harness.generator import Generator, GeneratorLike, phases, sleep
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node, recover
from harness.workload.general.instances import WRITES, keys_until, lookup, write_or_lookup
from harness.workload.registry import first_write
from harness.workload.sharing import half_only_read
from history.units import SECOND_NS

SPARE_S = 1.0
"""A run waits longer than the bound by this, so that every lookup that follows is late enough to be judged,
although the harness itself was late at times."""


def settled_lookups(
    lookups: GeneratorLike, settle_s: float, bound_s: float = LATE_BOUND_S, spare_s: float = SPARE_S
) -> Generator:
    """Write until it succeeds, and look up everything twice, each time after the registry could settle.

    Args:
        settle_s: how long the system's nodes may stay behind.
        bound_s: the workload's own bound; the longer time of both is waited.
    """
    pause = sleep(round((max(settle_s, bound_s) + spare_s) * SECOND_NS))
    return phases(recover(first_write), pause, lookups, pause, lookups)


def stale_instances(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    lookups = on_every_node(nodes, keys_until, ("lookup",))
    return Workload(
        name="stale-instances",
        data_type=STALE_INSTANCE,
        generator=half_only_read(concurrency, write_or_lookup, lookup),
        final=settled_lookups(lookups, LATE_BOUND_S),
        final_within=partial(settled_lookups, lookups),
        checkers=stale_instances_checkers(),
    )


def stale_instances_checkers() -> Suite:
    """The checkers of a run."""
    return Suite((InstanceDurability(),), (LookupAge(),)) + cluster_checkers(WRITES)
