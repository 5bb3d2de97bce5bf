"""One node as a process: opens what it needs, runs until SIGTERM, and ends with a status that says why.

A node is never half alive: an exception anywhere, in a step, a task or the log's thread, ends the
process. docs/node.md lists the exit statuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import random
import signal
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from node_impl.core.build import DEFAULT_PARTS, Parts, build_node
from node_impl.core.config import MILLISECOND_NS, NodeConfig
from node_impl.core.events import Recovered
from node_impl.core.storage import CorruptLog, FolderInUse, OsDisk, WriteAheadLog, put_in_place
from node_impl.io.credentials import PEER_SECRET, CannotUse, access, is_loopback, peer_secret, tls_context
from node_impl.io.driver import DiskFailed, Driver, Ended, SteppedNode
from node_impl.io.http.access import Access
from node_impl.io.http.limits import DEFAULT_LIMITS
from node_impl.io.http.listener import HttpListener
from node_impl.io.options import EX_USAGE, Options, parse_options
from node_impl.io.sparing import SparingReport
from node_impl.io.trace import TraceWriter
from node_impl.io.transport import Address, PeerListener, PeerSenders, Secret
from node_impl.io.turns import Turns

if TYPE_CHECKING:
    from node_impl.io.grpc.listener import GrpcListener

EX_OK = 0
EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_SOFTWARE = 70
EX_CANTCREAT = 73
EX_IOERR = 74
EX_TEMPFAIL = 75
EX_CONFIG = 78

SWITCH_INTERVAL_S = 0.0005
"""How soon the log's thread gets the interpreter back after its fsync; Python's default of 5 ms would be many
times the duration of the fsync."""


GC_THRESHOLDS = (20_000, 20, 100)
"""Python looks for reference cycles after 20,000 new objects, not after 700: a write makes some hundred
objects, and none of them stands in a cycle."""


OWNER = "owner"
"""The file that names the node to which a data folder belongs."""


class CannotStart(Exception):
    """The node cannot come up; `status` is what the process ends with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def main(argv: Sequence[str] | None = None, parts: Parts = DEFAULT_PARTS) -> int:
    """Run one node, made of `parts`, until SIGTERM; returns the exit status."""
    options = parse_options(argv)
    logger = _logger(options.name)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        turns = Turns()
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
            return runner.run(_run(options, parts, logger, turns))
    except CannotStart as problem:
        logger.error("%s", problem)
        return problem.status
    except Exception:
        logger.exception("the node has a defect and ends")
        return EX_SOFTWARE


async def _run(options: Options, parts: Parts, logger: logging.Logger, turns: Turns) -> int:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    secret, allowed, tls = _credentials(options)
    with contextlib.ExitStack() as opened:
        disk = opened.enter_context(contextlib.closing(_open_disk(options.data)))
        http_socket = opened.enter_context(_bound(options.listen, "--listen"))
        peer_socket = opened.enter_context(_bound(options.peer_listen, "--peer-listen"))
        _claim(disk, options)
        storage = parts.storage(disk)
        recovered = _recover(storage, logger)
        trace = opened.enter_context(contextlib.closing(_open_trace(options.trace)))
        hard_state, entries, base = recovered.hard_state, recovered.entries, recovered.base.index
        logger.info(
            "life %s, process %s: term %s, vote %s, %s log entries after %s",
            trace.life,
            os.getpid(),
            hard_state.term,
            hard_state.vote,
            len(entries),
            base,
        )
        senders = PeerSenders(options.cluster, options.name, options.peers, logger.info, secret)
        node = _build(options, parts, recovered, trace.life)
        driver = Driver(node, storage, trace, senders, logger, turns)
        peers = PeerListener(
            options.cluster,
            options.name,
            frozenset(options.peers),
            driver.receive,
            SparingReport(logger.info),
            driver.lost,
            secret,
        )
        grpc = _grpc_listener(options, driver, allowed, logger)
        http = HttpListener(
            driver.ask,
            driver.fail,
            SparingReport(logger.info),
            lambda: {**driver.counters(), **peers.counters(), **({} if grpc is None else grpc.counters())},
            options.beats,
            access=allowed,
            addresses=_addresses(options),
        )
        edges = _Edges(senders, peers, peer_socket, http, http_socket, tls, grpc)
        await _serve(options, driver, edges, told_to_stop, logger)
        return _status(driver, logger)


class _Edges(NamedTuple):
    """What a node reaches others by, and they it."""

    senders: PeerSenders
    peers: PeerListener
    peer_socket: socket.socket
    http: HttpListener
    http_socket: socket.socket
    tls: ssl.SSLContext | None
    grpc: GrpcListener | None


