"""Sends requests to nodes over HTTP/1.1, each exactly once.

If a library repeats a request by itself, one operation becomes two, and its history is wrong. RFC 9110,
section 9.2.2, allows a client library to repeat PUT, DELETE and GET when a reused connection was closed, and
aiohttp does so, after two exceptions of its own. A middleware turns these into an exception that aiohttp
does not know. A test with a bare socket server counts the requests that arrive.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
from yarl import URL

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply

SocketFactory = Callable[[aiohttp.connector.AddrInfoType], socket.socket]
"""Makes a socket for an address from getaddrinfo, perhaps in another network namespace."""


class _Broken(Exception):
    """The connection broke during a request. aiohttp does not know this exception, so it does not repeat."""


async def _only_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # not connected, so not sent; this one aiohttp never repeats
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken(_in_words(error)) from error


class HttpTransport:
    """A pool of connections to each node. Use as `async with`.

    It follows no redirect, keeps no cookie, uses no proxy, decompresses no body, and repeats no request.

    Args:
        timeout_s: from handing over a request to its reply's last byte.
        sockets: makes the sockets; None for ordinary ones.
    """

    def __init__(self, timeout_s: float, sockets: SocketFactory | None = None) -> None:
        self._timeout_s = timeout_s
        self._sockets = sockets
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpTransport:
        connected = aiohttp.TraceConfig()
        connected.on_connection_create_end.append(_note_connected)
        connected.on_connection_reuseconn.append(_note_connected)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, use_dns_cache=False, socket_factory=self._sockets),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
            middlewares=(_only_once,),
            trace_configs=[connected],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, address: str, request: HttpRequest, longer_s: float = 0) -> HttpReply | NoReply:
        """Send a request once.

        Args:
            address: `host:port` of a node.
            longer_s: how much longer than others this reply may take.

        Returns:
            The complete reply, whatever its status; or why there is none. `sent` is False only if there was
            no connection by which a byte of the request could have left.
        """
        assert self._session is not None, "use the transport within `async with`"
        url = URL(f"http://{address}{request.path}", encoded=True).with_query(list(request.query) or None)
        trace, timeout_s = SimpleNamespace(sent=False), self._timeout_s + longer_s
        try:
            async with self._session.request(
                request.method,
                url,
                headers=list(request.headers),
                data=request.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                trace_request_ctx=trace,
            ) as response:
                body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpReply(response.status, headers, body)
        except TimeoutError:
            return NoReply(f"timed out after {timeout_s:g} s", trace.sent)
        except (_Broken, aiohttp.ClientError) as error:
            return NoReply(_in_words(error), trace.sent)


async def _note_connected(
    session: aiohttp.ClientSession,  # noqa: ARG001 (the signature is aiohttp's)
    context: SimpleNamespace,
    params: Any,  # noqa: ARG001 - the signature is its caller's
) -> None:
    context.trace_request_ctx.sent = True


def _in_words(error: Exception) -> str:
    """The error in one line, for the history."""
    match error:
        case _Broken():
            return str(error)
        case aiohttp.ServerDisconnectedError():
            return "connection closed before the reply"
        case aiohttp.ClientOSError(errno=int(number)):
            return os.strerror(number).lower()
        case aiohttp.ClientPayloadError():
            return "connection closed in the middle of the reply"
        case _:
            return f"{type(error).__name__}: {error}".splitlines()[0]
