"""The end of a workload: wait until writes work again, then read every key from every node.

`registry` reads everything twice: linearizably, then from each node's own state. A local read proves
something about a node only if the node has applied as much as the others. So a local read whose applied index
is behind the highest index seen is repeated. A node that does not answer one read well within its tries is
given up: its other reads are left out, and the checkers say `unknown` about them.

All nodes finish one kind of read before any node begins the next kind. Otherwise a leader that is elected in
between could commit an entry of its own, and a linearizable read after some node's local reads could show an
index that this node had not reached when it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
FINAL_LIST = "final-list"
FINAL_LOCAL = "final-local"


def recover_and_read(
    first_write: GeneratorLike,
    nodes: Sequence[str],
    keys_until: Callable[[int], tuple[str, ...]],
    kinds: tuple[str, ...] = (FINAL_LIST, FINAL_LOCAL),
) -> Generator:
    """Try a write until it succeeds, then read all keys from all nodes.

    Args:
        first_write: an operation that shows that writes are acknowledged again.
        nodes: the nodes to read from.
        keys_until: given the number of operations made so far, the keys that they may have used.
        kinds: the `f` of each kind of read, in order.
    """
    write = time_limit(RECOVERY_BOUND_NS, until_ok(delay(RECOVERY_PAUSE_NS, first_write)))
    reads = FinalReads(tuple(NodeReads(node) for node in nodes), keys_until, kinds)
    return phases(clients(write), clients(reads))


class NodeReads(msgspec.Struct, frozen=True):
    """How far one node has been read."""

    node: str
    done: int = 0
    """How many reads are finished: all keys with the first kind of read, then all with the next."""
    in_flight: bool = False
    tries: int = READ_TRIES
    not_before: int = 0


class FinalReads(msgspec.Struct, frozen=True):
    """A generator that reads from all nodes at the same time, with one read in flight on each."""

    nodes: tuple[NodeReads, ...]
    keys_until: Callable[[int], tuple[str, ...]]
    kinds: tuple[str, ...]
    keys: tuple[str, ...] | None = None
    floor: int = 0
    """The highest Raft index that any reply has named."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next read of the first node that waits for one."""
        if self.keys is None:
            begun = msgspec.structs.replace(self, keys=self.keys_until(context.step))
            return begun.op(context)
        total = len(self.kinds) * len(self.keys)
        unfinished = [reads for reads in self.nodes if reads.done < total]
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
        operation = Operation(
            index=-1,
            time=context.now,
            process=process,
            type="invoke",
            f=self.kinds[kind],
            key=self.keys[reads.done % len(self.keys)],
            node=reads.node,
        )
        return operation, self._with(msgspec.structs.replace(reads, in_flight=True))

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
        if event.type == "ok" and caught_up:
            reads = NodeReads(reads.node, done=reads.done + 1)
        elif reads.tries == 1:
            reads = NodeReads(reads.node, done=len(self.kinds) * len(self.keys or ()))
        else:
            reads = NodeReads(reads.node, reads.done, False, reads.tries - 1, context.now + READ_PAUSE_NS)
        return after._with(reads)

    def _with(self, reads: NodeReads) -> FinalReads:
        nodes = tuple(reads if reads.node == other.node else other for other in self.nodes)
        return msgspec.structs.replace(self, nodes=nodes)
