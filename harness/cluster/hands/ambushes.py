"""The hand that lies in wait for leaders: it asks all nodes again and again, and strikes the one it sees."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from harness.cluster.hands.base import DONE, Done, Hand, also
from harness.cluster.layout import NodeOnHost
from harness.nemesis.action import Action
from harness.nemesis.faults.cluster.ambush import EndAmbush, LieInWait
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView

BREATH_S = 0.002
"""Between two rounds of questions."""


class AmbushHand(Hand):
    """Waits for a moment by polling; each wait ends before the next thing is done."""

    actions: ClassVar[tuple[type[Action], ...]] = (LieInWait, EndAmbush)

    async def carry_out(self, action: Action) -> Outcome:
        """Wait and strike; what it saw is told."""
        if not isinstance(action, LieInWait):
            return Outcome(took_effect=False)  # nothing waits any more
        loop = asyncio.get_running_loop()
        deadline = loop.time() + action.within_ms / 1000
        while loop.time() < deadline:
            view = await self._shop.observe()
            prey = prey_in(view, action)
            if prey is not None:
                seen = view.nodes[prey]

                async def strike(node: NodeOnHost) -> Done:
                    process = node.process
                    if process is None:
                        return None
                    if action.by == "kill":
                        return DONE if await node.host.kill(process, by="ambush") else "survives SIGKILL"
                    return DONE if await node.host.pause(process) else "does not stop at SIGSTOP"

                struck = await self._shop.on_each((prey,), strike)
                return also(struck, term=seen.term, commit=seen.commit, last=seen.last)
            await asyncio.sleep(BREATH_S)
        return Outcome(took_effect=False, details={"waited_ms": action.within_ms})


def prey_in(view: ClusterView, wait: LieInWait) -> str | None:
    """The leader that is at the moment, if one is."""
    leader = view.leader()
    if leader is None:
        return None
    seen = view.nodes[leader]
    if (seen.term or 0) <= wait.after_term:
        return None
    return leader if wait.moment == "new-leader" or seen.last > seen.commit else None
