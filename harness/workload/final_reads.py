"""Reads every key back from every node, in each of some ways: `registry` reads linearizably, then locally.

A local read proves something about a node only once that node has applied as much as the others:
so a local read whose applied index is behind the highest index seen is asked again. A node that
gives no good answer to one read within its tries is given up: what it was not asked stays unread, and
the checkers say `unknown` for it.

No node is read in the next way before all have been read in the one before. A leader that is elected
meanwhile commits an entry of its own, so a linearizable read that came after some node's local reads could
name an index that these had not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from harness.generator import PENDING, Answer, Context, Generator, Pending
from history import Operation

FINAL_LIST = "final-list"
FINAL_LOCAL = "final-local"
TRIES = 40
PAUSE_NS = 100_000_000


class NodeReads(msgspec.Struct, frozen=True):
    """How far one node has been read."""

    node: str
    done: int = 0
    """Reads finished: all keys in the first way, then all in the next."""
    in_flight: bool = False
    tries: int = TRIES
    not_before: int = 0


class FinalReads(msgspec.Struct, frozen=True):
    """A generator: all nodes at once, one read in flight on each."""

    nodes: tuple[NodeReads, ...]
    keys_until: Callable[[int], tuple[str, ...]]
    ways: tuple[str, ...]
    keys: tuple[str, ...] | None = None
    floor: int = 0
    """The highest Raft index any reply has named."""

    @classmethod
    def of(
        cls,
        nodes: Sequence[str],
        keys_until: Callable[[int], tuple[str, ...]],
        ways: tuple[str, ...] = (FINAL_LIST, FINAL_LOCAL),
    ) -> FinalReads:
        """Read all keys that `keys_until(operations made so far)` names, with each `f` of `ways`."""
        return cls(tuple(NodeReads(node) for node in nodes), keys_until, ways)

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """The next read of the first node that waits for one."""
        if self.keys is None:
            begun = msgspec.structs.replace(self, keys=self.keys_until(context.step))
            return begun.op(context)
        total = len(self.ways) * len(self.keys)
        waiting = [reads for reads in self.nodes if reads.done < total]
        if not waiting:
            return None, self
        way = min(reads.done // len(self.keys) for reads in waiting)
        idle = [reads for reads in waiting if not reads.in_flight and reads.done // len(self.keys) == way]
        ready = [reads for reads in idle if reads.not_before <= context.now]
        if not ready:
            return Pending(min(reads.not_before for reads in idle)) if idle else PENDING, self
        process = context.free_process()
        if process is None:
            return PENDING, self
        reads = ready[0]
        way, position = divmod(reads.done, len(self.keys))
        operation = Operation(
            index=-1,
            time=context.now,
            process=process,
            type="invoke",
            f=self.ways[way],
            key=self.keys[position],
            node=reads.node,
        )
        return operation, self._with(msgspec.structs.replace(reads, in_flight=True))

    def update(self, context: Context, event: Operation) -> Generator:
        """A completed read is done if it was ok and, where local, not behind; else it is tried again."""
        if event.type == "invoke":
            return self
        floor = max(self.floor, event.raft_index or 0)
        after = self if floor == self.floor else msgspec.structs.replace(self, floor=floor)
        reads = next((reads for reads in self.nodes if reads.node == event.node and reads.in_flight), None)
        if reads is None or event.f not in self.ways:
            return after
        caught_up = event.f != FINAL_LOCAL or (event.raft_index or 0) >= floor
        if event.type == "ok" and caught_up:
            reads = NodeReads(reads.node, done=reads.done + 1)
        elif reads.tries == 1:
            reads = NodeReads(reads.node, done=len(self.ways) * len(self.keys or ()))
        else:
            reads = NodeReads(reads.node, reads.done, False, reads.tries - 1, context.now + PAUSE_NS)
        return after._with(reads)

    def _with(self, reads: NodeReads) -> FinalReads:
        nodes = tuple(reads if reads.node == other.node else other for other in self.nodes)
        return msgspec.structs.replace(self, nodes=nodes)
