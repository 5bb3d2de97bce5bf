"""Links between nodes on hosts, as far as they can be made bad in other ways than by a cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.cluster.attachment import RunningCluster
from harness.hosts.links.linkmessages import LinkImpairment
from harness.hosts.links.links import Healed
from harness.nemesis.mechanisms.links import LinkPair
from harness.nemesis.mechanisms.world import MechanismError

_FIELDS = frozenset(LinkImpairment.__struct_fields__)


class NoLinks:
    """`Links` of nodes that share one address and dial each other directly: there is nothing to cut."""

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        """Refuse to cut."""
        raise MechanismError(
            f"{len(tuple(links))} links cannot be cut: these nodes share one address; --world netns gives "
            "each its own"
        )

    async def heal(self) -> Healed:
        """Find nothing to heal."""
        return Healed((), swallowed_bytes=None)


class HostBadLinks:
    """`BadLinks`: the layout's own, whether they are proxies or packet filters."""

    def __init__(self, cluster: RunningCluster) -> None:
        bad = cluster.layout.bad
        if bad is None:
            raise MechanismError("the links of this world cannot be made bad")
        self._links = bad

    async def impair(self, links: Iterable[LinkPair], how: Mapping[str, Any], by: str, draw: int) -> None:
        """Make links bad, on the account of the fault `by`."""
        given = {name: value for name, value in how.items() if name in _FIELDS}
        await self._links.impair(links, msgspec.convert(given, LinkImpairment), by, draw)

    async def struck(self, by: str) -> int:
        """How many messages, packets or pieces of a stream the fault has struck by now."""
        return await self._links.struck(by)

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did to links; how many messages it struck, None if it was not on."""
        return await self._links.end_impairment(by)
