"""Links that are late, slow, stalled, reset, or strike single messages."""

from __future__ import annotations

import asyncio

import msgspec

from harness.cluster.hands.base import Hand
from harness.cluster.layout import BadLinks
from harness.hosts.links.linkmessages import Impairment
from harness.hosts.links.links import LinkError
from harness.nemesis.action import Action
from harness.nemesis.faults.network.impairments import EndImpairment, Impair
from harness.nemesis.outcome import Outcome

EFFECT_BOUND_S = 2.0
POLL_S = 0.02
_HOW = frozenset(Impairment.__struct_fields__)


class ImpairmentHand(Hand):
    """An effect is seen once the first message, or piece of a stream, has been struck."""

    actions = (Impair, EndImpairment)

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        match action:
            case Impair(links, by, draw):
                told = {name: value for name, value in msgspec.to_builtins(action).items() if name in _HOW}
                how = msgspec.convert(told, Impairment)
                await self._links().impair(links, how, by, draw)
                struck = await self._first_struck(by)
                asked = msgspec.to_builtins(how)
                return Outcome(
                    took_effect=struck, details=asked, error=None if struck else "struck nothing yet"
                )
            case EndImpairment(by):
                count = await self._links().end_impairment(by)
                return Outcome(took_effect=count is not None, details={"struck": count or 0})
        return await super().carry_out(action)

    async def _first_struck(self, by: str) -> bool:
        deadline = asyncio.get_running_loop().time() + EFFECT_BOUND_S
        while not await self._links().struck(by):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _links(self) -> BadLinks:
        bad = self._shop.layout.bad
        if bad is None:
            raise LinkError("the links of this world cannot be made bad")
        return bad
