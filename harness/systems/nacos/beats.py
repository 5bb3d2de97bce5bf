"""Ephemeral instances of Nacos: what registers one sends beats for it, until it falls silent.

A server takes an instance for unhealthy, and then removes it, once it has heard no beat for the times that
the instance's own metadata state. `register` registers, and lets beats be sent from then on; `deregister`
only ends the beats, so the servers must remove the instance by themselves. All clients of a run share one
sender, since an instance belongs to no connection: it must not expire because a client of the harness was
replaced.

The sender does what Nacos's own clients do: it goes to the next server if one does not answer, and registers
an instance again of which a server says that it does not know it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import msgspec

from harness.client.clients import Site, fail, ok
from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.systems.nacos.instances import BEAT_S, UNHEALTHY_S, InstanceCodec, identity
from harness.systems.nacos.versions import Api
from history import Operation

BEAT_BOUND_S = 2.0
"""How long a beat, or a registration by the sender, may wait for an answer."""
LATE_S = 10.0
"""For so long after late beats an instance may rightly be absent."""
_RENEWED = {"v1": 10200, "v2": 10200, "v3": 0}
"""The code of an answer to a beat for an instance that the server knows."""


class _Answer(msgspec.Struct):
    code: int


def beat_request(api: Api, key: str) -> HttpRequest:
    """The beat for an instance. It has no metadata, so that no server makes the instance from it."""
    named = (*identity(key), ("ephemeral", "true"))
    if api.name == "v3":
        return HttpRequest("POST", api.beat, (*named, ("heartBeat", "true")))
    return HttpRequest("PUT", api.beat, named)


def is_renewed(api: Api, reply: HttpReply) -> bool:
    """Whether the server knows the instance."""
    try:
        return msgspec.json.decode(reply.body, type=_Answer).code == _RENEWED[api.name]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


class Beats:
    """Sends beats, in a thread of its own, while a client is open. Clients call it from theirs."""

    def __init__(self, codec: InstanceCodec) -> None:
        self._codec = codec
        self._lock = threading.Lock()
        self._kept: dict[str, str] = {}
        """By key of each instance that is kept alive, the id of its registration."""
        self._addresses: Sequence[str] = ()
        self._clients = 0
        self._over = threading.Event()
        self._late_until = 0.0

    def join(self, site: Site) -> None:
        """A client opens; the first one starts the thread, which is in that client's network."""
        with self._lock:
            self._clients += 1
            if self._clients == 1:
                self._addresses = [site.at(node=node) for node in site.members]
                self._over = threading.Event()
                threading.Thread(target=self._run, args=(self._over,), name="beats", daemon=True).start()

    def leave(self) -> None:
        """A client closes; the last one ends the thread."""
        with self._lock:
            self._clients -= 1
            if self._clients == 0:
                self._over.set()

    def keep(self, key: str, id_: str, *, is_sure: bool = True) -> None:
        """Send beats for an instance from now on; if it is not sure that it was registered, only if there are
        beats for it already.

        A beat names an instance by its address alone. So beats for a registration that may not have happened
        would keep the one before it alive, though that was deregistered: its beats had ended.
        """
        with self._lock:
            if is_sure or key in self._kept:
                self._kept[key] = id_

    def stop(self, key: str) -> None:
        """Send no beats for an instance any more."""
        with self._lock:
            self._kept.pop(key, None)

    def _run(self, over: threading.Event) -> None:
        asyncio.run(self._beat_until(over))

    async def _beat_until(self, over: threading.Event) -> None:
        async with HttpTransport(BEAT_BOUND_S) as http:
            while not over.is_set():
                with self._lock:
                    kept = dict(self._kept)
                begun = time.monotonic()
                beats = [self._beat(http, *one) for one in kept.items()]
                await asyncio.gather(asyncio.sleep(BEAT_S), *beats, return_exceptions=True)
                self._round_began(begun, time.monotonic())

    def _round_began(self, before: float, now: float) -> None:
        """Note when beats came so late that servers may have removed what is registered again by the next."""
        if now - before > UNHEALTHY_S:
            self._late_until = now + LATE_S

    @property
    def are_late(self) -> bool:
        """Whether the beats of the last seconds came too late, for whatever reason."""
        return time.monotonic() < self._late_until

    async def _beat(self, http: HttpTransport, key: str, id_: str) -> None:
        """One beat, by the first server that answers; a registration if that server does not know it."""
        for address in self._addresses:
            reply = await http.send(address, beat_request(self._codec.api, key))
            if not isinstance(reply, HttpReply):
                self._addresses = [other for other in self._addresses if other != address] + [address]
                continue
            with self._lock:
                is_kept = self._kept.get(key) == id_
            if is_kept and not is_renewed(self._codec.api, reply):
                again = Operation(-1, 0, 0, "invoke", "register", key, id_)
                await http.send(address, self._codec.encode(again))
            return


class BeatingClient:
    """`register`, `deregister` and `lookup` of ephemeral instances, by one node's HTTP API."""

    def __init__(self, site: Site, beats: Beats, codec: InstanceCodec) -> None:
        self._site = site
        self._beats = beats
        self._codec = codec
        self._http = HttpTransport(site.timeout_s)

    async def open(self) -> None:
        """Make a pool of connections, which connects with the first request."""
        await self._http.__aenter__()
        self._beats.join(self._site)

    async def close(self) -> None:
        """Close the connections. The instances that were registered are kept alive by the other clients."""
        self._beats.leave()
        await self._http.__aexit__(None, None, None)

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation; a deregistration sends nothing."""
        if operation.f == "deregister":
            self._beats.stop(str(operation.key))
            return ok(operation)
        reply = await self._http.send(self._site.at(), self._codec.encode(operation))
        done = self._codec.decode(operation, reply)
        if operation.f == "lookup" and done.type == "ok" and done.value is None and self._beats.are_late:
            return fail(operation, "found nothing, but beats came too late before it")
        if operation.f == "register" and done.type != "fail":
            self._beats.keep(str(operation.key), str(operation.value), is_sure=done.type == "ok")
        return done
