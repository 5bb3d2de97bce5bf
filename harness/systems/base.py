"""What the harness must know of a system to run its nodes. All of it is pure.

`System` is what every system has. The other protocols are for what only some systems have: a fault or a host
that needs it is refused for a system without it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import msgspec

from checkers.lacking import GivenEvidence
from harness.client.codecs.base import Codec, HttpReply, HttpRequest
from harness.hosts.links.framing import Framing
from harness.hosts.ssh.bundle import Deployment
from harness.nemesis.mechanisms.cluster import MemberChange


class NodePlace(msgspec.Struct, frozen=True):
    """Where one node runs, and the addresses of the others."""

    name: str
    host: str
    client_port: int
    peer_port: int
    peers: Mapping[str, str]
    """By name of each other node: the `host:port` to connect to; where links are proxies, the proxy's."""
    data: Path
    """The folder for everything that must survive a restart."""
    trace: Path
    """The folder for the node's trace; it is not inside of `data`."""
    log: Path
    seed: int
    python: str = sys.executable
    """The Python to run the node with, if it is a Python program."""
    modules: Path | None = None
    """The folder of the modules that were shipped to a remote host; None where they are installed."""

    @property
    def address(self) -> str:
        """The `host:port` at which clients reach the node."""
        return f"{self.host}:{self.client_port}"


class Command(msgspec.Struct, frozen=True):
    """How to start a process."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = {}


class NodeStatus(msgspec.Struct, frozen=True):
    """What a node reports about itself."""

    role: str
    term: int
    leader: str | None = None
    commit: int = 0
    last: int = 0
    members: tuple[str, ...] | None = None
    """The voters in the newest configuration that the node has; None if the node does not report them."""
    learners: tuple[str, ...] = ()
    configuration: int = 0
    """The index of that configuration."""


@runtime_checkable
class System(Protocol):
    """One system that can be tested."""

    @property
    def name(self) -> str:
        """The system's name in messages and reports."""
        ...

    @property
    def framing(self) -> Framing | None:
        """How the bytes between nodes are cut into messages; None if that is not known."""
        ...

    @property
    def codecs(self) -> Mapping[str, Codec]:
        """By data type (harness/client/data_types.py), what carries out a client's operations."""
        ...

    def command(self, place: NodePlace) -> Command:
        """The command that starts the node at this place, for the first time or after a crash."""
        ...

    def status_request(self) -> HttpRequest:
        """The request that asks a node for its status. A node that answers it is ready."""
        ...

    def read_status(self, reply: HttpReply) -> NodeStatus | None:
        """The status in a reply; None if the reply holds none."""
        ...


@runtime_checkable
class TakesOptions(Protocol):
    """A class of systems that is made from the options of the test."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """The system for a test with these options; their names are those of the fields of `Test`."""
        ...


@runtime_checkable
class RunsRemotely(Protocol):
    """A system that can be shipped to remote hosts (`--world ssh`)."""

    @property
    def deployment(self) -> Deployment:
        """The packages that a remote host needs to run a node."""
        ...


@runtime_checkable
class LacksEvidence(Protocol):
    """A system that cannot give some evidence, whatever happens: the checkers of it are not applicable to it.

    Of a system that does not say, evidence that is not there is missing, and makes verdicts `unknown`.
    """

    @property
    def lacks(self) -> tuple[GivenEvidence, ...]:
        """What it lacks: `traces` of its nodes, `indices` in its replies."""
        ...


def lacks(system: System) -> tuple[GivenEvidence, ...]:
    """The evidence that a system cannot give."""
    return system.lacks if isinstance(system, LacksEvidence) else ()


Trouble = Literal["disk", "corrupt", "descriptors", "memory"]
"""Why a node may have to exit by itself: its disk fails, its files are damaged, it may open no more files, or
it gets no more memory."""


@runtime_checkable
class ExitsByItself(Protocol):
    """A system that says with which exit status a node exits when it has to.

    If a fault caused the trouble, an exit with this status is counted as the fault's effect. Of a system that
    does not say, `node-health` reports every such exit.
    """

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """The exit statuses; empty if the node must not exit."""
        ...


def statuses_after(system: System, trouble: Trouble) -> tuple[int, ...]:
    """The exit statuses with which a node may exit in this trouble."""
    return system.statuses_after(trouble) if isinstance(system, ExitsByItself) else ()


@runtime_checkable
class ReportsMonotonicClock(Protocol):
    """A system whose nodes report their monotonic clocks, so that a drift can be observed."""

    def monotonic_request(self) -> HttpRequest:
        """The request that asks a node for its monotonic clock."""
        ...

    def read_monotonic(self, reply: HttpReply) -> float | None:
        """The clock in a reply, in seconds since any time; None if the reply holds none."""
        ...


@runtime_checkable
class ChangesMembers(Protocol):
    """A system whose members can be changed while it runs."""

    def membership_request(self, change: MemberChange, node: str) -> HttpRequest:
        """The request that asks a leader for a change of one member."""
        ...

    def was_refused(self, reply: HttpReply) -> str | None:
        """Why such a request has no effect, now or later; None if it may have one."""
        ...
