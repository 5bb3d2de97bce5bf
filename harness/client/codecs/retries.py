"""Sending a write again under its (client id, sequence): when, whereto, and what all the replies mean.

One operation of the history then stands for all its requests: it is invoked before the first leaves and
completed after the last reply. Pure; whoever carries requests (the runner, the simulator) asks `follow`
after each reply. Only for systems that promise to apply such a write once.
"""

from __future__ import annotations

import msgspec

from history import Operation


class Retries(msgspec.Struct, frozen=True):
    """Try a write whose outcome is unknown again, at the next node each time.

    every: each write whose operation id this divides is sent once more though it was answered, so that a run
    has repeated writes even where nothing is lost; 0: none is.
    """

    nodes: tuple[str, ...]
    writes: frozenset[str]
    tries: int = 5
    every: int = 3
    pause_ns: int = 100_000_000
    """Between a reply and the next try."""

    def follow(self, invocation: Operation, replies: tuple[Operation, ...]) -> Operation:
        """The next request, of type `invoke`, or the operation's completion.

        replies: what each request so far came to, as the codec says. A refusal of a later request says
        nothing of the earlier ones, so it is never a `fail`.
        """
        answered = next((reply for reply in replies if reply.type == "ok"), None)
        is_last = len(replies) >= self.tries or invocation.f not in self.writes
        if answered is not None:
            if len(replies) == 1 and not is_last and self.every and invocation.index % self.every == 0:
                return self._again(invocation, 1)
            # Of two answers the later counts: that of a write which was applied before, or else a lie.
            return replies[-1] if replies[-1].type == "ok" else answered
        if replies[0].type == "fail":
            return replies[0]  # it certainly did not happen, and nothing more was sent
        if is_last:
            return msgspec.structs.replace(replies[-1], type="info")
        return self._again(invocation, len(replies))

    def _again(self, invocation: Operation, steps: int) -> Operation:
        first = self.nodes.index(str(invocation.node))
        return msgspec.structs.replace(invocation, node=self.nodes[(first + steps) % len(self.nodes)])
