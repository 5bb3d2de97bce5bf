"""What the harness must know of a kind of system to run its nodes; all of it pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.hosts.links.framing import Framing
from harness.nemesis.mechanisms.cluster import MemberChange


class NodePlace(msgspec.Struct, frozen=True):
    """Where one node lives and whom it dials."""

    name: str
    host: str
    client_port: int
    peer_port: int
    peers: Mapping[str, str]
    """By name of each other node: the `host:port` to dial it at; a link's, where links are proxies."""
    data: Path
    trace: Path
    """Outside `data`."""
    log: Path
    seed: int
    python: str = sys.executable
    """The Python to run it with, where it is a Python program."""
    modules: Path | None = None
    """Where its own modules lie, if they are not installed there."""

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{self.host}:{self.client_port}"


class Command(msgspec.Struct, frozen=True):
    """How to start a process."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = {}


class Status(msgspec.Struct, frozen=True):
    """What a node says of itself."""

    role: str
    term: int
    leader: str | None = None
    commit: int = 0
    last: int = 0
    members: tuple[str, ...] | None = None
    """Who votes, in the newest configuration that it holds; None if it tells of none."""
    learners: tuple[str, ...] = ()
    configuration: int = 0
    """The index of that configuration."""


class System(Protocol):
    """One kind of system."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def framing(self) -> Framing | None:
        """How its peers' bytes are cut into messages; None if that cannot be told."""
        ...

    def command(self, place: NodePlace) -> Command:
        """How to start the node at this place, for the first time or again."""
        ...

    def status_request(self) -> HttpRequest:
        """The request that asks a node for its status. A node that answers it is ready."""
        ...

    def read_status(self, reply: HttpReply) -> Status | None:
        """What the reply says; None if it is no status."""
        ...


Trouble = Literal["disk", "corrupt", "descriptors", "memory"]
"""Why a node may have to end by itself: its disk fails; its files are damaged; it may open no more files; it
gets no more memory."""


@runtime_checkable
class EndsOfItself(Protocol):
    """A system that says with which exit status a node ends when it must.

    Where a fault caused the trouble, an end with that status is on the fault's account; of a system that does
    not say, such an end is nobody's, and `node-health` reports it.
    """

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """The exit statuses; none if the node must not end."""
        ...


def statuses_after(system: System, trouble: Trouble) -> tuple[int, ...]:
    """With which statuses a node may end in this trouble."""
    return system.statuses_after(trouble) if isinstance(system, EndsOfItself) else ()


@runtime_checkable
class TellsMonotonic(Protocol):
    """A system whose nodes tell what their monotonic clocks show: how a drift is seen."""

    def monotonic_request(self) -> HttpRequest:
        """The request that asks a node."""
        ...

    def read_monotonic(self, reply: HttpReply) -> float | None:
        """What the reply tells, in seconds from any time; None if it tells nothing."""
        ...


@runtime_checkable
class ChangesMembers(Protocol):
    """A system whose members can be changed while it runs."""

    def membership_request(self, change: MemberChange, node: str) -> HttpRequest:
        """The request that asks a leader for a change of one member."""
        ...

    def was_refused(self, reply: HttpReply) -> str | None:
        """Why such a request certainly has no effect, now and later; None if that is not known."""
        ...
