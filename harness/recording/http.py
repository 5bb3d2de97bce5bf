"""Requests over HTTP: POST /v1/invoke, /v1/complete and /v1/end, GET /v1/status.

Each answer is one line of JSON, also to what is no HTTP at all. Pages in a browser are refused: any page that
a person looks at could otherwise write into a recording on that person's machine.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web

from harness.recording.journal import Journal
from harness.recording.protocol import (
    MOST_REQUEST_BYTES,
    Refusal,
    read_complete,
    read_invoke,
    too_large,
)
from history.files import brief

MOST_CONNECTIONS: Final = 512
GOODBYE_S: Final = 2.0
"""How long answers may take to leave when the recording has ended."""
_encode = msgspec.json.Encoder().encode

_SILENT = logging.getLogger("ackproof.recording.http")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL)


class HttpChannel:
    """Answers requests at a socket until it is closed.

    Args:
        journal: what keeps the operations.
        on_end: called once a client has ended the recording.
    """

    def __init__(self, journal: Journal, on_end: Callable[[str], object]) -> None:
        self._journal = journal
        self._on_end = on_end
        self._server: _Server | None = None
        self._listener: asyncio.Server | None = None

    async def open(self, listening: socket.socket) -> None:
        """Begin to answer at a socket that already listens."""
        server = self._server = _Server(self._answer)
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: server() if len(server.connections) < MOST_CONNECTIONS else _TooMany(), sock=listening
        )

    async def close(self) -> None:
        """Let the answers that are being written leave, then close every connection."""
        if self._listener is not None and self._server is not None:
            self._listener.close()
            self._server.pre_shutdown()
            await self._server.shutdown(GOODBYE_S)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await self._carried_out(request)
        except Refusal as refusal:
            if request.path in _KEPT:
                self._journal.keep_refusal(refusal, was_invocation=request.path == _INVOKE)
            return _refused(refusal, _PATHS.get(request.path))
        except OSError as problem:
            text = f"the history cannot be put on the disk: {problem.strerror}"
            return _refused(Refusal(507, "disk", text))
        return web.Response(body=_encode(answer) + b"\n", content_type="application/json")

    async def _carried_out(self, request: web.BaseRequest) -> object:
        path = request.path
        method = _PATHS.get(path)
        if method is None:
            raise Refusal(404, "path", brief(f"there is no {path[:80]!r}; there are {', '.join(_PATHS)}"))
        if request.method != method:
            raise Refusal(405, "method", brief(f"{path} takes {method}, not {request.method}"))
        if "Origin" in request.headers:
            raise Refusal(403, "browser", "a page in a browser is not answered; send no Origin header")
        body = await _body(request)
        return _CARRY_OUT[path](self, body)

    def _invoke(self, body: bytes) -> object:
        return self._journal.invoke(read_invoke(body))

    def _complete(self, body: bytes) -> object:
        return self._journal.complete(read_complete(body))

    def _end(self, _body: bytes) -> object:
        ended = self._journal.end()
        self._on_end("a client ended it")
        return ended

    def _status(self, _body: bytes) -> object:
        return self._journal.status()


_INVOKE: Final = "/v1/invoke"
_COMPLETE: Final = "/v1/complete"
_KEPT: Final = (_INVOKE, _COMPLETE)
_PATHS: Final = {_INVOKE: "POST", _COMPLETE: "POST", "/v1/end": "POST", "/v1/status": "GET"}
_CARRY_OUT: Final[Mapping[str, Callable[[HttpChannel, bytes], object]]] = {
    _INVOKE: HttpChannel._invoke,
    _COMPLETE: HttpChannel._complete,
    "/v1/end": HttpChannel._end,
    "/v1/status": HttpChannel._status,
}


async def _body(request: web.BaseRequest) -> bytes:
    """The body of a request, of bounded size."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(415, "encoding", "a compressed request is not read; send it as it is")
    if (request.content_length or 0) > MOST_REQUEST_BYTES:
        raise too_large()
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MOST_REQUEST_BYTES:
            raise too_large()
    return bytes(body)


def _refused(refusal: Refusal, method: str | None = None) -> web.Response:
    headers = {"Allow": method} if refusal.status == 405 and method else None
    response = web.Response(
        body=_encode(refusal.answer) + b"\n",
        status=refusal.status,
        headers=headers,
        content_type="application/json",
    )
    if refusal.status in (413, 415):
        response.force_close()  # the rest of the body is not read
    return response


class _Server(web.Server):
    """Makes a handler for each connection."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self, loop=asyncio.get_running_loop(), logger=_SILENT, access_log=_SILENT, auto_decompress=False
        )


class _Connection(web.RequestHandler):
    """Answers what is no HTTP with one line of JSON, too, and logs nothing."""

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - the signature is aiohttp's
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read, or that met a defect of ours."""
        if status >= 500:
            text = f"the recorder itself failed, nothing was stored: {brief(repr(exc))}"
            response = _refused(Refusal(status, "failed", text))
        else:
            first = (message or str(exc) or "it breaks the rules of HTTP").splitlines()[0]
            response = _refused(Refusal(status, "http", f"this is no HTTP request: {brief(first)}"))
        response.force_close()
        return response


class _TooMany(asyncio.Protocol):
    """Refuses a connection above the bound."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        text = f"{MOST_CONNECTIONS} connections are open; close some, or keep one for several requests"
        body = _encode(Refusal(503, "too-many", text).answer) + b"\n"
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        transport.close()
