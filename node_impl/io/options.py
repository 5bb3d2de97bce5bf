"""The command line of `ackproof-node`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from node_impl.core.config import NodeConfig
from node_impl.core.requests import BeatTimes
from node_impl.io.http.access import Role
from node_impl.io.transport import Address

EX_USAGE = 64
LOOPBACK = "127.0.0.1"

_ADDRESS = "[HOST:]PORT"
_BESIDE = Address("", 0)
"""Stands for the place where Nacos's clients look for gRPC."""
GRPC_OFFSET = 1000
"""Nacos's clients add this to the port of HTTP."""
_PEER_HELP = "another member, and where to dial it; once for each"
_BEATS = BeatTimes()
_BEAT_HELP = "how often an ephemeral instance is asked to beat, unless its metadata says"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Options:
    """The settings that one node is started with."""

    name: str
    cluster: str
    listen: Address
    grpc: Address | None
    """Where clients that speak gRPC are served; None: nowhere."""
    peer_listen: Address
    peers: dict[str, Address]
    """The address at which each other member is dialled."""
    member_addresses: dict[str, Address]
    """Where clients reach other members, as far as the command line says it."""
    peer_secret: Path | None
    """The file with the secret that the nodes share; the environment may hold it instead."""
    trust_any_peer: bool
    """Whether to listen for peers off loopback although they share no secret."""
    tokens: Path | None
    """The file with the tokens of clients; the environment may hold it instead."""
    anonymous: Role | None
    """The role of clients without a token; None for what `credentials.access` makes of the rest."""
    tls_certificate: Path | None
    tls_key: Path | None
    data: Path
    trace: Path
    heartbeat_ms: int
    election_ms: int
    request_timeout_ms: int
    snapshot_entries: int
    lease: bool
    clock_drift_bound_percent: int
    voters: tuple[str, ...]
    """Who votes in a cluster that begins; empty: all its nodes."""
    seed: int | None
    beats: BeatTimes
    """The beat times of ephemeral instances whose metadata names none."""


def parse_options(argv: Sequence[str] | None) -> Options:
    """Read the command line; `SystemExit` with status 64 and one line about what is wrong if it is."""
    parser = _parser()
    given = parser.parse_args(argv)
    names = [name for name, _ in given.peer]
    if given.name in names:
        parser.error(f"--peer {given.name}=... is this node itself; name the others only")
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        parser.error(f"--peer {doubled} is given twice")
    if given.heartbeat_ms >= given.election_ms:
        parser.error(
            f"--heartbeat-ms {given.heartbeat_ms} must be below --election-ms {given.election_ms}, "
            "best by a factor of 5, or followers depose healthy leaders"
        )
    strangers = set(given.voters) - {given.name, *names}
    if strangers:
        parser.error(f"--voters names {', '.join(sorted(strangers))}, which is neither --name nor a --peer")
    if (given.tls_certificate is None) != (given.tls_key is None):
        parser.error("--tls-certificate and --tls-key belong together; give both or neither")
    data, trace = given.data.resolve(), given.trace.resolve()
    if trace == data or data in trace.parents:
        parser.error(f"--trace {given.trace} lies inside --data {given.data}; put it elsewhere")
    return Options(
        name=given.name,
        cluster=given.cluster,
        listen=given.listen,
        grpc=_grpc(parser, given),
        peer_listen=given.peer_listen,
        peers=dict(given.peer),
        member_addresses=dict(given.member_address),
        peer_secret=given.peer_secret,
        trust_any_peer=given.trust_any_peer,
        tokens=given.tokens,
        anonymous=None if given.anonymous is None else Role[given.anonymous.upper()],
        tls_certificate=given.tls_certificate,
        tls_key=given.tls_key,
        data=given.data,
        trace=given.trace,
        heartbeat_ms=given.heartbeat_ms,
        election_ms=given.election_ms,
        request_timeout_ms=given.request_timeout_ms,
        snapshot_entries=given.snapshot_entries,
        lease=given.lease,
        clock_drift_bound_percent=given.clock_drift_bound,
        voters=given.voters,
        seed=given.seed,
        beats=BeatTimes(given.beat_interval_ms, given.beat_timeout_ms, given.beat_delete_ms),
    )


