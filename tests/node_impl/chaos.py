"""A random run: clients work while nodes crash and links are cut, all drawn from the cluster's seed."""

from __future__ import annotations

from dataclasses import replace

from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.config import NodeConfig
from node_impl.core.events import Body, Deregister, Done, Lookup, Update
from node_impl.core.requests import AddLearner, Promote, Remove
from tests.node_impl.cluster import CONFIG, SNAPSHOTS, Call, Cluster, Faults, key, register
from tests.node_impl.invariants import check_calls

ROUGH = Faults(
    lost=30,
    repeated=30,
    delay_ns=(1 * MILLISECOND_NS, 20 * MILLISECOND_NS),
    fsync_ns=(1 * MILLISECOND_NS, 15 * MILLISECOND_NS),
    crash_between_effects=20,
)


def run_chaos(
    seed: int,
    *,
    size: int = 5,
    duration: int = 4 * SECOND_NS,
    faults: Faults = ROUGH,
    parts: Parts = DEFAULT_PARTS,
    restart_all: bool = False,
    config: NodeConfig = CONFIG,
) -> Cluster:
    """Run, heal, settle and check everything.

    Raises:
        Violation: a property does not hold.
    """
    cluster = Cluster(size, seed, faults=faults, parts=parts, config=config)
    cluster.start()
    _keep_asking(cluster, duration)
    for number in range(3):
        _RepeatingClient(cluster, f"client{number}", duration).begin()
    _keep_breaking(cluster, duration, restart_all)
    cluster.run(duration)
    cluster.faults = Faults()
    cluster.heal()
    cluster.start()
    cluster.run(3 * SECOND_NS)  # every request is answered or refused by now
    cluster.elect()
    cluster.settle()
    check_calls(cluster.calls, cluster.invariants.committed)
    unanswered = [call for call in cluster.calls if call.reply is None]
    for call in unanswered:
        life_was_cut = cluster.members[call.node].life > 1
        assert life_was_cut, f"operation {call.op} at {call.node} was never answered"
    return cluster


def run_membership_chaos(
    seed: int, *, parts: Parts = DEFAULT_PARTS, duration: int = 5 * SECOND_NS
) -> Cluster:
    """Run as `run_chaos` does, among six nodes of which three vote at first, while members come and go.

    Raises:
        Violation: a property does not hold.
    """
    config = replace(SNAPSHOTS, voters=("n1", "n2", "n3"))
    cluster = Cluster(6, seed, faults=ROUGH, parts=parts, config=config)
    cluster.start()
    _keep_asking(cluster, duration)
    _keep_breaking(cluster, duration, restart_all=seed % 3 == 0)
    _keep_changing(cluster, duration)
    cluster.run(duration)
    cluster.faults = Faults()
    cluster.heal()
    cluster.start()
    cluster.run(3 * SECOND_NS)
    cluster.elect()
    cluster.settle()
    check_calls(cluster.calls, cluster.invariants.committed)
    return cluster


def _keep_changing(cluster: Cluster, end: int) -> None:
    random = cluster.random

    def change() -> None:
        if cluster.now >= end:
            return
        cluster.later(30 * MILLISECOND_NS + random.below(100 * MILLISECOND_NS), change)
        if not cluster.up:
            return
        leading = cluster.leader()
        at = leading if leading is not None else random.choice(cluster.up)
        node = random.choice(cluster.names)
        configuration = cluster.node(at).raft.state.configuration
        if node in configuration.learners:
            cluster.ask(at, Promote(node))
        elif node not in configuration.voters:
            cluster.ask(at, AddLearner(node))
        elif len(configuration.voters) > 2:
            cluster.ask(at, Remove(node))

    cluster.later(600 * MILLISECOND_NS, change)


def _keep_asking(cluster: Cluster, end: int) -> None:
    random = cluster.random

    def ask() -> None:
        if cluster.now >= end:
            return
        cluster.later(random.below(20 * MILLISECOND_NS), ask)
        if cluster.up:
            cluster.ask(cluster.up[random.below(len(cluster.up))], _body(cluster))

    ask()


class _RepeatingClient:
    """Writes with (client, sequence), and repeats each at any node until a reply says how it ended."""

    def __init__(self, cluster: Cluster, name: str, end: int) -> None:
        self._cluster = cluster
        self._name = name
        self._end = end
        self._sequence = 0

    def begin(self) -> None:
        """Write the next."""
        cluster = self._cluster
        self._sequence += 1
        if cluster.now < self._end:
            self._try(register(cluster.random.below(4), f"{self._name}.{self._sequence}"), None)

    def _try(self, body: Body, op: str | None) -> None:
        cluster = self._cluster
        if cluster.now >= self._end:
            return
        call = None
        if cluster.up:
            node = cluster.up[cluster.random.below(len(cluster.up))]
            call = cluster.ask(node, body, (self._name, self._sequence), op)
        patience = 20 * MILLISECOND_NS + cluster.random.below(300 * MILLISECOND_NS)
        cluster.later(patience, lambda: self._look(body, op, call))

    def _look(self, body: Body, op: str | None, call: Call | None) -> None:
        if call is not None and isinstance(call.reply, Done):
            self.begin()
        else:
            self._try(body, op if call is None else call.op)


def _body(cluster: Cluster) -> Body:
    random = cluster.random
    number = random.below(4)
    match random.below(10):
        case 0 | 1 | 2:
            return register(number, random.below(1 << 30))
        case 3:
            return Deregister(key(number))
        case 4:
            return Update(key(number), weight=float(random.below(100)))
        case _:
            return Lookup(key(number))


def _keep_breaking(cluster: Cluster, end: int, restart_all: bool) -> None:
    random = cluster.random
    names = cluster.names

    def break_something() -> None:
        if cluster.now >= end:
            return
        cluster.later(50 * MILLISECOND_NS + random.below(400 * MILLISECOND_NS), break_something)
        down = [name for name in names if name not in cluster.up]
        match random.below(7):
            case 0 if cluster.up:
                cluster.crash(cluster.up[random.below(len(cluster.up))])
            case 1 if cluster.leader() is not None:
                cluster.crash(cluster.leader() or "")
            case 2 | 3 if down:
                cluster.start(*down)
            case 4 if len(names) > 1:
                cluster.cut(random.sample(names, 1 + random.below(len(names) - 1)))
            case 5:
                cluster.heal()
            case 6 if restart_all:
                cluster.crash(*cluster.up)
                cluster.start()
            case _:
                pass

    cluster.later(600 * MILLISECOND_NS, break_something)