def _addresses(options: Options) -> dict[str, tuple[str, int]]:
    """Where clients reach each member: as the options say, or at its host and this node's own port."""
    port = options.listen.port
    return {
        **{name: (address.host, port) for name, address in options.peers.items()},
        **options.member_addresses,
        options.name: (options.listen.host, port),
    }


def _grpc_listener(
    options: Options, driver: Driver, allowed: Access, logger: logging.Logger
) -> GrpcListener | None:
    """The listener for clients that speak gRPC, if there is to be one; `grpcio` is loaded only then."""
    if options.grpc is None:
        return None
    try:
        from node_impl.io.grpc.listener import GrpcListener
    except ImportError as problem:
        advice = "install it by pip install 'ackproof[grpc]', or start without --grpc"
        raise CannotStart(EX_USAGE, f"--grpc needs grpcio ({problem}); {advice}") from problem
    listener = GrpcListener(
        driver.ask, driver.fail, SparingReport(logger.info), options.beats, allowed, DEFAULT_LIMITS
    )
    key, certificate = options.tls_key, options.tls_certificate
    try:
        tls = None if key is None or certificate is None else (key.read_bytes(), certificate.read_bytes())
        listener.bind(options.grpc, tls)
    except OSError as problem:
        raise CannotStart(EX_UNAVAILABLE, f"--grpc {options.grpc}: {problem}") from problem
    return listener


async def _serve(
    options: Options,
    driver: Driver,
    edges: _Edges,
    told_to_stop: asyncio.Event,
    logger: logging.Logger,
) -> None:
    """Run until SIGTERM, or until the driver has failed; on return all of the node's tasks have ended."""
    loop = asyncio.get_running_loop()
    exceptions = _LoopExceptions(driver, logger)
    loop.set_exception_handler(exceptions)
    driver.start()
    await edges.peers.listen(edges.peer_socket)
    await edges.http.listen(edges.http_socket, edges.tls)
    if edges.grpc is not None:
        await edges.grpc.listen()
    protocol = "HTTP" if edges.tls is None else "HTTPS"
    logger.info("serving %s on %s, peers on %s", protocol, options.listen, options.peer_listen)
    if edges.grpc is not None:
        logger.info("serving gRPC on %s", options.grpc)

    dialling = asyncio.create_task(edges.senders.run(), name="dial peers")
    stopping = asyncio.create_task(told_to_stop.wait(), name="wait for SIGTERM")
    ends: set[asyncio.Future[Any]] = {driver.failure, dialling, stopping}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if dialling.done():
        driver.fail(dialling.exception() or RuntimeError("the task that connects to the peers has ended"))

    exceptions.is_stopping = True
    edges.http.stop_listening()
    if edges.grpc is not None:
        edges.grpc.stop_listening()
    edges.peers.close()
    await driver.stop()
    for task in (dialling, stopping):
        task.cancel()
    await asyncio.gather(dialling, stopping, return_exceptions=True)  # what failed is with the driver
    await edges.http.close()
    if edges.grpc is not None:
        await edges.grpc.close()


def _build(options: Options, parts: Parts, recovered: Recovered, life: int) -> SteppedNode:
    config = NodeConfig(
        heartbeat_ns=options.heartbeat_ms * MILLISECOND_NS,
        election_timeout_ns=options.election_ms * MILLISECOND_NS,
        request_timeout_ns=options.request_timeout_ms * MILLISECOND_NS,
        lease=options.lease,
        clock_drift_bound_percent=options.clock_drift_bound_percent,
        voters=options.voters,
        snapshot_entries=options.snapshot_entries,
        snapshot_trailing=options.snapshot_entries // 2,
    )
    return build_node(
        name=options.name,
        members=tuple(sorted((options.name, *options.peers))),
        life=life,
        recovered=recovered,
        random=SeededRandom(f"{options.name}:{life}:{options.seed}" if options.seed is not None else None),
        config=config,
        parts=parts,
    )


