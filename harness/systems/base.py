"""What the harness must know of a system to run its nodes. All of it is pure.

`System` is what every system has. The other protocols are for what only some systems have: a fault or a host
that needs it is refused for a system without it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, get_args, runtime_checkable

import msgspec

from checkers.lacking import LACKS, GivenEvidence
from checkers.raft.polled import ONE_LEADER_A_TERM
from checkers.run.availability import LEAST_OK_SHARE
from checkers.run.node_health import STOP_STATUSES
from checkers.transactions.promised import CONSISTENCY
from harness.client.clients import MakeClient
from harness.client.codecs.base import Codec, HttpReply, HttpRequest
from harness.client.net import Net
from harness.hosts.links.framing import Framing
from harness.hosts.ssh.bundle import Deployment
from harness.nemesis.mechanisms.cluster import MemberChange
from harness.nemesis.view import ClusterView

CLIENT = "client"
"""The name of the port at which clients reach a node; every system has it."""


class Place(msgspec.Struct, frozen=True):
    """Where one node runs, and where all members are."""

    name: str
    host: str
    ports: Mapping[str, int]
    """The port for each name of `System.ports`."""
    members: Mapping[str, Mapping[str, str]]
    """By name of each member, this node included, and by name of the port: the member's own `host:port`."""
    peers: Mapping[str, str]
    """By name of each other member: the `host:port` to connect to for the port that peers dial
    (`System.peer_port`). Where links are proxies it is the proxy's, else the member's own."""
    data: Path
    """The folder for everything that must survive a restart."""
    trace: Path
    """The folder for the node's trace; it is not inside of `data`."""
    log: Path
    seed: int
    python: str = sys.executable
    """The Python to run the node with, if it is a Python program."""
    modules: Path | None = None
    """The folder of what was shipped to a remote host; None where nothing was."""
    secret: str = ""
    """What the members of this run alone know. It is passed in the environment, and stands
    in no argument list, file or report."""

    @property
    def folder(self) -> Path:
        """The node's own folder; its processes run in it, and `Launch.files` are named from it."""
        return self.data.parent

    def at(self, port: str = CLIENT) -> str:
        """The `host:port` at which the node listens with the port of that name."""
        return f"{self.host}:{self.ports[port]}"

    def program(self, name: str, here: Path) -> str:
        """The path of a program: as it was shipped (`Deployment.files`), else on this machine."""
        return str(here if self.modules is None else self.modules / name)

    @property
    def number(self) -> int:
        """The place of the node among the members, from 1: for systems that number their members."""
        return list(self.members).index(self.name) + 1


class Process(msgspec.Struct, frozen=True):
    """One process of a node: how to start it."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = {}
    name: str = ""
    """Its name in messages, where a node has more than one: `sentinel`."""


class WrittenFile(msgspec.Struct, frozen=True):
    """A file that the harness writes before a node's processes start."""

    path: str
    """Relative to the node's folder; folders on the way are made."""
    content: str
    once: bool = False
    """Only before the first start: the node changes the file itself later."""


class Launch(msgspec.Struct, frozen=True):
    """How to start a node: its processes in order, the main one first, and the files that they need."""

    processes: tuple[Process, ...]
    files: tuple[WrittenFile, ...] = ()
    user: str | None = None
    """The user that the processes run as, for programs that refuse to run as root; None for the harness's.
    The node's folder is given to that user, so the hosts' commands must be root's."""

    @classmethod
    def of(cls, *argv: str, files: Sequence[WrittenFile] = (), **environment: str) -> Launch:
        """A node of one process."""
        return cls((Process(argv, environment),), tuple(files))


class NodeStatus(msgspec.Struct, frozen=True):
    """What a node reports about itself."""

    role: str
    """`leader` for the node that takes itself for the leader; any other word else."""
    term: int
    """A number that grows with each new leader; 0 if the system shows none."""
    leader: str | None = None
    """The node that this node takes for the leader; None if it names none."""
    commit: int = 0
    last: int = 0
    members: tuple[str, ...] | None = None
    """The voters in the newest configuration that the node has; None if the node does not report them."""
    learners: tuple[str, ...] = ()
    configuration: int = 0
    """The index of that configuration."""


