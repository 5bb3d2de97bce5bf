"""A test: the immutable description of one run. Everything that a run does follows from it and its seed."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from harness.hosts.inventory import HostSpec
from harness.nemesis import ALL, all_survivable, nemesis_of
from harness.nemesis.schedule import enabled
from harness.systems import REFERENCE_NODE


class Test(msgspec.Struct, frozen=True):
    """What to run. It is stored as `test.json`, and given to checkers as `Recording.options`."""

    __test__ = False  # it is the word of the field; pytest must not collect it

    nodes: tuple[str, ...]
    world: Literal["local", "netns", "ssh"] = "local"
    """Where nodes run: as processes on loopback, in network namespaces, or on remote hosts."""
    inventory: tuple[HostSpec, ...] = ()
    """The remote hosts, in the order of the nodes."""
    system: str = REFERENCE_NODE
    """What is tested: a name of `harness.systems.SYSTEMS`, or PATH.py:NAME."""
    workload: str = "registry"
    nemesis: tuple[str, ...] = ("kill", "partition")
    """The names of the faults; empty for none. Of a swarm, those that its seed has chosen."""
    schedule: str = "rounds"
    """When faults come: a name of `harness.nemesis.schedule.SCHEDULES`, or explicit times."""
    collect: tuple[Literal["packets", "cores"], ...] = ()
    """What is kept of each node, in addition to its log, its trace and its use of resources."""
    concurrency: int = 10
    """How many clients."""
    rate: float = 300.0
    """Client operations per second, of all clients together."""
    time_limit_s: float = 30.0
    seed: int = 0
    mutant: str | None = None
    """The seeded bug that the nodes have; None for correct nodes."""
    base_port: int | None = None
    """The first of the ports to listen on; None for free ones."""
    heartbeat_ms: int = 100
    election_ms: int = 500
    """Election time-outs are drawn between this and twice this time."""
    request_timeout_ms: int = 2000
    """How long a node tries to answer before it refuses; clients wait half a second longer."""
    snapshot_entries: int = 10_000
    """A node takes a snapshot after this many applied entries."""
    lease: bool = False
    """Whether a leader answers reads under a lease."""
    clock_drift_bound_percent: int = 10
    """With a lease: by how many percent nodes assume that any clock is fast or slow at most."""
    recovery_bound_s: float = 10.0
    """A write must be acknowledged within this time after the final heal."""
    minimum_acknowledged: int = 100
    """With fewer acknowledged writes, a run proves nothing: `unknown`."""
    lag_bound_ms: int = 100
    """Where the harness itself was later than this, checkers do not rely on its times."""

    def options(self) -> dict[str, Any]:
        """The fields as plain values, for `Recording.options`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def with_chosen_faults(test: Test) -> Test:
    """The test with its faults by name: those that `all` stands for, and those that a swarm's seed chooses.

    Raises:
        ValueError: a fault or target does not exist, or the schedule is wrong; in words.
    """
    from harness.cluster.kinds import HOSTED_WORLDS  # here, since it loads every mechanism of real worlds

    faults, world = test.nemesis, HOSTED_WORLDS[test.world]
    if ALL in faults:
        named = (name for name in faults if name != ALL)
        faults = tuple(dict.fromkeys((*all_survivable(world), *named)))
    if test.schedule == "swarm":
        faults = enabled(faults, test.seed)
    nemesis_of(faults, world, test.nodes, test.schedule, test.seed)
    return msgspec.structs.replace(test, nemesis=faults)
