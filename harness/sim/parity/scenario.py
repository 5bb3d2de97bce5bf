"""Scenarios: what is done to a small cluster, and what its nodes and clients then see in each world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from harness.nemesis.action import Action
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from history import NodeLife, NodeTrace, Operation

NODES = ("n1", "n2", "n3")
MOST_OPERATIONS = 64
"""Each operation has a process of its own, so that none waits for another."""
BOUND_S = 20.0
"""How long a scenario waits for what must happen."""
POLL_S = 0.02

KernelWorld = Literal["local", "netns"]
KERNEL_WORLDS: Mapping[KernelWorld, str] = {
    "local": "processes on loopback, their links by proxies",
    "netns": "a network namespace for each node, their links by packet filters",
}
Seen = Mapping[str, str]
"""By fact, what was seen."""


class ParityError(Exception):
    """A scenario cannot be played to its end; the message says what did not happen."""


class Fact(msgspec.Struct, frozen=True):
    """One thing that a node or a client sees, and where the worlds differ in it."""

    what: str
    sees: str
    """In the simulated world; on kernels too, if they are not named below."""
    on: Mapping[KernelWorld, str] = {}
    """By kind of real world, what is seen there instead."""
    why: str = ""
    """Why that differs."""

    def expected(self, world: KernelWorld | None) -> str:
        """What is seen in a world; None stands for the simulated one."""
        return self.sees if world is None else self.on.get(world, self.sees)


class ParityWorld(WorldMechanisms, Protocol):
    """What scenarios need of a world."""

    async def carry_out(self, action: Action) -> Outcome:
        """Do it; an error is an `Outcome`, not an exception."""
        ...


class Arena(Protocol):
    """A running cluster of one world, with clients; the adapters implement it."""

    @property
    def world(self) -> ParityWorld:
        """The world of the nodes."""
        ...

    @property
    def name(self) -> KernelWorld | None:
        """The kind of real world; None for the simulated one."""
        ...

    def begin(self, invocation: Operation) -> None:
        """Let a client begin an operation."""
        ...

    def completion(self, process: int) -> Operation | None:
        """How the operation of that process ended; None while it is under way."""
        ...

    def lives(self, node: str) -> Sequence[NodeLife]:
        """The lives of a node that have ended."""
        ...

    def trace(self, node: str) -> NodeTrace:
        """What the node has traced so far."""
        ...

    def log(self, node: str) -> Sequence[str]:
        """The lines that the node has logged so far."""
        ...


class Stage:
    """A cluster as scenarios use it: it acts, asks, waits, and looks."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self._operations = 0

    # ---- acting ------------------------------------------------------------------------------------------

    async def do(self, action: Action) -> Outcome:
        """Do what a fault does.

        Raises:
            ParityError: it took no effect.
        """
        outcome = await self.arena.world.carry_out(action)
        if not outcome.took_effect:
            raise ParityError(f"{action.words()} took no effect: {outcome.error or outcome.details}")
        return outcome

    async def do_while(self, action: Action, after_s: float, then: Callable[[], None]) -> Outcome:
        """Do what a fault does, and call `then` so long after its begin: some faults wait for a node's act.

        Raises:
            ParityError: the fault took no effect.
        """
        outcomes: list[Outcome] = []

        async def act(what: str) -> NodeResult:
            if what == "fault":
                outcomes.append(await self.arena.world.carry_out(action))
            else:
                await self.sleep(after_s)
                then()
            return DONE

        await self.arena.world.on_each(("fault", "operation"), act)
        if not outcomes[0].took_effect:
            raise ParityError(f"{action.words()} took no effect: {outcomes[0].error or outcomes[0].details}")
        return outcomes[0]

    def begin(self, node: str, f: str, key: str, value: str | None = None) -> int:
        """Let a client begin an operation; its process, for `end`."""
        process = self._operations
        self._operations += 1
        if self._operations > MOST_OPERATIONS:
            raise ParityError(f"a scenario has at most {MOST_OPERATIONS} operations")
        now_ns = round(self.arena.world.now_s() * 1e9)
        self.arena.begin(Operation(process, now_ns, process, "invoke", f, key, value, node=node))
        return process

    async def end(self, process: int) -> Operation:
        """Wait until an operation has ended."""
        await self.wait("the end of a client's operation", lambda: self._has_ended(process))
        ended = self.arena.completion(process)
        assert ended is not None
        return ended

    async def _has_ended(self, process: int) -> bool:
        return self.arena.completion(process) is not None

    async def write(self, node: str, key: str, value: str) -> str:
        """Write, and say how that ended: ok, info or fail."""
        return (await self.end(self.begin(node, "write", key, value))).type

    async def read(self, node: str, key: str) -> str:
        """Read, until a read succeeds; the value, or `nothing`."""
        for _ in range(8):
            found = await self.end(self.begin(node, "read", key))
            if found.type == "ok":
                return "nothing" if found.value is None else str(found.value)
        raise ParityError(f"{node} answers no read: {found.error}")

    # ---- waiting -----------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Let the world's time pass."""
        await self.arena.world.sleep(seconds)

    async def wait(self, what: str, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so.

        Raises:
            ParityError: it is not, within `BOUND_S`.
        """
        if not await self.comes(is_so, BOUND_S):
            raise ParityError(f"not within {BOUND_S:g} s: {what}")

    async def comes(self, is_so: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Whether something becomes so in that time."""
        deadline = self.arena.world.now_s() + within_s
        while not await is_so():
            if self.arena.world.now_s() > deadline:
                return False
            await self.arena.world.sleep(POLL_S)
        return True

    async def leader(self, *, but: Sequence[str] = (), among: Sequence[str] = NODES) -> str:
        """Wait until all awake nodes of `among` name the same leader of their term, and none of `but`."""
        found = ""

        async def agreed() -> bool:
            nonlocal found
            views = (await self.view()).nodes
            of = [views[name] for name in among if views[name].awake]
            named = {(view.leader, view.term) for view in of}
            if len(named) != 1 or not of:
                return False
            found = of[0].leader or ""
            return bool(found) and found not in but and views[found].role == "leader"

        await self.wait(f"a leader, but not {' '.join(but) or 'none'}", agreed)
        return found

    async def leads_no_more(self, node: str) -> bool:
        """Whether the node comes to say that it does not lead."""

        async def says() -> bool:
            return (await self.node(node)).role in ("follower", "candidate")

        return await self.comes(says, BOUND_S)

    async def is_follower(self, node: str) -> bool:
        """Whether the node becomes or is a follower that runs."""

        async def follows() -> bool:
            return (await self.node(node)).role == "follower"

        return await self.comes(follows, BOUND_S)

    async def caught_up(self, node: str, leader: str) -> str:
        """Whether the node comes to have committed what the leader has: yes or no."""

        async def has() -> bool:
            views = (await self.view()).nodes
            return views[node].running and views[node].commit >= views[leader].commit > 0

        return yes(await self.comes(has, BOUND_S))

    # ---- looking -----------------------------------------------------------------------------------------

    async def view(self) -> ClusterView:
        """What each node says of itself."""
        return await self.arena.world.observe()

    async def node(self, name: str) -> NodeView:
        """What one node says of itself."""
        return (await self.view()).nodes[name]

    async def term(self, node: str) -> int:
        """The term that a node is in, once it says it."""
        found = 0

        async def says() -> bool:
            nonlocal found
            found = (await self.node(node)).term or 0
            return found > 0

        await self.wait(f"an answer of {node}", says)
        return found

    def last_end(self, node: str) -> str:
        """With which status the node's last life ended, and on whose account."""
        ended = [life for life in self.arena.lives(node) if life.ended_at is not None]
        last = ended[-1]
        return f"status {last.status}" if last.ended_by is None else f"by {last.ended_by}"

    def messages(self, event: str, node: str, peer: str, kind: str) -> list[tuple[int, str]]:
        """The messages that a node has sent to or received from a peer: (time, message id)."""
        return [
            (line.at, line.message_id or "")
            for line in self.arena.trace(node).events
            if line.event == event and line.peer == peer and line.message == kind
        ]


def yes(is_so: bool) -> str:
    """In words."""
    return "yes" if is_so else "no"


class Scenario(msgspec.Struct, frozen=True):
    """One scenario, and what is seen in it."""

    name: str
    about: str
    play: Callable[[Stage], Awaitable[Seen]]
    facts: tuple[Fact, ...]
    faults: tuple[str, ...] = ()
    """The faults whose mechanisms real nodes are prepared with."""
    mutant: str | None = None
    worlds: tuple[KernelWorld, ...] = ("local",)
    """The real worlds that it is played in, too."""

    def expected(self, world: KernelWorld | None) -> dict[str, str]:
        """By fact, what is seen in a world; None stands for the simulated one."""
        return {fact.what: fact.expected(world) for fact in self.facts}


def others(node: str) -> tuple[str, ...]:
    """All nodes but one."""
    return tuple(name for name in NODES if name != node)
