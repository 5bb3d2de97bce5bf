"""Carries the codec over HTTP/1.1: reads a request, asks the node, writes the reply. Knows no parameter."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import http_exceptions, web

from node_impl.api.codec import MAX_BODY_BYTES, parse, render
from node_impl.api.metrics import METRICS, RequestMetrics, kind_of
from node_impl.api.parameters import DEFAULT_BEATS
from node_impl.api.replies import HttpReply, refuse
from node_impl.requests import BeatTimes, Done, Reply, Request

MAX_LINE_BYTES = 256 * 1024
"""Nacos's clients put parameters, metadata included, into the request line."""
MAX_HEADER_BYTES = 8 * 1024
CLOSE_TIMEOUT_S = 1.0

Ask = Callable[[Request], Awaitable[Reply]]


class HttpListener:
    """Serves the node's API on one socket.

    ask: gives a request to the node. on_defect: told of any exception that is not a client's fault;
    the client gets a bare 500 and no traceback. counters: what else `/metrics` tells. beats: how ephemeral
    instances live that do not say.
    """

    def __init__(
        self,
        ask: Ask,
        on_defect: Callable[[Exception], None],
        counters: Callable[[], Mapping[str, float]] = dict,
        beats: BeatTimes = DEFAULT_BEATS,
    ) -> None:
        self._ask = ask
        self._on_defect = on_defect
        self._counters = counters
        self._beats = beats
        self._metrics = RequestMetrics()
        logger = logging.getLogger("node_impl.http")
        logger.addFilter(_bad_requests_in_one_line)
        self._http = web.Server(
            self._handle,
            access_log=None,
            logger=logger,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            auto_decompress=False,
        )
        self._server: asyncio.Server | None = None

    async def listen(self, listening: socket.socket) -> None:
        """Serve on a socket that is bound already."""
        self._server = await asyncio.get_running_loop().create_server(self._http, sock=listening)

    def stop_listening(self) -> None:
        """Take no new connections."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Let replies under way leave, then close every connection."""
        self.stop_listening()
        await self._http.shutdown(CLOSE_TIMEOUT_S)

    async def _handle(self, http: web.BaseRequest) -> web.Response:
        try:
            reply = await self._reply(http)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect that must end the node
            self._on_defect(error)
            reply = refuse(500, "defect", "the node has a defect and stops; its log says more", proposed=True)
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers={"Content-Type": reply.content_type, **reply.headers},
        )

    async def _reply(self, http: web.BaseRequest) -> HttpReply:
        try:
            body = await _body(http) if http.body_exists else b""
        except (ConnectionError, http_exceptions.HttpProcessingError, web.RequestPayloadError) as error:
            return refuse(400, "bad-request", f"the body broke off: {type(error).__name__}")
        if len(body) > MAX_BODY_BYTES:
            return refuse(413, "too-large", f"the body has more than {MAX_BODY_BYTES} bytes")
        begun = time.perf_counter()
        path, _, query = http.raw_path.partition("?")
        request = parse(http.method, path, query, body, http.headers, self._beats)
        if isinstance(request, HttpReply):
            self._metrics.count("unasked", str(request.status), time.perf_counter() - begun)
            return request
        reply = await self._ask(request)
        outcome = "ok" if isinstance(reply, Done) else reply.code
        self._metrics.count(kind_of(request.body), outcome, time.perf_counter() - begun)
        if path == METRICS and isinstance(reply, Done):
            return self._metrics.render(reply.value, self._counters())
        return render(request, reply)


async def _body(http: web.BaseRequest) -> bytes:
    """The whole body, or enough of it to know that it is too large."""
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES and (chunk := await http.content.readany()):
        body += chunk
    return bytes(body)


def _bad_requests_in_one_line(record: logging.LogRecord) -> bool:
    """A client's malformed HTTP is worth a line, not a traceback in the node's log."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, http_exceptions.HttpProcessingError):
        first_line = str(error).strip().partition("\n")[0]
        record.msg, record.args, record.exc_info = f"{record.getMessage()}: {first_line}", (), None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True
