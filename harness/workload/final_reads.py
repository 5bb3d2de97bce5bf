"""The end of a workload: wait until writes work again, then read every key from every node.

`registry` reads everything twice: linearizably, then from each node's own state. A local read proves
something about a node only if the node has applied as much as the others. So a local read whose applied index
is behind the highest index seen is repeated. A node that does not answer one read within its tries is given
up: its other reads are left out, and the checkers say `unknown` about them. So is a node whose reads take too
long, all together: the final reads of a dead cluster end within a bound.

All nodes finish one kind of read before any node begins the next kind. Otherwise a leader that is elected in
between could commit an entry of its own, and a linearizable read after some node's local reads could show an
index that this node had not reached when it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from harness.generator import (
    PENDING,
    Answer,
    Context,
    Generator,
    GeneratorLike,
    Pending,
    clients,
    delay,
    phases,
    time_limit,
    until_ok,
)
from history import Operation
from history.units import MILLISECOND_NS, SECOND_NS

RECOVERY_BOUND_NS = 20 * SECOND_NS
"""How long a first write is tried after the final heal, before the reads begin all the same."""
RECOVERY_PAUSE_NS = 50 * MILLISECOND_NS
READ_TRIES = 40
READ_PAUSE_NS = 100 * MILLISECOND_NS
USUAL_READ_NS = 100 * MILLISECOND_NS
PATIENCE_NS = 20 * SECOND_NS
"""How long all final reads of a node may take, in addition to `USUAL_READ_NS` for each that succeeds."""
FINAL_LIST = "final-list"
FINAL_LOCAL = "final-local"


Request = Callable[[str, int], tuple[str | None, Any]]
"""A function from the name of a key, and the number of operations made so far, to the key and the value of
the operation on it."""


def recover_and_read(
    first_write: GeneratorLike,
    nodes: Sequence[str],
    keys_until: Callable[[int], tuple[str, ...]],
    kinds: tuple[str, ...] = (FINAL_LIST, FINAL_LOCAL),
    each_kind: Sequence[GeneratorLike] = (),
) -> Generator:
    """Try a write until it succeeds, then read all keys from all nodes.

    Args:
        first_write: an operation that shows that writes are acknowledged again.
        nodes: the nodes to read from.
        keys_until: given the number of operations made so far, the keys that they may have used.
        kinds: the `f` of each kind of read, in order.
        each_kind: operations that are each tried until they succeed, before the reads: where some kind of
            operation comes rarely and none succeeded under faults, the run still shows that it works.
    """
    return phases(recover(first_write, *each_kind), on_every_node(nodes, keys_until, kinds))


def recover(*operations: GeneratorLike) -> Generator:
    """Try a write, and then other operations, on any client, each until it succeeds or the bound is over."""
    tried = [until_ok(delay(RECOVERY_PAUSE_NS, operation)) for operation in operations]
    return clients(time_limit(RECOVERY_BOUND_NS, phases(*tried)))


def by_key(key: str, _step: int) -> tuple[str | None, Any]:
    """The request of a read that names its key and has no value."""
    return key, None


def on_every_node(
    nodes: Sequence[str],
    keys_until: Callable[[int], tuple[str, ...]],
    kinds: tuple[str, ...],
    request: Request = by_key,
) -> Generator:
    """Read all keys from all nodes, or do something else with each key on each node: see the module's
    docstring."""
    return clients(FinalReads(tuple(NodeReads(node) for node in nodes), keys_until, kinds, request))


def share_done(generator: object) -> float | None:
    """Which part of the final reads within a generator is done; None before they begin, or without any."""
    if isinstance(generator, FinalReads):
        return generator.share_done
    if isinstance(generator, msgspec.Struct):
        return share_done(tuple(getattr(generator, name) for name in generator.__struct_fields__))
    if isinstance(generator, tuple):
        return next((share for share in map(share_done, generator) if share is not None), None)
    return None


class NodeReads(msgspec.Struct, frozen=True):
    """How far one node has been read."""

    node: str
    done: int = 0
    """How many reads are finished: all keys with the first kind of read, then all with the next."""
    in_flight: bool = False
    tries: int = READ_TRIES
    not_before: int = 0
    asked_at: int = 0
    """When the read in flight began."""
    patience: int = PATIENCE_NS
    """What is left of it, in nanoseconds."""
    given_up: bool = False

    def after(self, event: Operation, now: int, caught_up: bool) -> NodeReads:
        """The same node after a read came back: it is done, to be tried again, or the node is given up.

        A node that answers and is behind is asked for as long as patience lasts: `convergence` needs to know
        how long it stays behind.
        """
        done = event.type == "ok" and caught_up
        spent = now - self.asked_at - (USUAL_READ_NS if done else -READ_PAUSE_NS)
        patience = self.patience - max(spent, 0)
        is_behind = event.type == "ok" and not caught_up
        if patience <= 0 or (not done and not is_behind and self.tries == 1):
            return NodeReads(self.node, given_up=True)
        if done:
            return NodeReads(self.node, self.done + 1, patience=patience)
        tries = self.tries if is_behind else self.tries - 1
        return NodeReads(self.node, self.done, False, tries, now + READ_PAUSE_NS, patience=patience)


class FinalReads(msgspec.Struct, frozen=True):
    """A generator that reads from all nodes at the same time, with one read in flight on each."""

    nodes: tuple[NodeReads, ...]
    keys_until: Callable[[int], tuple[str, ...]]
    kinds: tuple[str, ...]
    request: Request = by_key
    keys: tuple[str, ...] | None = None
    floor: int = 0
    """The highest Raft index that any reply has named."""

    @property
    def share_done(self) -> float | None:
        """Which part of all reads is done; None before the first one."""
        if self.keys is None:
            return None
        total = len(self.kinds) * len(self.keys)
        done = sum(total if reads.given_up else reads.done for reads in self.nodes)
        return done / (total * len(self.nodes)) if total and self.nodes else 1.0

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next read of the first node that waits for one."""
        if self.keys is None:
            begun = msgspec.structs.replace(self, keys=self.keys_until(context.step))
            return begun.op(context)
        total = len(self.kinds) * len(self.keys)
        unfinished = [reads for reads in self.nodes if reads.done < total and not reads.given_up]
        if not unfinished:
            return None, self
        kind = min(reads.done // len(self.keys) for reads in unfinished)
        idle = [reads for reads in unfinished if not reads.in_flight and reads.done // len(self.keys) == kind]
        ready = [reads for reads in idle if reads.not_before <= context.now]
        if not ready:
            return Pending(min(reads.not_before for reads in idle)) if idle else PENDING, self
        process = context.free_process()
        if process is None:
            return PENDING, self
        reads = ready[0]
        key, value = self.request(self.keys[reads.done % len(self.keys)], context.step)
        operation = Operation(
            index=-1,
            time=context.now,
            process=process,
            type="invoke",
            f=self.kinds[kind],
            key=key,
            value=value,
            node=reads.node,
        )
        return operation, self._with(msgspec.structs.replace(reads, in_flight=True, asked_at=context.now))

    def update(self, context: Context, event: Operation) -> Generator:
        """A read is done if it is ok and, where local, not behind. Otherwise it is tried again."""
        if event.type == "invoke":
            return self
        floor = max(self.floor, event.raft_index or 0)
        after = self if floor == self.floor else msgspec.structs.replace(self, floor=floor)
        reads = next((reads for reads in self.nodes if reads.node == event.node and reads.in_flight), None)
        if reads is None or event.f not in self.kinds:
            return after
        caught_up = event.f != FINAL_LOCAL or (event.raft_index or 0) >= floor
        return after._with(reads.after(event, context.now, caught_up))

    def _with(self, reads: NodeReads) -> FinalReads:
        nodes = tuple(reads if reads.node == other.node else other for other in self.nodes)
        return msgspec.structs.replace(self, nodes=nodes)
