"""Workload `expiring-instances`: instances live as long as something keeps them alive, and no longer.

As `stale-instances`, but a registration is kept alive from then on, by beats or by a session, and a
deregistration only ends that, without a word to the system. So the system must remove the instance by
itself, on every node, within the bound; and it must not remove one that is kept alive. A node that was
paused, cut off or killed meanwhile has to learn both.

Something that keeps an instance alive may lose the system during a fault, and the instance then expires
rightly. It registers the instance again, as a live service does. So what is judged is the end: when every
fault was healed, and after the bound, each node must show exactly the instances that are kept alive, and show
them again after the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from checkers.check_all import Suite
from checkers.run.suite import cluster_checkers
from checkers.workloads.replicas.stale_instances import InstanceDurability, LookupAge
from harness.client.data_types import EXPIRING_INSTANCE
from harness.workload.base import Workload
from harness.workload.final_reads import on_every_node
from harness.workload.general.instances import WRITES, keys_until, lookup, write_or_lookup
from harness.workload.general.stale_instances import settled_lookups
from harness.workload.sharing import half_only_read

EXPIRY_BOUND_S = 20.0
"""By then an instance that nothing keeps alive must be gone from every node. The settings of each system that
has the data type are such that, by its makers' documentation, it is so."""
SPARE_S = 3.0
"""A run waits longer than the bound by this: time in which the harness itself did not run does not count, and
on two busy cores that was 1.3 s of 21."""


def expiring_instances(nodes: Sequence[str], concurrency: int) -> Workload:
    """The workload for these nodes and this number of clients."""
    lookups = on_every_node(nodes, keys_until, ("lookup",))
    final = partial(settled_lookups, lookups, bound_s=EXPIRY_BOUND_S, spare_s=SPARE_S)
    return Workload(
        name="expiring-instances",
        data_type=EXPIRING_INSTANCE,
        generator=half_only_read(concurrency, write_or_lookup, lookup),
        final=final(EXPIRY_BOUND_S),
        final_within=final,
        checkers=Suite((InstanceDurability(EXPIRY_BOUND_S),), (LookupAge(),)) + cluster_checkers(WRITES),
    )
