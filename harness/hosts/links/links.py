"""The harness's side of the link proxy: starts it, commands it, and reads what it swallowed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.hosts.host import Background
from harness.hosts.links.framing import Framing
from harness.hosts.links.linkmessages import (
    Command,
    CommandRefused,
    ConfigureCommand,
    CutCommand,
    EndImpairmentCommand,
    HealCommand,
    ImpairCommand,
    LinkImpairment,
    LinkName,
    LinkState,
    LinkStates,
    LinkTarget,
    NumberedCommand,
    NumberedReply,
    Reply,
    StatisticsCommand,
)
from harness.hosts.local import LocalHost, tail
from harness.nemesis.mechanisms.world import MechanismError

REPLY_BOUND_S = 5.0


class LinkError(MechanismError):
    """The link proxy refused, did not answer in time, or has ended."""


class Healed(msgspec.Struct, frozen=True):
    """What a heal ended."""

    links: tuple[LinkName, ...]
    """The links that had been cut."""
    swallowed_bytes: int | None
    """Since the last heal; None where only messages were counted."""
    swallowed_messages: int | None = None
    """None where messages cannot be distinguished."""
    swallowed_packets: int | None = None
    """Where packets were dropped rather than bytes swallowed."""
    connections_reset: int | None = None
    """Connections on cut links, which could be half-open, that were reset; None where that is not known."""
    by_link: Mapping[LinkName, int] = {}
    """By link that was cut: how many messages, packets or bytes (the first of these that is counted) it
    swallowed; 0 is a link on which nothing was lost."""

    def details(self) -> dict[str, Any]:
        """The counts that are known, for reports."""
        facts = {
            "swallowed_messages": self.swallowed_messages,
            "swallowed_packets": self.swallowed_packets,
            "swallowed_bytes": self.swallowed_bytes,
            "connections_reset": self.connections_reset,
            "swallowed_by_link": {f"{a}→{b}": count for (a, b), count in self.by_link.items()} or None,
        }
        return {name: count for name, count in facts.items() if count is not None}


class LinkProxies:
    """The links between nodes, carried by one proxy process. Made by `start_links`."""

    def __init__(self, process: Background) -> None:
        self.process = process
        self._decoder = msgspec.json.Decoder(NumberedReply)
        self._turn = asyncio.Lock()
        self._asked = 0
        self._cut: tuple[LinkName, ...] = ()
        self._framing: Framing | None = None
        self._before: dict[LinkName, LinkState] = {}
        """By link: its state at the last heal."""
        self._struck_before: dict[str, int] = {}
        """By fault that is on: what it had struck before it was begun."""

    async def cut(self, links: Iterable[LinkName]) -> tuple[LinkName, ...]:
        """Let nothing through on these links, in addition to those cut already.

        Returns:
            All links that are cut now, as the proxy reports.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        await self._ask(CutCommand(tuple(links)))
        return self._cut

    async def swallowed(self, links: Iterable[LinkName]) -> int:
        """How many bytes these links have swallowed since the last heal.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        asked = set(links)
        states = await self._ask(StatisticsCommand())
        return sum(self._bytes_since(state) for state in states if state.link in asked)

    async def heal(self) -> Healed:
        """Let everything through again.

        Raises:
            LinkError: the proxy refused, or did not answer, and if a link is still cut.
        """
        were_cut = self._cut
        states = await self._ask(HealCommand())
        if self._cut:
            raise LinkError(f"links are still cut after the heal: {self._cut}")
        sizes = {state.link: self._bytes_since(state) for state in states}
        messages = {state.link: self._messages_since(state) for state in states}
        self._before = {state.link: state for state in states}
        known = sizes if self._framing is None else messages
        return Healed(
            were_cut,
            swallowed_bytes=sum(sizes.values()),
            swallowed_messages=None if self._framing is None else sum(messages.values()),
            by_link={link: known[link] for link in were_cut},
        )

    def _bytes_since(self, state: LinkState) -> int:
        before = self._before.get(state.link)
        return state.swallowed_bytes - (0 if before is None else before.swallowed_bytes)

    def _messages_since(self, state: LinkState) -> int:
        before = self._before.get(state.link)
        return state.swallowed_messages - (0 if before is None else before.swallowed_messages)

    async def impair(self, links: Iterable[LinkName], how: LinkImpairment, by: str, draw: int) -> int:
        """Make links bad, on a fault's account; how many are so now.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        states = await self._ask(ImpairCommand(tuple(links), how, by, draw))
        self._struck_before[by] = _struck(states, by)
        return sum(by in state.impaired_by for state in states)

    async def end_impairment(self, by: str) -> int | None:
        """End what one fault did; how many messages or pieces of the stream it struck, None if it was not on.

        Raises:
            LinkError: the proxy refused, or did not answer, and if a link is still bad.
        """
        before = self._struck_before.pop(by, None)
        states = await self._ask(EndImpairmentCommand(by))
        if any(by in state.impaired_by for state in states):
            raise LinkError(f"links are still under {by} after its end")
        return None if before is None else _struck(states, by) - before

    async def struck(self, by: str) -> int:
        """How many messages, or pieces of the stream, a fault has struck since it was last begun.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        return _struck(await self._ask(StatisticsCommand()), by) - self._struck_before.get(by, 0)

    async def states(self) -> tuple[LinkState, ...]:
        """Every link as it is now.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        return await self._ask(StatisticsCommand())

    async def configure(
        self, targets: Mapping[LinkName, int], framing: Framing | None
    ) -> dict[LinkName, int]:
        """Configure once where each link leads; the ports to dial.

        Raises:
            LinkError: the proxy refused, or did not answer.
        """
        listed = tuple(LinkTarget(link, port) for link, port in targets.items())
        self._framing = framing
        return {state.link: state.listens for state in await self._ask(ConfigureCommand(listed, framing))}

    async def _ask(self, command: Command) -> tuple[LinkState, ...]:
        to, answers = self.process.stdin, self.process.stdout
        assert to is not None
        assert answers is not None
        async with self._turn:
            self._asked += 1
            try:
                async with asyncio.timeout(REPLY_BOUND_S):
                    to.write(msgspec.json.encode(NumberedCommand(self._asked, command)) + b"\n")
                    await to.drain()
                    reply = await self._answer(answers)
            except TimeoutError:
                raise LinkError(f"the link proxy gave no answer within {REPLY_BOUND_S:g} s") from None
            except ConnectionError:
                raise self._ended() from None
        match reply:
            case CommandRefused(reason):
                raise LinkError(f"the link proxy refused: {reason}")
            case LinkStates(links):
                self._cut = tuple(state.link for state in links if state.is_cut)
                return links

    async def _answer(self, answers: asyncio.StreamReader) -> Reply:
        """The reply to the last command; late replies to cancelled ones are skipped."""
        while line := await answers.readline():
            answered = self._decoder.decode(line)
            if answered.number == self._asked:
                return answered.reply
        raise self._ended()

    def _ended(self) -> LinkError:
        return LinkError("the link proxy has ended; its last lines: " + self._last_lines())

    def _last_lines(self) -> str:
        return " | ".join(tail(self.process.log, 5)) or "none"


