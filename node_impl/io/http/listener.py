"""Carries the codec over HTTP/1.1: reads a request, asks the node, writes the reply. Knows no parameter."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping

import msgspec

from node_impl.core.api.codec import MAX_BODY_BYTES, parse, render
from node_impl.core.api.operator import VIEWS, Addresses, render_view
from node_impl.core.api.parameters import DEFAULT_BEATS
from node_impl.core.api.replies import NodeReply, refuse
from node_impl.core.api.results import answers_with_result, failed
from node_impl.core.events import Status
from node_impl.core.requests import BeatTimes, Done, Reply, Request
from node_impl.io.http.access import EVERYTHING, Access
from node_impl.io.http.connection import Connections, HttpMessage
from node_impl.io.http.limits import DEFAULT_LIMITS, Limits
from node_impl.io.http.login import LOGIN, log_in
from node_impl.io.http.metrics import METRICS, RequestMetrics, kind_of
from node_impl.io.http.tls import Encrypted, Tls

CLOSE_TIMEOUT_S = 1.0

NO_ADDRESSES: Addresses = {}

Respond = Callable[[NodeReply], None]
Ask = Callable[[Request, Callable[[Reply], None]], None]
"""A function that gives a request to the node, which calls back with its reply."""


class HttpListener:
    """Serves the node's API on one socket.

    ask: gives a request to the node. on_defect: is called with any exception that is not a client's fault;
    the client gets a bare 500 and no traceback. report: takes one line for the node's log. counters: further
    counters for `/metrics`. beats: the beat times of ephemeral instances whose metadata names none. limits:
    what clients may take. addresses: where clients reach each member, as far as this node knows.
    """

    def __init__(
        self,
        ask: Ask,
        on_defect: Callable[[Exception], None],
        report: Callable[[str], None],
        counters: Callable[[], Mapping[str, float]] = dict,
        beats: BeatTimes = DEFAULT_BEATS,
        limits: Limits = DEFAULT_LIMITS,
        access: Access = EVERYTHING,
        addresses: Addresses = NO_ADDRESSES,
    ) -> None:
        self._addresses = addresses
        self._access = access
        self._ask = ask
        self._on_defect = on_defect
        self._more_counters = counters
        self._beats = beats
        self._metrics = RequestMetrics()
        self._report = report
        self._tls: Tls | None = None
        self._connections = Connections(self._serve, MAX_BODY_BYTES, report, limits)
        self._server: asyncio.Server | None = None

    async def listen(self, listening: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve on a socket that is bound already; encrypted, if `tls` has a certificate."""
        make: Callable[[], asyncio.Protocol] = self._connections
        if tls is not None:
            encryption = self._tls = Tls(tls, self._report)
            make = lambda: Encrypted(encryption, self._connections())  # noqa: E731 - a function of one line
        self._server = await asyncio.get_running_loop().create_server(make, sock=listening)
        self._connections.look_after()

    def stop_listening(self) -> None:
        """Stop listening: take no new connections."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Let replies under way leave, then close every connection."""
        self.stop_listening()
        await self._connections.close(CLOSE_TIMEOUT_S)

    def _serve(self, message: HttpMessage, respond: Respond) -> None:
        begun = time.perf_counter()
        try:
            request: Request | NodeReply | None
            if message.path in LOGIN:
                request = log_in(message, self._access)
            else:
                request = self._access.refusal(message)
                if request is not None and answers_with_result(message.path):
                    request = failed(message.path, request)
            if request is None:
                request = parse(
                    message.method, message.path, message.query, message.body, message.headers, self._beats
                )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect that must end the node
            self._defect(error, respond)
            return
        if isinstance(request, NodeReply):
            self._metrics.count("unasked", str(request.status), time.perf_counter() - begun)
            respond(request)
        else:
            self._ask(request, lambda reply: self._answer(message, request, reply, begun, respond))

    def _answer(
        self, message: HttpMessage, request: Request, reply: Reply, begun: float, respond: Respond
    ) -> None:
        try:
            outcome = "ok" if isinstance(reply, Done) else reply.code
            self._metrics.count(kind_of(request.body), outcome, time.perf_counter() - begun)
            if message.path == METRICS and isinstance(reply, Done):
                rendered = self._metrics.render(reply.value, self._counters(), time.monotonic())
            elif message.path in VIEWS and isinstance(reply, Done):
                rendered = render_view(message.path, reply.raft_index, reply.value, self._addresses)
            else:
                rendered = render(request, self._with_refused(reply), message.path)
        except Exception as error:  # noqa: BLE001 - as above
            self._defect(error, respond)
            return
        respond(rendered)

    def _counters(self) -> dict[str, float]:
        handshakes = {} if self._tls is None else self._tls.counters()
        return {**self._more_counters(), **self._connections.used.counters(), **handshakes}

    def _with_refused(self, reply: Reply) -> Reply:
        """The reply; a status with what this node's sockets have refused, which the core does not know."""
        if not (isinstance(reply, Done) and isinstance(reply.value, Status)):
            return reply
        refused = {
            name.removeprefix("refused_").removesuffix("_total"): int(count)
            for name, count in self._counters().items()
            if name.startswith("refused_")
        }
        return msgspec.structs.replace(reply, value=msgspec.structs.replace(reply.value, refused=refused))

    def _defect(self, error: Exception, respond: Respond) -> None:
        self._on_defect(error)
        respond(refuse(500, "defect", "the node has a defect and stops; its log says more", proposed=True))