class Bounds(msgspec.Struct, frozen=True):
    """How long a system's own steps take, so that nothing is called a fault before its time. In seconds."""

    start_s: float = 10.0
    """From a process's start to its first status."""
    leader_s: float = 30.0
    """From the first start of all nodes to the first leader."""
    stop_s: float = 3.0
    """From SIGTERM to the end."""
    request_s: float = 2.5
    """How long a client waits for an answer."""
    fault_s: tuple[float, float] = (2.0, 3.0)
    """How long a fault lasts, at the least and at the most: longer than the system's failure detector."""
    calm_s: tuple[float, float] = (1.5, 2.0)
    """How long the calm between faults lasts: long enough for a new leader."""
    recovery_s: float = 10.0
    """After the final heal, a write must be acknowledged within this time."""
    settle_s: float = 0.0
    """How long after the last write and the final heal a node may still show an old state, where lookups may
    lag; a shorter time than the workload's own (5 s, or 20 s for what expires) changes nothing."""


Links = Literal["proxies", "addresses"]
"""Whether a member may be dialled at another address than its own (then links can be proxies), or is
known by its address (then each node needs an address of its own, and links are cut by packet filters)."""


@runtime_checkable
class System(Protocol):
    """One system that can be tested."""

    @property
    def name(self) -> str:
        """The system's name in messages and reports."""
        ...

    @property
    def ports(self) -> Mapping[str, int]:
        """By name, each port that a node listens on, `client` among them, and its usual number."""
        ...

    @property
    def links(self) -> Links:
        """How members are dialled."""
        ...

    @property
    def clients(self) -> Mapping[str, Codec | MakeClient]:
        """By data type (harness/client/data_types.py), what carries out a client's operations: a codec over
        HTTP, or a maker of clients of any protocol (harness/client/clients.py)."""
        ...

    def launch(self, place: Place) -> Launch:
        """How to start the node at this place, for the first time or after a crash."""
        ...

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """Ask the node for its status; None if it does not give one. It is ready once it does.

        The harness bounds the time; an OSError counts as no answer.
        """
        ...


@runtime_checkable
class HasFraming(Protocol):
    """A system of which it is known how the bytes between its nodes are cut into messages."""

    @property
    def framing(self) -> Framing:
        """How they are cut."""
        ...


def framing(system: System) -> Framing | None:
    """How the bytes between nodes are cut into messages; None if that is not known."""
    return system.framing if isinstance(system, HasFraming) else None


@runtime_checkable
class DialsPeers(Protocol):
    """A system whose nodes dial each other at one port, each in its own connection."""

    @property
    def peer_port(self) -> str:
        """The name of that port. Of a system without it, links are cut by address: all ports, both ways."""
        ...


def peer_port(system: System) -> str | None:
    """The name of the port that peers dial, one connection a direction; None if they use several."""
    return system.peer_port if isinstance(system, DialsPeers) else None


@runtime_checkable
class HasBounds(Protocol):
    """A system that is slower, or faster, than the usual bounds."""

    @property
    def bounds(self) -> Bounds:
        """Its bounds."""
        ...


def bounds(system: System) -> Bounds:
    """How long the system's own steps take."""
    return system.bounds if isinstance(system, HasBounds) else Bounds()


@runtime_checkable
class ChoosesLeader(Protocol):
    """A system that says whom it takes for the leader, and when it is ready to serve."""

    def leader(self, view: ClusterView) -> str | None:
        """The leader, once the cluster is ready to serve; None before."""
        ...


def leader(system: System, view: ClusterView) -> str | None:
    """The leader of a cluster that is ready: by default the one that a majority names in one term."""
    return system.leader(view) if isinstance(system, ChoosesLeader) else view.agreed_leader()


@runtime_checkable
class HasVersion(Protocol):
    """A system that knows the version of the program under test."""

    def version(self) -> str:
        """The version, as the program itself states it.

        Raises:
            ValueError: the program is not there or is not of the version that is asked for; in words.
        """
        ...


@runtime_checkable
class StopsWith(Protocol):
    """A system whose processes end with another exit status than 0 when they are asked to end."""

    @property
    def stop_statuses(self) -> tuple[int, ...]:
        """The exit statuses after SIGTERM."""
        ...


def stop_statuses(system: System) -> tuple[int, ...]:
    """The exit statuses of a process that was asked to end; death by the signal itself is always one."""
    return system.stop_statuses if isinstance(system, StopsWith) else (0,)


@runtime_checkable
class NamesDamageable(Protocol):
    """A system that says which of its files a fault of the disk may damage."""

    @property
    def damageable(self) -> tuple[str, ...]:
        """Patterns of `glob`, from the node's data folder: `member/wal/*.wal`."""
        ...


def damageable(system: System) -> tuple[str, ...]:
    """Which files a fault of the disk may damage; every file if the system does not say."""
    return system.damageable if isinstance(system, NamesDamageable) else ("**/*",)