class SeededRandom:
    """The node's source of chance. A text as seed gives the same draws everywhere; None gives new ones."""

    def __init__(self, seed: str | None) -> None:
        self._random = random.Random(seed)

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1, evenly drawn."""
        return self._random.randrange(n)


def _credentials(options: Options) -> tuple[Secret, Access, ssl.SSLContext | None]:
    try:
        secret = peer_secret(options.peer_secret, os.environ)
        allowed = access(options.tokens, options.anonymous, is_loopback(options.listen), os.environ)
        certificate, key = options.tls_certificate, options.tls_key
        tls = None if certificate is None or key is None else tls_context(certificate, key)
    except CannotUse as problem:
        raise CannotStart(EX_CONFIG, str(problem)) from problem
    if not (secret or options.trust_any_peer or is_loopback(options.peer_listen)):
        raise CannotStart(
            EX_CONFIG,
            f"--peer-listen {options.peer_listen} can be reached from other machines, and without a secret "
            "each of them could command this node; give all nodes one by --peer-secret FILE or "
            f"{PEER_SECRET}, or say --trust-any-peer",
        )
    return secret, allowed, tls


def _open_disk(folder: Path) -> OsDisk:
    try:
        return OsDisk(folder)
    except FolderInUse as problem:
        raise CannotStart(EX_TEMPFAIL, str(problem)) from problem
    except OSError as problem:
        raise CannotStart(
            EX_CANTCREAT,
            f"--data {folder} cannot be used: {problem.strerror}; pass a folder this user may write",
        ) from problem


def _claim(disk: OsDisk, options: Options) -> None:
    """Make sure that the folder is this node's: with the log and vote of another, one node would count
    twice."""
    me = msgspec.json.encode({"cluster": options.cluster, "node": options.name})
    try:
        owner = disk.read(OWNER)
        if owner is None:  # a new folder, or one from before folders had owners
            put_in_place(disk, OWNER, me)
    except OSError as problem:
        raise CannotStart(EX_IOERR, f"--data {options.data}: {problem.strerror}; check the disk") from problem
    if owner is not None and owner != me:
        whose = owner.decode(errors="replace")
        raise CannotStart(
            EX_CANTCREAT,
            f"--data {options.data} cannot be used: it belongs to {whose}, and this is {me.decode()}; "
            "pass this node's own folder, or an empty one for a node that is new",
        )


def _open_trace(folder: Path) -> TraceWriter:
    try:
        return TraceWriter(folder)
    except OSError as problem:
        raise CannotStart(
            EX_CANTCREAT,
            f"--trace {folder} cannot be used: {problem.strerror}; pass a folder this user may write",
        ) from problem


def _recover(storage: WriteAheadLog, logger: logging.Logger) -> Recovered:
    try:
        recovered = storage.recover()
    except CorruptLog as problem:
        raise CannotStart(EX_DATAERR, str(problem)) from problem
    except OSError as problem:
        raise CannotStart(
            EX_IOERR, f"the log cannot be read: {problem}; check the disk before starting again"
        ) from problem
    for note in recovered.notes:
        logger.info("recovered %s", note)
    return recovered


def _bound(address: Address, option: str) -> socket.socket:
    """Open a socket that listens there.

    It listens at once, since two sockets may share an address until one listens; a client that connects
    before the node is up waits.
    """
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as problem:
        raise CannotStart(EX_UNAVAILABLE, f"{option} {address}: {problem.strerror}") from problem
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(resolved)
        bound.listen()
    except OSError as problem:
        bound.close()
        advice = (
            "; stop what listens there, or choose another port" if problem.errno == errno.EADDRINUSE else ""
        )
        raise CannotStart(EX_UNAVAILABLE, f"{option} {address}: {problem.strerror}{advice}") from problem
    return bound


class _LoopExceptions:
    """Takes the exceptions that reach the event loop: each ends the node, except one.

    Where the loop cannot take a connection, since too many are open, it tries again by itself within a
    second.
    """

    _OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

    def __init__(self, driver: Driver, logger: logging.Logger) -> None:
        self._driver = driver
        self._logger = logger
        self._silent_until = 0.0
        self.is_stopping = False

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in self._OUT_OF_FILES:
            if loop.time() >= self._silent_until:
                self._silent_until = loop.time() + 1.0
                self._logger.warning("cannot take a connection: %s", error.strerror)
        elif self.is_stopping:
            self._logger.warning("while stopping: %s: %r", context.get("message"), error)
        elif isinstance(error, Exception):
            self._driver.fail(error)
        else:
            self._driver.fail(RuntimeError(f"{context.get('message')}: {error!r}"))


def _status(driver: Driver, logger: logging.Logger) -> int:
    """Log how the node ended; returns the exit status."""
    failure = driver.failure.exception() if driver.failure.done() else None
    match failure:
        case None:
            logger.info("stopped as asked")
            return EX_OK
        case DiskFailed():
            logger.error("%s; check the disk before starting again", failure)
            return EX_IOERR
        case Ended():
            logger.error("%s", failure)
            return EX_SOFTWARE
        case _:
            logger.error("the node has a defect and ends", exc_info=failure)
            return EX_SOFTWARE


def _logger(name: str) -> logging.Logger:
    """Log single lines to standard error: `2026-05-01T12:00:00.123Z n1 INFO text`."""
    formatter = logging.Formatter(
        f"%(asctime)s.%(msecs)03dZ {name} %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger = logging.getLogger("node_impl")
    logger.setLevel(logging.INFO)
    return logger
