"""What the harness and its link proxy tell each other: one JSON object a line, a reply to each command.

`Configure` comes once, first. The proxy ends when its standard input does.
"""

from __future__ import annotations

import msgspec

from harness.control.framing import Framing

LinkName = tuple[str, str]
"""(from, to): what `from` sends to `to`. The `from` node dials."""


class LinkTarget(msgspec.Struct, frozen=True):
    """A link, and the loopback port of its `to` node."""

    link: LinkName
    port: int


class Configure(msgspec.Struct, frozen=True, tag=True):
    """Listen for these links."""

    targets: tuple[LinkTarget, ...]
    framing: Framing | None = None
    """None: messages cannot be told apart; bytes alone are counted."""


class Cut(msgspec.Struct, frozen=True, tag=True):
    """Let nothing through on these links from now on."""

    links: tuple[LinkName, ...]


class Heal(msgspec.Struct, frozen=True, tag=True):
    """Let everything through again; connections that were cut are reset."""


class Statistics(msgspec.Struct, frozen=True, tag=True):
    """Only tell the state of the links."""


Command = Configure | Cut | Heal | Statistics


class LinkState(msgspec.Struct, frozen=True):
    """One link now; counts are since the proxy began."""

    link: LinkName
    listens: int
    """The loopback port where `from` dials."""
    is_cut: bool = False
    connections: int = 0
    forwarded_bytes: int = 0
    forwarded_messages: int = 0
    swallowed_bytes: int = 0
    swallowed_messages: int = 0


class Links(msgspec.Struct, frozen=True, tag=True):
    """The reply to every command: all links as they are once it was carried out."""

    links: tuple[LinkState, ...]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The command could not be carried out; nothing has changed."""

    reason: str


Reply = Links | Refused


class Asked(msgspec.Struct, frozen=True):
    """One line to the proxy."""

    number: int
    """Grows with each; the answer repeats it, so that a reply nobody waited for is told apart."""
    command: Command


class Answered(msgspec.Struct, frozen=True):
    """One line from the proxy."""

    number: int
    reply: Reply