class LogRecords(msgspec.Struct, frozen=True):
    """How a log is cut into records: each begins with its length, and zeros follow the last one."""

    length_bytes: int
    """How many bytes hold the length of what follows them."""
    length_bits: int
    """How many of its lowest bits count."""
    order: Literal["little", "big"]
    padded_to: int = 1
    """What follows is filled up to a multiple of this number of bytes."""


@runtime_checkable
class TakesRoomBeforehand(Protocol):
    """A system that takes the room for its log, as zeros, before it writes there.

    Zeros at the end of its log are then no torn write. So the fault `torn` leaves a record that began.
    """

    @property
    def log_records(self) -> LogRecords | None:
        """The form of the log's records; None if nothing would show that a torn one was read: then `torn` is
        refused."""
        ...


def log_records(system: System) -> LogRecords | None:
    """The form of the records of a log for which room is taken beforehand; None for every other log."""
    return system.log_records if isinstance(system, TakesRoomBeforehand) else None


@runtime_checkable
class SyncsFolders(Protocol):
    """A system that syncs a folder, as POSIX asks, before it relies on a name that it has made in it."""

    @property
    def syncs_folders(self) -> bool:
        """Whether it does."""
        ...


def syncs_folders(system: System) -> bool:
    """Whether a loss of power may take the names of its files unless their folders were synced.

    Of other systems it takes only what ext4, XFS and Btrfs lose too: a name is durable once the file is.
    """
    return isinstance(system, SyncsFolders) and system.syncs_folders


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
class GivesEvidence(Protocol):
    """A system that gives evidence which most systems do not have.

    The checkers of what a system does not give are not applicable to it. Evidence that it gives, and that is
    not there, is missing, and makes verdicts `unknown`.
    """

    @property
    def gives(self) -> tuple[GivenEvidence, ...]:
        """What it gives: `traces` of its nodes, `indices` in its replies."""
        ...


def lacks(system: System) -> tuple[GivenEvidence, ...]:
    """The evidence that a system cannot give, whatever happens."""
    given = system.gives if isinstance(system, GivesEvidence) else ()
    return tuple(evidence for evidence in get_args(GivenEvidence) if evidence not in given)


@runtime_checkable
class HasOneLeaderATerm(Protocol):
    """A system of which a term, as its nodes state it, has one leader at most, by its own documentation."""

    @property
    def one_leader_a_term(self) -> bool:
        """Whether it is so."""
        ...


@runtime_checkable
class EndsLeaderLast(Protocol):
    """A system whose leader, asked to end, first waits for another node to take over from it.

    A run asks all nodes to end. Of such a system it asks the leader when the others have ended, as otherwise
    the leader waits in vain for a node that ends, too.
    """

    @property
    def ends_leader_last(self) -> bool:
        """Whether it is so."""
        ...


def ends_leader_last(system: System) -> bool:
    """Whether the leader is to be asked to end when the others have ended."""
    return isinstance(system, EndsLeaderLast) and system.ends_leader_last


@runtime_checkable
class StatesConsistency(Protocol):
    """A system that says by which consistency model its transactions are judged."""

    @property
    def consistency(self) -> str:
        """The name of the model (checkers/transactions/consistency.py)."""
        ...


@runtime_checkable
class StatesAvailability(Protocol):
    """A system that says how many of the requests to it must get an `ok` reply."""

    @property
    def least_ok_share(self) -> float | None:
        """The least share, 0 to 1; None if it promises nothing."""
        ...


def promises(system: System) -> dict[str, Any]:
    """What checkers must know of the system, as options of the recording."""
    has_one = isinstance(system, HasOneLeaderATerm) and system.one_leader_a_term
    stated: dict[str, Any] = {}
    if isinstance(system, StatesConsistency):
        stated[CONSISTENCY] = system.consistency
    if isinstance(system, StatesAvailability) and system.least_ok_share is not None:
        stated[LEAST_OK_SHARE] = system.least_ok_share
    return {
        **stated,
        LACKS: list(lacks(system)),
        ONE_LEADER_A_TERM: has_one,
        STOP_STATUSES: list(stop_statuses(system)),
    }


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
class ShowsDate(Protocol):
    """A system whose nodes show their time of day in the Date of their HTTP replies."""

    def date_request(self) -> HttpRequest:
        """A request whose reply has a Date (RFC 9110, section 6.6.1)."""
        ...


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

    def membership_request(self, change: MemberChange, node: str, secret: str) -> HttpRequest:
        """The request that asks a leader for a change of one member; `secret` is that of `Place`."""
        ...

    def was_refused(self, reply: HttpReply) -> str | None:
        """Why such a request has no effect, now or later; None if it may have one."""
        ...