class ProxyLoss:
    """The same links, which lose messages: the counterpart of packets that nftables drops elsewhere."""

    def __init__(self, links: LinkProxies, percent: int, by: str = "loss") -> None:
        self._links = links
        self._how = LinkImpairment(lost_percent=percent)
        self._by = by
        self._lossy: tuple[LinkName, ...] = ()
        self._lost_earlier = 0
        """By this loss, before links were added to it last."""

    async def cut(self, links: Iterable[LinkName]) -> tuple[LinkName, ...]:
        """Lose messages on these, in addition; all that lose some now."""
        self._lost_earlier = await self.swallowed(links)
        self._lossy = tuple(dict.fromkeys((*self._lossy, *links)))
        await self._links.impair(self._lossy, self._how, self._by, len(self._lossy))
        return self._lossy

    async def swallowed(self, links: Iterable[LinkName]) -> int:  # noqa: ARG002 - the loss counts as a whole
        """How many messages this loss has swallowed since it was begun, on all links together."""
        return self._lost_earlier + await self._links.struck(self._by) if self._lossy else 0

    async def heal(self) -> Healed:
        """Lose no more messages."""
        were_lossy, self._lossy = self._lossy, ()
        lost, earlier = await self._links.end_impairment(self._by), self._lost_earlier
        self._lost_earlier = 0
        return Healed(
            were_lossy, swallowed_bytes=None, swallowed_messages=None if lost is None else earlier + lost
        )


def _struck(states: Iterable[LinkState], by: str) -> int:
    return sum(state.impaired.get(by, 0) for state in states)


async def start_links(host: LocalHost, log: Path) -> LinkProxies:
    """Start the proxy process; `configure` comes next.

    Raises:
        StartError: it cannot be started.
    """
    process = await host.start(
        "the link proxy",
        [sys.executable, "-m", "harness.hosts.links.linkproxy"],
        log=log,
        folder=log.parent,
        with_pipes=True,
        essential=True,
    )
    return LinkProxies(process)
