"""A test: the immutable description of one run. Everything a run does follows from it and its seed."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from harness.cluster.kinds import HOSTED_WORLDS
from harness.hosts.inventory import HostSpec
from harness.nemesis import ALL, all_survivable, nemesis_of
from harness.nemesis.schedule import enabled


class Test(msgspec.Struct, frozen=True):
    """What to run. Stored as `test.json`, and handed to checkers as `Recording.options`."""

    __test__ = False  # the word is the field's; pytest shall not collect it

    nodes: tuple[str, ...]
    hosts: Literal["local", "netns", "ssh"] = "local"
    """Where nodes live: processes on loopback, network namespaces, or remote hosts."""
    inventory: tuple[HostSpec, ...] = ()
    """The remote hosts, in the nodes' order."""
    workload: str = "registry"
    nemesis: tuple[str, ...] = ("kill", "partition")
    """Names of fault packages; empty for none. Of a swarm, those that its seed has enabled."""
    schedule: str = "rounds"
    """When faults come: one of `harness.nemesis.schedule.SCHEDULES`, or times that were written down."""
    collect: tuple[Literal["packets", "cores"], ...] = ()
    """What is kept of each node beside its log, trace and use of resources."""
    concurrency: int = 10
    """Client threads."""
    rate: float = 300.0
    """Client operations a second, all threads together."""
    time_limit_s: float = 30.0
    seed: int = 0
    mutant: str | None = None
    """Start nodes with this one seeded bug."""
    base_port: int | None = None
    """First of the ports to listen on; None: whichever are free."""
    heartbeat_ms: int = 100
    election_ms: int = 500
    """Election time-outs are drawn between this and twice this."""
    request_timeout_ms: int = 2000
    """How long a node tries before it refuses; clients wait half a second longer."""
    snapshot_entries: int = 10_000
    """After so many applied entries a node takes a snapshot."""
    lease: bool = False
    """Nodes serve reads under a leader's lease."""
    clock_drift_bound_percent: int = 10
    """What nodes with a lease take for the most by which a clock is fast or slow."""
    recovery_bound_s: float = 10.0
    """After the final heal, a write must be acknowledged within this."""
    minimum_acknowledged: int = 100
    """Fewer acknowledged writes than this prove nothing: the verdict is `unknown`."""
    lag_bound_ms: int = 100
    """If the harness's own event loop wakes later than this, timings are not to be trusted."""

    def options(self) -> dict[str, Any]:
        """As plain values, for `Recording.options`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def with_chosen_faults(test: Test) -> Test:
    """The test with its faults by name: those that `all` stands for, and those that a swarm's seed chooses.

    Raises:
        ValueError: a fault or target does not exist, or the schedule is wrong; in words.
    """
    faults, world = test.nemesis, HOSTED_WORLDS[test.hosts]
    if ALL in faults:
        named = (name for name in faults if name != ALL)
        faults = tuple(dict.fromkeys((*all_survivable(world), *named)))
    if test.schedule == "swarm":
        faults = enabled(faults, test.seed)
    nemesis_of(faults, world, test.nodes, test.schedule, test.seed)
    return msgspec.structs.replace(test, nemesis=faults)
