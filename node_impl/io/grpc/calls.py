"""Which message is answered how: from a payload to the node's reply, and back to a payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from node_impl.core.api.parameters import BadParameter
from node_impl.core.api.payloads import answers, configs, naming
from node_impl.core.api.payloads.bodies import request_id
from node_impl.core.api.payloads.wire import Payload
from node_impl.core.requests import (
    BeatTimes,
    Body,
    Deregister,
    Done,
    ListenConfigs,
    Refused,
    Register,
    Reply,
    Request,
)
from node_impl.io.grpc.connections import MAX_WATCHED, Connection
from node_impl.io.grpc.watches import Ask
from node_impl.io.http.access import Role

SERVER_CHECK: Final = "ServerCheckRequest"
SETUP: Final = "ConnectionSetupRequest"
_TOO_MANY = Refused(
    "overloaded",
    f"this connection watches {MAX_WATCHED} services and configurations; use another one for more",
    proposed=False,
)


class Call(NamedTuple):
    """How one type of message is answered."""

    answer: str
    """The type of the answer."""
    role: Role
    """What the client must be allowed to do."""
    carry_out: Callable[[Calls, Payload, Connection], Awaitable[Payload]]


class Calls:
    """Answers the messages of one node's clients.

    ask: puts a request to the node. beats: the beat times of instances whose metadata names none.
    """

    def __init__(self, ask: Ask, beats: BeatTimes) -> None:
        self._ask = ask
        self._beats = beats

    async def answer(self, call: Call, payload: Payload, connection: Connection) -> Payload:
        """Carry out a message, whose client may ask for it."""
        try:
            return await call.carry_out(self, payload, connection)
        except BadParameter as error:
            why = f"bad-request: {error}"
            return answers.failed(
                call.answer, answers.BAD_REQUEST, why, request_id=_readable_id(payload.body)
            )

    # ---- Services and instances -------------------------------------------------------------------------

    async def health(self, payload: Payload, _: Connection) -> Payload:
        """`HealthCheckRequest`: the connection is known."""
        return answers.done("HealthCheckResponse", request_id=request_id(payload.body))

    async def instance(self, payload: Payload, connection: Connection) -> Payload:
        """`InstanceRequest`: an ephemeral instance."""
        asked = naming.parse_instance(payload.body, self._beats, ephemeral=True)
        work = connection.register(asked) if isinstance(asked, Register) else connection.deregister(asked)
        return _written("InstanceResponse", payload, await work, {"type": _verb(asked)})

    async def persistent(self, payload: Payload, _: Connection) -> Payload:
        """`PersistentInstanceRequest`."""
        asked = naming.parse_instance(payload.body, self._beats, ephemeral=False)
        return _written("InstanceResponse", payload, await self._ask(Request(asked)), {"type": _verb(asked)})

    async def batch(self, payload: Payload, connection: Connection) -> Payload:
        """`BatchInstanceRequest`."""
        service, registrations = naming.parse_batch(payload.body, self._beats)
        reply = await connection.register_all(service, registrations)
        return _written("BatchInstanceResponse", payload, reply, {"type": naming.BATCH_REGISTER})

    async def query(self, payload: Payload, _: Connection) -> Payload:
        """`ServiceQueryRequest`."""
        asked = naming.parse_query(payload.body)
        reply = await self._ask(Request(asked))
        if isinstance(reply, Refused):
            return answers.refused("QueryServiceResponse", reply, request_id(payload.body))
        info = naming.service_info(asked, ",".join(asked.clusters), reply.raft_index, reply.value)
        return answers.done("QueryServiceResponse", {"serviceInfo": info}, request_id(payload.body))

    async def subscription(self, payload: Payload, connection: Connection) -> Payload:
        """`SubscribeServiceRequest`: begins before it reads, so that no change falls between the two."""
        kind, number = "SubscribeServiceResponse", request_id(payload.body)
        subscribes, asked, clusters = naming.parse_subscription(payload.body)
        if not subscribes:
            connection.unsubscribe(asked, clusters)
            return answers.done(kind, request_id=number)
        if connection.is_full:
            return answers.refused(kind, _TOO_MANY, number)
        connection.subscribe(asked, clusters)
        reply = await self._ask(Request(asked))
        if isinstance(reply, Refused):
            return answers.refused(kind, reply, number)
        info = naming.service_info(asked, clusters, reply.raft_index, reply.value)
        return answers.done(kind, {"serviceInfo": info}, number)

    async def services(self, payload: Payload, _: Connection) -> Payload:
        """`ServiceListRequest`."""
        reply = await self._ask(Request(naming.parse_services(payload.body)))
        if isinstance(reply, Refused):
            return answers.refused("ServiceListResponse", reply, request_id(payload.body))
        return answers.done(
            "ServiceListResponse", naming.service_fields(reply.value), request_id(payload.body)
        )

    # ---- Configurations ---------------------------------------------------------------------------------

    async def publish(self, payload: Payload, _: Connection) -> Payload:
        """`ConfigPublishRequest`."""
        return await self._write_config("ConfigPublishResponse", payload, configs.parse_publish(payload.body))

    async def remove(self, payload: Payload, _: Connection) -> Payload:
        """`ConfigRemoveRequest`."""
        return await self._write_config("ConfigRemoveResponse", payload, configs.parse_remove(payload.body))

    async def config(self, payload: Payload, _: Connection) -> Payload:
        """`ConfigQueryRequest`."""
        kind, number = "ConfigQueryResponse", request_id(payload.body)
        reply = await self._ask(Request(configs.parse_get(payload.body)))
        if isinstance(reply, Refused):
            return answers.refused(kind, reply, number)
        if reply.value is None:
            return answers.failed(kind, answers.NOT_FOUND, "config data not exist", request_id=number)
        return answers.done(kind, configs.config_fields(reply.value), number)

    async def listen(self, payload: Payload, connection: Connection) -> Payload:
        """`ConfigBatchListenRequest`: begins before it reads, as a subscription does."""
        kind, number = "ConfigChangeBatchListenResponse", request_id(payload.body)
        listens, held = configs.parse_listen(payload.body)
        for one, name in held.items():
            if not listens:
                connection.stop_listening(one.key)
            elif connection.is_full:
                return answers.refused(kind, _TOO_MANY, number)
            else:
                connection.listen(one.key, name, one.md5)
        if not (listens and held):
            return answers.done(kind, configs.changed_fields([]), number)
        reply = await self._ask(Request(ListenConfigs(tuple(held))))
        if isinstance(reply, Refused):
            return answers.refused(kind, reply, number)
        changed = [name for one, name in held.items() if one.key in reply.value]
        return answers.done(kind, configs.changed_fields(changed), number)

    async def _write_config(self, kind: str, payload: Payload, body: Body) -> Payload:
        return _written(kind, payload, await self._ask(Request(body)), {})


def _readable_id(body: bytes) -> str:
    """The id of a request whose other fields cannot be read; empty if it cannot be read either."""
    try:
        return request_id(body)
    except BadParameter:
        return ""


def _verb(asked: Register | Deregister) -> str:
    return naming.REGISTER if isinstance(asked, Register) else naming.DEREGISTER


def _written(kind: str, payload: Payload, reply: Reply, fields: dict[str, str]) -> Payload:
    number = request_id(payload.body)
    if isinstance(reply, Done):
        return answers.done(kind, fields, number)
    return answers.refused(kind, reply, number)


CALLS: Final[dict[str, Call]] = {
    "HealthCheckRequest": Call("HealthCheckResponse", Role.NONE, Calls.health),
    "InstanceRequest": Call("InstanceResponse", Role.WRITE, Calls.instance),
    "PersistentInstanceRequest": Call("InstanceResponse", Role.WRITE, Calls.persistent),
    "BatchInstanceRequest": Call("BatchInstanceResponse", Role.WRITE, Calls.batch),
    "ServiceQueryRequest": Call("QueryServiceResponse", Role.READ, Calls.query),
    "SubscribeServiceRequest": Call("SubscribeServiceResponse", Role.READ, Calls.subscription),
    "ServiceListRequest": Call("ServiceListResponse", Role.READ, Calls.services),
    "ConfigPublishRequest": Call("ConfigPublishResponse", Role.WRITE, Calls.publish),
    "ConfigRemoveRequest": Call("ConfigRemoveResponse", Role.WRITE, Calls.remove),
    "ConfigQueryRequest": Call("ConfigQueryResponse", Role.READ, Calls.config),
    "ConfigBatchListenRequest": Call("ConfigChangeBatchListenResponse", Role.READ, Calls.listen),
}
"""What a client may ask once its connection is set up."""
