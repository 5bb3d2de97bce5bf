"""What one gRPC client has at this node: instances that live as long as its connection, and what it is shown.

**Ephemeral instances.** A client that speaks gRPC sends no beats: its connection says that it lives. So the
node beats for it, as a client over HTTP does for itself, while the connection is open. When the connection
closes, the node removes what was registered over it, and nothing that was registered under the same key
later: the client may have registered again elsewhere. When the node itself ends, the beats end,
and the leader removes the instances after their time, unless their clients have come to another node.

**An instance that is gone** although its connection is open (it was removed over another connection, or
expired while this node was cut off) is not registered by the node itself, which could bring back what was
removed. The node closes the connection; a client that connects again registers again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any, Final

from node_impl.core.api.payloads import configs, naming
from node_impl.core.api.payloads.wire import Payload
from node_impl.core.requests import (
    Beat,
    BeatTimes,
    Config,
    ConfigKey,
    Deregister,
    Done,
    InstanceKey,
    Listing,
    ListInstances,
    Refused,
    Register,
    Reply,
    Request,
    ServiceKey,
)
from node_impl.io.grpc.watches import Ask, Watches

MAX_INSTANCES: Final = 1_000
"""The most ephemeral instances of one connection."""
MAX_WATCHED: Final = 1_000
"""The most services and configurations that one connection watches."""
REMOVAL_PATIENCE_S: Final = 30.0
"""How long a node tries to remove the instances of a closed connection; after that they expire."""
REFUSED_S: Final = 0.2
"""How long a removal waits after a refusal."""


class Held:
    """An ephemeral instance that lives by a connection."""

    __slots__ = ("beats", "index", "is_leaving")

    def __init__(self, index: int, beats: BeatTimes) -> None:
        self.index = index
        """The Raft index of its registration."""
        self.beats = beats
        self.is_leaving = False
        """Whether the client is about to deregister it."""


class Connection:
    """One client's connection, from its set-up on.

    Args:
        peer: the client's address and port.
        ask: puts a request to the node.
        watches: the node's watches.
        close: ends the connection; the client then connects again.
    """

    def __init__(self, peer: str, ask: Ask, watches: Watches, close: Callable[[], None]) -> None:
        self.peer = peer
        self._ask = ask
        self._watches = watches
        self._close = close
        self.is_open = True
        self._held: dict[InstanceKey, Held] = {}
        self._has_registered = asyncio.Event()
        self._lists: dict[tuple[ListInstances, str], Callable[[int, Any], None]] = {}
        self._configs: dict[ConfigKey, tuple[configs.Named, Callable[[int, Any], None]]] = {}
        self._md5s: dict[ConfigKey, str] = {}
        """The md5 that the client is known to hold or to be shown of each configuration."""
        self._pushes: dict[object, Payload] = {}
        """What the client is still to be sent: the newest push about each thing, so that slow clients take no
        room."""
        self._has_pushes = asyncio.Event()
        self._ids = itertools.count(1)

    # ---- Ephemeral instances ----------------------------------------------------------------------------

    async def register(self, registration: Register) -> Reply:
        """Register an ephemeral instance that lives by this connection."""
        key = registration.key
        if key not in self._held and len(self._held) >= MAX_INSTANCES:
            reason = f"{MAX_INSTANCES} instances live by this connection; use another one for more"
            return Refused("overloaded", reason, proposed=False)
        reply = await self._ask(Request(registration))
        if isinstance(reply, Done) and registration.beats is not None:
            self._has_registered.set()
            self._held[key] = Held(reply.raft_index, registration.beats)
            if not self.is_open:  # it closed meanwhile: the registration goes with it
                await self._remove(key, reply.raft_index)
        return reply

    async def deregister(self, removal: Deregister) -> Reply:
        """Deregister an instance at the client's wish."""
        held = self._held.get(removal.key)
        if held is not None:
            held.is_leaving = True
        reply = await self._ask(Request(removal))
        if isinstance(reply, Done) and self._held.get(removal.key) is held:
            self._held.pop(removal.key, None)
        return reply

    async def register_all(self, service: ServiceKey, registrations: tuple[Register, ...]) -> Reply:
        """Register these, and remove what else this connection has registered of that service."""
        wanted = {one.key for one in registrations}
        replies = await asyncio.gather(*(self.register(one) for one in registrations))
        others = [
            key
            for key in self._held
            if (key.namespace, key.group, key.service) == (service.namespace, service.group, service.service)
            and key not in wanted
        ]
        removals = await asyncio.gather(*(self.deregister(Deregister(key)) for key in others))
        refusals = [reply for reply in (*replies, *removals) if isinstance(reply, Refused)]
        if refusals:
            changes = len(replies) + len(removals)
            why = f"of {changes} changes {len(refusals)} were refused: {refusals[0].reason}"
            may_have_effect = len(refusals) < changes or any(reply.proposed for reply in refusals)
            return Refused(refusals[0].code, why, proposed=may_have_effect)
        return Done(max((reply.raft_index for reply in replies if isinstance(reply, Done)), default=0))

    async def keep_alive(self) -> None:
        """Beat for the client's instances until this is cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            self._has_registered.clear()
            left_s = last + self._interval_s() - loop.time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._has_registered.wait()  # the new one may have to beat sooner
                continue
            last = loop.time()
            for key, held in tuple(self._held.items()):
                if held.is_leaving or self._held.get(key) is not held:
                    continue
                reply = await self._ask(Request(Beat(key)))
                is_gone = isinstance(reply, Refused) and reply.code in ("not-found", "conflict")
                if is_gone and self._held.get(key) is held and not held.is_leaving:
                    self._close()
                    return

    def _interval_s(self) -> float:
        times = [min(held.beats.interval_ms, held.beats.timeout_ms / 3) for held in self._held.values()]
        return max(min(times, default=1_000.0), 20.0) / 1000

    async def forget(self, removes: bool) -> None:
        """The connection is closed. removes: whether its instances go with it; not where the node stops."""
        self.is_open = False
        for (asked, _), show in self._lists.items():
            self._watches.remove(asked, show)
        for key, (_, show) in self._configs.items():
            self._watches.remove(key, show)
        self._lists, self._configs = {}, {}
        if removes:
            held = tuple(self._held.items())
            await asyncio.gather(*(self._remove(key, one.index) for key, one in held))

    async def _remove(self, key: InstanceKey, registered: int) -> None:
        removal = Request(Deregister(key, registered=registered))
        deadline = asyncio.get_running_loop().time() + REMOVAL_PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            if isinstance(await self._ask(removal), Done):
                return
            await asyncio.sleep(REFUSED_S)

    # ---- What it is shown ---------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether it watches as much as one connection may."""
        return len(self._lists) + len(self._configs) >= MAX_WATCHED

    def subscribe(self, asked: ListInstances, clusters: str) -> None:
        """Push each change of a service from now on."""
        if (asked, clusters) in self._lists:
            return

        def show(raft_index: int, found: Listing) -> None:
            info = naming.service_info(asked, clusters, raft_index, found)
            self._push((asked, clusters), naming.push(asked, info, self._next_id()))

        self._lists[asked, clusters] = show
        self._watches.add(asked, show)

    def unsubscribe(self, asked: ListInstances, clusters: str) -> None:
        """Stop pushing changes of that service."""
        show = self._lists.pop((asked, clusters), None)
        if show is not None:
            self._watches.remove(asked, show)

    def listen(self, key: ConfigKey, name: configs.Named, md5: str) -> None:
        """Push that a configuration has changed, once it is not the one with that md5."""
        self._md5s[key] = md5
        if key in self._configs:
            return

        def show(_: int, found: Config | None) -> None:
            now = "" if found is None else found.md5
            if now != self._md5s.get(key):
                self._md5s[key] = now
                self._push(key, configs.push(name, self._next_id()))

        self._configs[key] = (name, show)
        self._watches.add(key, show)

    def stop_listening(self, key: ConfigKey) -> None:
        """Stop pushing changes of that configuration."""
        _, show = self._configs.pop(key, (None, None))
        self._md5s.pop(key, None)
        if show is not None:
            self._watches.remove(key, show)

    async def next_pushes(self) -> list[Payload]:
        """What the client is to be sent next, once there is something."""
        await self._has_pushes.wait()
        self._has_pushes.clear()
        pushes, self._pushes = list(self._pushes.values()), {}
        return pushes

    def _push(self, about: object, payload: Payload) -> None:
        self._pushes[about] = payload
        self._has_pushes.set()

    def _next_id(self) -> str:
        return str(next(self._ids))
