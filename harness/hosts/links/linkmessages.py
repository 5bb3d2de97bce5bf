"""Messages between the harness and its link proxy: one JSON object a line, a reply to each command.

`ConfigureCommand` comes once, first. The proxy ends when its standard input does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.hosts.links.framing import Framing

LinkName = tuple[str, str]
"""(from, to): what `from` sends to `to`. The `from` node dials."""


class LinkTarget(msgspec.Struct, frozen=True):
    """A link, and the loopback port of its `to` node."""

    link: LinkName
    port: int


class ConfigureCommand(msgspec.Struct, frozen=True, tag=True):
    """Listen for these links."""

    targets: tuple[LinkTarget, ...]
    framing: Framing | None = None
    """None: messages cannot be distinguished, and only bytes are counted."""


class CutCommand(msgspec.Struct, frozen=True, tag=True):
    """Let nothing through on these links from now on."""

    links: tuple[LinkName, ...]


class HealCommand(msgspec.Struct, frozen=True, tag=True):
    """Let everything through again; connections that were cut are reset."""


class LinkImpairment(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a link is bad. What strikes whole messages needs links on which these can be distinguished."""

    delay_ms: int = 0
    jitter_ms: int = 0
    """Up to so much more delay, drawn for each message."""
    rate_bytes_s: int | None = None
    is_stalled: bool = False
    """Nothing passes and nothing is lost: it arrives when the impairment has ended."""
    reset_percent: int = 0
    """The chance of each message, or piece of the stream, to end its connection with a reset."""
    lost_percent: int = 0
    """The share of whole messages that are lost; likewise the following."""
    repeated_percent: int = 0
    overtaken_percent: int = 0
    """The share of messages that are held back until others have overtaken them."""
    corrupted_percent: int = 0
    """The share of messages of which one bit is flipped."""

    @property
    def needs_messages(self) -> bool:
        """Whether it is possible only where messages can be distinguished."""
        return bool(
            self.lost_percent or self.repeated_percent or self.overtaken_percent or self.corrupted_percent
        )


class ImpairCommand(msgspec.Struct, frozen=True, tag=True):
    """Make these links bad, on the account of a fault."""

    links: tuple[LinkName, ...]
    how: LinkImpairment
    by: str
    draw: int


class EndImpairmentCommand(msgspec.Struct, frozen=True, tag=True):
    """End what one fault did to links; what was held back goes on at once."""

    by: str


class StatisticsCommand(msgspec.Struct, frozen=True, tag=True):
    """Ask for the state of the links."""


Command = (
    ConfigureCommand | CutCommand | HealCommand | ImpairCommand | EndImpairmentCommand | StatisticsCommand
)


class LinkState(msgspec.Struct, frozen=True):
    """The state of one link; counts are since the proxy began."""

    link: LinkName
    listens: int
    """The loopback port where `from` dials."""
    is_cut: bool = False
    connections: int = 0
    forwarded_bytes: int = 0
    forwarded_messages: int = 0
    swallowed_bytes: int = 0
    swallowed_messages: int = 0
    impaired_by: tuple[str, ...] = ()
    impaired: Mapping[str, int] = {}
    """By fault: how many messages, or pieces of the stream, it struck."""


class LinkStates(msgspec.Struct, frozen=True, tag=True):
    """The reply to every command: all links as they are once it was carried out."""

    links: tuple[LinkState, ...]


class CommandRefused(msgspec.Struct, frozen=True, tag=True):
    """The command could not be carried out; nothing has changed."""

    reason: str


Reply = LinkStates | CommandRefused


class NumberedCommand(msgspec.Struct, frozen=True):
    """One line to the proxy."""

    number: int
    """It grows with each command; the reply repeats it, so that a late reply is recognized."""
    command: Command


class NumberedReply(msgspec.Struct, frozen=True):
    """One line from the proxy."""

    number: int
    reply: Reply
