"""A client that speaks Nacos's gRPC protocol message by message, for tests."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

import grpc.aio

from node_impl.core.api.payloads.wire import Payload, decode, encode


class Said(NamedTuple):
    """A message from the node."""

    type: str
    body: dict[str, Any]


class Speaker:
    """One connection to a node. `set_up` opens its stream."""

    def __init__(self, port: int) -> None:
        # Without a channel of its own, the library would share one connection between all of a process.
        self._channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=(("grpc.use_local_subchannel_pool", 1),)
        )
        self._unary = self._channel.unary_unary("/Request/request")
        self._stream: Any = None

    async def ask(self, kind: str, headers: dict[str, str] | None = None, **fields: Any) -> Said:
        """One request and its answer."""
        return await self.send(encode(Payload(kind, json.dumps(fields).encode(), headers or {})))

    async def send(self, data: bytes) -> Said:
        """The answer to some bytes."""
        return _said(await self._unary(data, timeout=10))

    async def set_up(self) -> None:
        """Open the stream, and wait until the node knows the connection."""
        self._stream = self._channel.stream_stream("/BiRequestStream/requestBiStream")()
        await self._stream.write(encode(Payload("ConnectionSetupRequest")))
        while (await self.ask("HealthCheckRequest")).type != "HealthCheckResponse":  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def refused(self) -> None:
        """Open a stream that the node refuses.

        Raises:
            grpc.aio.AioRpcError: its reason.
        """
        stream = self._channel.stream_stream("/BiRequestStream/requestBiStream")()
        await stream.write(encode(Payload("ConnectionSetupRequest")))
        await asyncio.wait_for(stream.read(), 10)

    async def pushed(self) -> Said:
        """The next push; it is acknowledged, as clients do."""
        data = await asyncio.wait_for(self._stream.read(), 10)
        said = _said(data)
        await self._stream.write(encode(Payload("NotifySubscriberResponse")))
        return said

    async def stream_has_ended(self) -> bool:
        """Whether the node ends the stream within some seconds."""
        return await asyncio.wait_for(self._stream.read(), 10) is grpc.aio.EOF

    async def register(self, service: str, ip: str, **more: Any) -> Said:
        """Register an ephemeral instance."""
        return await self._instance("registerInstance", service, ip, more)

    async def deregister(self, service: str, ip: str) -> Said:
        """Deregister an ephemeral instance."""
        return await self._instance("deregisterInstance", service, ip, {})

    async def listed(self, service: str) -> list[str]:
        """The addresses of a service."""
        said = await self.ask("ServiceQueryRequest", serviceName=service)
        return [host["ip"] for host in said.body["serviceInfo"]["hosts"]]

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def _instance(self, kind: str, service: str, ip: str, more: dict[str, Any]) -> Said:
        instance = {"ip": ip, "port": 80, **more}
        return await self.ask("InstanceRequest", type=kind, serviceName=service, instance=instance)


def _said(data: bytes) -> Said:
    payload = decode(data)
    return Said(payload.type, json.loads(payload.body))
