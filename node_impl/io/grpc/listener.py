"""The server of Nacos's two gRPC services: `Request/request`, and `BiRequestStream/requestBiStream`.

A client checks the server by a request, opens a stream and sets its connection up on it. From then on what
it asks by requests on the same connection counts as this client's, and pushes come on the stream. A
connection is known by the client's address and port.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc
import grpc.aio

from node_impl.core.api.codec import MAX_BODY_BYTES
from node_impl.core.api.payloads import answers
from node_impl.core.api.payloads.wire import BadPayload, Payload, decode, encode
from node_impl.core.requests import BeatTimes, Reply, Request
from node_impl.io.grpc.arriving import Arriving, TooSlow
from node_impl.io.grpc.calls import CALLS, SERVER_CHECK, SETUP, Calls
from node_impl.io.grpc.connections import Connection
from node_impl.io.grpc.watches import Watches
from node_impl.io.http.access import Access
from node_impl.io.http.limits import SMALL_BYTES, Limits
from node_impl.io.transport import Address

CLOSE_TIMEOUT_S: Final = 1.0
KEEPALIVE_MS: Final = 10_000
"""How often a silent client is asked, by HTTP/2, whether it lives."""
KEEPALIVE_TIMEOUT_MS: Final = 5_000
_TOKEN = "accessToken"  # noqa: S105 - the name of a header

Ask = Callable[[Request, Callable[[Reply], None]], None]


class GrpcListener:
    """Serves Nacos's gRPC protocol at one address.

    ask: gives a request to the node. on_defect: is called with any exception that is not a client's fault.
    report: takes one line for the node's log. beats: the beat times of instances whose metadata names none.
    """

    def __init__(
        self,
        ask: Ask,
        on_defect: Callable[[Exception], None],
        report: Callable[[str], None],
        beats: BeatTimes,
        access: Access,
        limits: Limits,
    ) -> None:
        self._ask = ask
        self._on_defect = on_defect
        self._report = report
        self._access = access
        self._limits = limits
        self._calls = Calls(self._asked, beats)
        self._watches = Watches(self._asked, on_defect)
        self._connections: dict[str, Connection] = {}
        self._of_address: dict[str, int] = {}
        self._cleaning: set[asyncio.Task[None]] = set()
        self._arriving = Arriving(limits.request_s)
        self._waiting_bytes = 0
        """Bytes of the requests that have no answer yet."""
        self._refused_connections = self._refused_requests = 0
        self._is_stopping = False
        self._server = grpc.aio.server(
            options=(
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", MAX_BODY_BYTES),
                ("grpc.max_metadata_size", 64 * 1024),
                ("grpc.max_concurrent_streams", 64),
                ("grpc.http2.lookahead_bytes", 16 * 1024),
                ("grpc.keepalive_time_ms", KEEPALIVE_MS),
                ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
                ("grpc.http2.bdp_probe", 0),  # else the room of each connection grows with what it sends
                ("grpc.max_connection_idle_ms", limits.request_s * 1000),
                ("grpc.server_handshake_timeout_ms", limits.request_s * 1000),
            ),
            maximum_concurrent_rpcs=2 * limits.connections,
        )
        # By HTTP/2 a call with one message looks like a stream of one; as a stream, it is seen before that.
        requests = {"request": grpc.stream_unary_rpc_method_handler(self._request)}
        streams = {"requestBiStream": grpc.stream_stream_rpc_method_handler(self._stream)}
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("Request", requests),
                grpc.method_handlers_generic_handler("BiRequestStream", streams),
            )
        )

    def bind(self, address: Address, tls: tuple[bytes, bytes] | None = None) -> None:
        """Take an address; encrypted, if `tls` has (private key, certificate) as PEM.

        Raises:
            OSError: it is in use, or not this machine's.
        """
        target = f"[{address.host}]:{address.port}" if ":" in address.host else str(address)
        try:
            if tls is None:
                self._server.add_insecure_port(target)
            else:
                self._server.add_secure_port(target, grpc.ssl_server_credentials((tls,)))
        except RuntimeError as problem:
            raise OSError(str(problem)) from problem

    async def listen(self) -> None:
        """Serve at the address that was taken."""
        await self._server.start()

    def counters(self) -> dict[str, float]:
        """What there is now and was refused since the node began, for `/metrics` and the status."""
        return {
            "grpc_connections": len(self._connections),
            "refused_grpc_connections_total": self._refused_connections,
            "refused_grpc_requests_total": self._refused_requests,
            "refused_grpc_slow_messages_total": self._arriving.ended,
        }

    def stop_listening(self) -> None:
        """From now on what ends takes no instances with it: the node stops, and its clients go elsewhere."""
        self._is_stopping = True

    async def close(self) -> None:
        """End all connections."""
        self._is_stopping = True
        self._watches.close()
        await self._server.stop(CLOSE_TIMEOUT_S)
        for task in tuple(self._cleaning):
            task.cancel()
        await asyncio.gather(*self._cleaning, return_exceptions=True)

    # ---- Requests -----------------------------------------------------------------------------------------

    async def _asked(self, request: Request) -> Reply:
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answer(reply: Reply) -> None:
            if not answered.done():
                answered.set_result(reply)

        self._ask(request, answer)
        return await answered

    async def _request(self, messages: AsyncIterator[bytes], context: Any) -> bytes:
        try:
            data = await self._arriving.message(messages) or b""  # which is refused below
        except TooSlow as error:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"{error}; nothing was proposed")
        if self._waiting_bytes > self._limits.request_bytes and len(data) > SMALL_BYTES:
            self._refused_requests += 1
            why = f"overloaded: requests of {self._limits.request_bytes} bytes wait at this node"
            return encode(answers.failed("ErrorResponse", answers.UNAVAILABLE, why))
        self._waiting_bytes += len(data)
        try:
            return encode(await self._answer(data, context.peer()))
        except Exception as error:  # whatever it is, it is a defect; gRPC answers the client with an error
            self._on_defect(error)
            raise
        finally:
            self._waiting_bytes -= len(data)

    async def _answer(self, data: bytes, peer: str) -> Payload:
        try:
            payload = decode(data)
        except BadPayload as error:
            return answers.failed("ErrorResponse", answers.BAD_REQUEST, f"bad-request: {error}")
        if payload.type == SERVER_CHECK:
            fields = {
                "connectionId": f"{time.time_ns() // 1_000_000}_{peer}",
                "supportAbilityNegotiation": False,
            }
            return answers.done("ServerCheckResponse", fields)
        call = CALLS.get(payload.type)
        if call is None:
            known = ", ".join(CALLS)
            why = f"no handler for the type {payload.type[:60]!r}; known: {known}"
            return answers.failed("ErrorResponse", answers.NO_HANDLER, why)
        refusal = self._access.refusal_of(call.role, payload.headers.get(_TOKEN), payload.type)
        if refusal is not None:
            return answers.failed(call.answer, answers.FORBIDDEN, f"{refusal.code}: {refusal.reason}")
        connection = self._connections.get(peer)
        if connection is None or not connection.is_open:
            why = "the connection is not registered; set it up on a stream"
            return answers.failed("ErrorResponse", answers.UNREGISTERED, why)
        return await self._calls.answer(call, payload, connection)

    # ---- Streams ------------------------------------------------------------------------------------------

    async def _stream(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """One client's stream: its set-up and its acknowledgements come in, pushes go out."""
        peer = context.peer()
        try:
            data = await self._arriving.message(requests)
            while data is not None and decode(data).type != SETUP:
                data = await self._arriving.message(requests)
            if data is None:
                return
        except TooSlow as error:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"{error}; nothing was proposed")
        except BadPayload as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error}; nothing was proposed")
        refusal = self._reason_against(peer)
        if refusal:
            self._refused_connections += 1
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{refusal}; nothing was proposed")
        await self._serve(peer, requests, context)

    async def _serve(self, peer: str, requests: AsyncIterator[bytes], context: Any) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def close() -> None:
            connection.is_open = False
            if not ended.done():
                ended.set_result(None)

        connection = self._connections[peer] = Connection(peer, self._asked, self._watches, close)
        address = _host(peer)
        self._of_address[address] = self._of_address.get(address, 0) + 1
        tasks = [
            loop.create_task(self._watched(connection.keep_alive())),
            loop.create_task(self._watched(_push(connection, context))),
            loop.create_task(_read(requests)),
        ]
        try:
            await asyncio.wait((ended, *tasks), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            del self._connections[peer]
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]
            cleaning = loop.create_task(self._watched(connection.forget(removes=not self._is_stopping)))
            self._cleaning.add(cleaning)
            cleaning.add_done_callback(self._cleaning.discard)

    async def _watched(self, work: Any) -> None:
        """Await some work; a defect in it ends the node. A client that went away is no defect."""
        try:
            await work
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect that must end the node
            self._on_defect(error)

    def _reason_against(self, peer: str) -> str | None:
        """Why one more connection is refused; None if it is not."""
        limits, address = self._limits, _host(peer)
        if self._is_stopping:
            return "the node is stopping"
        if peer in self._connections:
            return "this connection is set up already"
        if self._of_address.get(address, 0) >= limits.connections_of_an_address:
            return f"{limits.connections_of_an_address} connections from {address} are open; close some"
        if len(self._connections) >= limits.connections:
            return f"{limits.connections} connections are open; try again later"
        return None


async def _read(requests: AsyncIterator[bytes]) -> None:
    """Take the client's acknowledgements, which only say that it reads; ends when the client does."""
    with contextlib.suppress(grpc.RpcError):
        async for _ in requests:
            pass


async def _push(connection: Connection, context: Any) -> None:
    while True:
        for payload in await connection.next_pushes():
            await context.write(encode(payload))


def _host(peer: str) -> str:
    return peer.rpartition(":")[0]
