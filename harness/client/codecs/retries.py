"""Repeating a write with the same client id and sequence number: when, where, and what the replies mean.

One operation of the history then stands for several requests. It begins before the first one leaves and ends
after the last reply. This is pure: an exchange (exchange.py) calls `follow` after each reply. It is only for
systems that promise to apply such a write once.
"""

from __future__ import annotations

import msgspec

from history import Operation


class Retries(msgspec.Struct, frozen=True):
    """How a workload repeats writes: one whose outcome is unknown is sent again, to the next node each time.

    every: a write whose operation id is a multiple of this is sent twice even if it was answered, so that a
    run without lost replies has repeated writes, too; 0 for none.
    """

    nodes: tuple[str, ...]
    writes: frozenset[str]
    tries: int = 5
    every: int = 3
    pause_ns: int = 100_000_000
    """The time between a reply and the next request."""

    def follow(self, invocation: Operation, replies: tuple[Operation, ...]) -> Operation:
        """The next request, of type `invoke`, or the operation's completion.

        replies: what each request so far came to, as the codec decoded it. A refusal of a later request says
        nothing about the earlier ones, so it is never a `fail`.
        """
        answered = next((reply for reply in replies if reply.type == "ok"), None)
        is_last = len(replies) >= self.tries or invocation.f not in self.writes
        if answered is not None:
            if len(replies) == 1 and not is_last and self.every and invocation.index % self.every == 0:
                return self._again(invocation, 1)
            # Of two answers the later one counts: it must say that the write was applied already.
            return replies[-1] if replies[-1].type == "ok" else answered
        if replies[0].type == "fail":
            return replies[0]  # it certainly did not happen, and nothing more was sent
        if is_last:
            return msgspec.structs.replace(replies[-1], type="info")
        return self._again(invocation, len(replies))

    def _again(self, invocation: Operation, steps: int) -> Operation:
        first = self.nodes.index(str(invocation.node))
        return msgspec.structs.replace(invocation, node=self.nodes[(first + steps) % len(self.nodes)])