def _parser() -> _Parser:
    parser = _Parser(
        prog="ackproof-node",
        description="One node of a service registry replicated by Raft, with a Nacos-compatible HTTP API.",
    )
    add = parser.add_argument
    add("--name", type=_name, required=True, help="this node's name, unique in the cluster")
    add("--cluster", type=_name, default="ackproof", metavar="NAME", help="nodes of any other are refused")
    add(
        "--listen", type=_address, required=True, metavar=_ADDRESS, help="HTTP; loopback unless HOST is given"
    )
    add(
        "--grpc",
        type=_address,
        nargs="?",
        const=_BESIDE,
        metavar=_ADDRESS,
        help="serve Nacos's gRPC clients, too; at --listen's port + 1000 unless an address is given",
    )
    add("--peer-listen", type=_address, required=True, metavar=_ADDRESS, help="where others reach this node")
    add("--peer", type=_peer, action="append", default=[], metavar="NAME=HOST:PORT", help=_PEER_HELP)
    add(
        "--member-address",
        type=_peer,
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help="where clients reach another member, for those that ask; absent: its host, and this node's port",
    )
    add(
        "--peer-secret",
        type=Path,
        metavar="FILE",
        help="what the nodes of the cluster alone know; or in ACKPROOF_PEER_SECRET",
    )
    add(
        "--trust-any-peer",
        action="store_true",
        help="listen off loopback without a secret: any machine that reaches the port can change everything",
    )
    add(
        "--tokens",
        type=Path,
        metavar="FILE",
        help="the tokens of clients: lines of a role (read, write, admin) and a token; or in ACKPROOF_TOKENS",
    )
    add(
        "--anonymous",
        choices=("none", "read", "write", "admin"),
        help="what a client without a token may do; absent: none if there are tokens, admin if only this "
        "machine reaches the node, else write",
    )
    add("--tls-certificate", type=Path, metavar="FILE", help="serve clients by TLS with this certificate")
    add("--tls-key", type=Path, metavar="FILE", help="the certificate's private key")
    add("--data", type=Path, required=True, metavar="FOLDER", help="the log; of one node only")
    add("--trace", type=Path, required=True, metavar="FOLDER", help="what this node did; outside --data")
    add("--heartbeat-ms", type=_milliseconds, default=100, metavar="MS")
    add("--election-ms", type=_milliseconds, default=500, metavar="MS", help="time-outs are in [MS, 2 MS)")
    add("--request-timeout-ms", type=_milliseconds, default=2000, metavar="MS")
    add("--lease", action="store_true", help="reads under a leader's lease; on all nodes or on none")
    add(
        "--clock-drift-bound",
        type=_percent,
        default=NodeConfig.clock_drift_bound_percent,
        metavar="PERCENT",
        help="with --lease: how much faster or slower than true time any node's clock may run",
    )
    add("--voters", type=_names, default=(), metavar="NAMES", help="nodes that vote at first; absent: all")
    add("--snapshot-entries", type=_count, default=10_000, metavar="N", help="a snapshot every N entries")
    add("--beat-interval-ms", type=_milliseconds, default=_BEATS.interval_ms, metavar="MS", help=_BEAT_HELP)
    add(
        "--beat-timeout-ms",
        type=_milliseconds,
        default=_BEATS.timeout_ms,
        metavar="MS",
        help="silence after which it is unhealthy",
    )
    add("--beat-delete-ms", type=_milliseconds, default=_BEATS.delete_ms, metavar="MS", help="and removed")
    add("--seed", type=int, help="of the election time-outs; absent: others at each start")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EX_USAGE, f"{self.prog}: {message} (--help shows all options)\n")


def _grpc(parser: _Parser, given: argparse.Namespace) -> Address | None:
    address: Address | None = given.grpc
    if address is not _BESIDE:
        return address
    port = given.listen.port + GRPC_OFFSET
    if port > 65535:
        parser.error(f"--grpc: --listen's port + {GRPC_OFFSET} is {port}, which is no port; give an address")
    return Address(given.listen.host, port)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: 1 to 64 of letters, digits and . _ -")
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(sorted(_name(name) for name in text.split(",")))
    if len(set(names)) != len(names):
        raise argparse.ArgumentTypeError(f"{text!r} names a node twice")
    return names


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or LOOPBACK
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no [HOST:]PORT with a port from 1 to 65535")
    return Address(host, int(port))


def _peer(text: str) -> tuple[str, Address]:
    name, separator, address = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=HOST:PORT")
    return _name(name), _address(address)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 100000000")
    return int(text)


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 100):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of percent from 0 to 99")
    return int(text)


def _milliseconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 3_600_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds from 1 to 3600000")
    return int(text)
