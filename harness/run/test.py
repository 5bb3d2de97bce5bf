"""A test: the immutable description of one run. Everything that a run does follows from it and its seed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from harness.hosts.inventory import HostSpec
from harness.nemesis import ALL, all_survivable, nemesis_of
from harness.nemesis.schedule import enabled
from harness.systems import REFERENCE_NODE, system_of
from history.limits import LARGEST_NUMBER, MOST_CLIENTS, MOST_NODES

USUAL_RECOVERY_S = 10.0


class Test(msgspec.Struct, frozen=True):
    """What to run. It is stored as `test.json`, and given to checkers as `Recording.options`."""

    __test__ = False  # it is the word of the field; pytest must not collect it

    nodes: tuple[str, ...]
    world: Literal["local", "netns", "ssh"] = "local"
    """Where nodes run: as processes on loopback, in network namespaces, or on remote hosts."""
    inventory: tuple[HostSpec, ...] = ()
    """The remote hosts, in the order of the nodes."""
    system: str = REFERENCE_NODE
    """What is tested: NAME or NAME@VERSION of `harness.systems.SYSTEMS`, PATH.py:NAME, or FILE.toml."""
    system_options: Mapping[str, str] = {}
    """What the system alone understands, such as the path of its program."""
    workload: str = "registry"
    nemesis: tuple[str, ...] = ("kill", "partition")
    """The names of the faults; empty for none. Of a swarm, those that its seed has chosen."""
    schedule: str = "rounds"
    """When faults come: a name of `harness.nemesis.schedule.SCHEDULES`, or explicit times."""
    fault_s: tuple[float, float] | None = None
    """How long each fault lasts, at the least and at the most, in seconds; None for the system's bounds."""
    collect: tuple[Literal["packets", "cores"], ...] = ()
    """What is kept of each node, in addition to its log, its trace and its use of resources."""
    concurrency: int = 10
    """How many clients."""
    plain_clients: int = 0
    """How many of them, from the first one on, write without a session, where the system has sessions; 0
    where clients repeat writes."""
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
    recovery_bound_s: float = USUAL_RECOVERY_S
    """A write must be acknowledged within this time after the final heal. `ackproof.run` and the command take
    the system's own bound (`Bounds.recovery_s`) where a test leaves this as it is."""
    settle_bound_s: float = 0.0
    """Where lookups may lag, how long after the last write and the final heal they may; the workload's own
    bound if that is longer. A run takes the system's (`Bounds.settle_s`) if that is longer."""
    minimum_acknowledged: int = 100
    """With fewer acknowledged writes, a run proves nothing: `unknown`."""
    lag_bound_ms: int = 100
    """Where the harness itself was later than this, checkers do not rely on its times."""

    def options(self) -> dict[str, Any]:
        """The fields as plain values, for `Recording.options`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
MOST_MILLISECONDS = 86_400_000
MOST_SECONDS = 10_000_000
MOST_RATE = 1_000_000


def is_name(name: str) -> bool:
    """Whether files and folders may be named so: letters, digits, `_`, `-` and dots inside."""
    return _NAME.fullmatch(name) is not None


def check_bounds(test: Test) -> None:
    """Refuse a test that was read from a file and that no command would have accepted.

    Raises:
        ValueError: what is out of its bounds, in words.
    """
    wrong = next(_out_of_bounds(test), None)
    if wrong is not None:
        raise ValueError(wrong)


def _out_of_bounds(test: Test) -> Iterator[str]:
    if not 1 <= len(test.nodes) <= MOST_NODES:
        yield f"it has {len(test.nodes)} nodes; a cluster has 1 to {MOST_NODES}"
    for number, name in enumerate(test.nodes):
        if not is_name(name):
            yield f"a node cannot be named {name[:80]!r}, as folders are named by it"
        if name in test.nodes[:number]:
            yield f"two nodes are named {name!r}"
    bounds: tuple[tuple[str, float, float], ...] = (
        ("concurrency", 1, MOST_CLIENTS),
        ("plain_clients", 0, MOST_CLIENTS),
        ("rate", 0.001, MOST_RATE),
        ("time_limit_s", 0, MOST_SECONDS),
        ("seed", 0, LARGEST_NUMBER),
        ("base_port", 1, 65_535),
        ("heartbeat_ms", 1, MOST_MILLISECONDS),
        ("election_ms", 1, MOST_MILLISECONDS),
        ("request_timeout_ms", 1, MOST_MILLISECONDS),
        ("snapshot_entries", 1, LARGEST_NUMBER),
        ("clock_drift_bound_percent", 0, 99),
        ("recovery_bound_s", 0, MOST_SECONDS),
        ("settle_bound_s", 0, MOST_SECONDS),
        ("minimum_acknowledged", 0, LARGEST_NUMBER),
        ("lag_bound_ms", 0, MOST_MILLISECONDS),
    )
    if test.fault_s is not None and not 0 < test.fault_s[0] <= test.fault_s[1] <= MOST_SECONDS:
        yield f"fault_s is {test.fault_s}; it may be two numbers above 0, the greater one last"
    for field, least, most in bounds:
        value = getattr(test, field)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            yield f"{field} is {value}; it may be {least:g} to {most:g}"


def with_chosen_faults(test: Test) -> Test:
    """The test with its faults by name: those that `all` stands for, and those that a swarm's seed chooses.

    Raises:
        ValueError: a fault or target does not exist, or the schedule is wrong; in words.
    """
    from harness.cluster.kinds import kind_of  # here, since it loads every mechanism of real worlds

    system = system_of(test.system, test.options())
    faults, world = test.nemesis, kind_of(test.world, system.links)
    if ALL in faults:
        named = (name for name in faults if name != ALL)
        faults = tuple(dict.fromkeys((*all_survivable(world, len(test.nodes)), *named)))
    if test.schedule == "swarm":
        faults = enabled(faults, test.seed)
    nemesis_of(faults, world, test.nodes, test.schedule, test.seed)
    return msgspec.structs.replace(test, nemesis=faults)
