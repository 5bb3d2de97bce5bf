"""Leads a cluster of any system through the walk, and writes down what each member says at each moment.

A member that is known by its address learns of a new one from its files (`Launch.files`), and one of the
reference node from its leader (`ChangesMembers`). Waits are bounded: a moment at which a bound ran out says
so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from msgspec import structs

from harness.client.codecs.base import Codec, HttpReply, HttpRequest
from harness.client.http import HttpTransport
from harness.cluster.world import HostedWorld
from harness.cluster.writing import write_files
from harness.errors import CouldNotRun
from harness.nemesis.action import Action
from harness.nemesis.faults.network.partition import Cut, Heal
from harness.nemesis.faults.network.shapes import between
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.cluster import MemberChange
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, ChangesMembers, Place, WrittenFile
from harness.walk.record import DOWN, NO_STATUS, Moment, Registration, Seen, Silenced, Walked, Window
from history import Operation

FIRST = ("n1", "n2", "n3")
ADDED = "n4"
NAMES = (*FIRST, ADDED)
POLL_S = 0.1
ASKED_TIMES = 5
"""How often a member that runs is asked before it counts as giving no status."""
SILENT_WRITES = 5
RETRIED_S = 20.0
"""How long a registration is tried again at a new leader, and at a follower."""
_LONGEST_ERROR = 120
_SECOND_NS = 1_000_000_000


class Walker:
    """One walk over one world, whose nodes have not been started.

    Args:
        world: it has `NAMES`.
        codec: of registrations: `register`, and `own_lookup`.
        own_lookup: the operation by which a node shows what it holds itself.
        alone_s: how long a lone member, and one without a majority, is watched.
        start_s: how long a member may take to its first status.
        patience_s: how long anything else is waited for.
        silent_s: how long the silent follower is silent.
    """

    def __init__(
        self,
        world: HostedWorld,
        transport: HttpTransport,
        codec: Codec,
        *,
        own_lookup: str,
        alone_s: float,
        start_s: float,
        patience_s: float,
        silent_s: float,
    ) -> None:
        self._world = world
        self._transport = transport
        self._codec = codec
        self._own_lookup = own_lookup
        self._alone_s = alone_s
        self._start_s = start_s
        self._patience_s = patience_s
        self._silent_s = silent_s
        self._members: tuple[str, ...] = FIRST
        self._listed: tuple[str, ...] = FIRST
        self._began = time.monotonic()
        self._written = 0
        self._acknowledged: list[str] = []
        self._unsure: list[str] = []
        self.walked = Walked()

    async def walk(self) -> None:
        """All moments, in their order.

        Raises:
            CouldNotRun: a fault had no effect, or a member that must lead or follow is not there.
        """
        await self._moment("no member runs")
        await self._start_one_by_one()
        await self._kill_and_return("nothing is registered yet")
        await self._register_through_a_follower()
        await self._silence_a_follower()
        await self._kill_and_return("after registrations")
        await self._change_members()
        await self._fewer_than_a_majority()

    # ---- the parts of the walk -------------------------------------------------------------------------

    async def _start_one_by_one(self) -> None:
        one, two, three = FIRST
        started = await self._start(one)
        terms = await self._watch(one, self._alone_s)
        await self._moment(f"{one} alone", *started, _terms(one, terms, self._alone_s))
        await self._moment(f"a registration at {one}, alone", await self._register(one))
        for name, words in ((two, "two of three run"), (three, "all three run")):
            started = await self._start(name)
            settled = await self._settled()
            await self._moment(words, *started, settled)

    async def _kill_and_return(self, when: str) -> None:
        leader = await self._leader()
        await self._do(Kill((leader,)))
        settled = await self._settled()
        await self._moment(f"the leader {leader} is killed, {when}", settled)
        other = await self._leader()
        await self._moment("a registration at its successor", await self._register(other, retries=True))
        started = await self._start(leader)
        await self._moment(f"{leader} returns: its first status", *started)
        settled = await self._settled()
        await self._moment(f"{leader} has returned", settled, await self._held())

    async def _register_through_a_follower(self) -> None:
        """Register at a follower, under a new id each time, until it is acknowledged: its steps are shown."""
        began, answers = time.monotonic(), []
        while True:
            leader = await self._leader()
            asked = next(name for name in self._members if name != leader)
            number = self._written + 1
            one = Registration(number, self._id(number), asked, leader, Window.opened())
            answers.append(await self._register(asked))
            if one.text in self._acknowledged:
                break
            if time.monotonic() - began > RETRIED_S:
                raise CouldNotRun(
                    f"the follower {asked} acknowledged nothing within {RETRIED_S:g} s: {answers[0]}"
                )
            await asyncio.sleep(POLL_S * 5)  # between two attempts of a client
        self.walked.registration = one
        await asyncio.sleep(1.0)  # what the leader sends after its answer belongs to the steps, too
        one.window.close()
        await self._moment(f"a registration at the follower {asked}", *answers[:1], *answers[1:][-1:])

    async def _silence_a_follower(self) -> None:
        leader = await self._leader()
        silent = [name for name in self._members if name != leader][-1]
        others = tuple(name for name in self._world.names if name != silent)
        await self._do(Cut(between((silent,), others)), may_show_later=True)
        self.walked.silenced = silence = Silenced(silent, leader, Window.opened())
        before, acknowledged = self._written, len(self._acknowledged)
        for _ in range(SILENT_WRITES):
            await self._register(leader)
        silence.acknowledged = len(self._acknowledged) - acknowledged
        texts = [self._id(number) for number in range(before + 1, self._written + 1)]
        left_s = self._silent_s - (time.monotonic_ns() - silence.window.since_ns) / _SECOND_NS
        await asyncio.sleep(max(0.0, left_s))  # the leader goes on to send to it for this long
        silence.leader_held = await self._shown(leader, texts)
        await self._moment(
            f"the follower {silent} is silent",
            f"of {SILENT_WRITES} registrations at {leader}, {silence.acknowledged} are acknowledged",
        )
        healing = await self._do(Heal())
        if not healing.details.get("swallowed_packets"):
            raise CouldNotRun(f"the links of {silent} swallowed nothing while they were cut")
        silence.window.close()
        healed = time.monotonic()

        async def equal() -> bool:
            held = await self._shown(silent, texts)
            if not silence.held or silence.held[-1][1] != held:
                silence.held.append((round(time.monotonic() - healed, 2), held))
            return held == silence.leader_held

        await self._until(equal)
        settled = await self._settled()
        await self._moment(f"{silent} hears the others again", settled, await self._held())

    async def _change_members(self) -> None:
        self._listed = NAMES
        await self._rewrite(FIRST)
        started = await self._start(ADDED)
        asked = await self._ask_for_members("add-learner", "promote")
        known = await self._members_are(NAMES, NAMES)
        self._members = NAMES
        settled = await self._settled()
        await self._moment(f"{ADDED} is added", *started, *asked, known, settled, await self._held())
        self._listed = FIRST
        await self._rewrite(FIRST)
        leader = await self._leader()
        if leader == ADDED:
            raise CouldNotRun(f"{ADDED} leads, so it cannot be removed by the others in this walk")
        asked = await self._ask_for_members("remove")
        known = await self._members_are(FIRST, FIRST)
        await self._moment(f"{ADDED} is removed, and still runs", *asked, known)
        self._members = FIRST
        await self._do(Kill((ADDED,)))
        settled = await self._settled()
        await self._moment(f"{ADDED} has ended", settled)

    async def _fewer_than_a_majority(self) -> None:
        leader = await self._leader()
        gone = tuple(name for name in FIRST if name != leader)
        await self._do(Kill(gone))
        terms = await self._watch(leader, self._alone_s)
        await self._moment(
            f"only the leader {leader} is left",
            _terms(leader, terms, self._alone_s),
            await self._held((leader,)),
        )
        answer = await self._register(leader)
        await self._moment(f"a registration at {leader}, alone", answer, await self._held((leader,)))
        await asyncio.gather(*[self._start(name) for name in gone])
        settled = await self._settled()

        async def all_held() -> bool:
            shown = await asyncio.gather(*[self._shown(name, self._acknowledged) for name in FIRST])
            return set(shown) == {len(self._acknowledged)}

        await self._until(all_held)
        await self._moment("all three run again", settled, await self._held())

    # ---- doing -----------------------------------------------------------------------------------------

    async def _do(self, action: Action, may_show_later: bool = False) -> Outcome:
        """Carry out an action.

        Args:
            may_show_later: whether its effect need not be seen yet. Members of Nacos 0.8.0 may say nothing to
                each other for five seconds, and so a cut has nothing to swallow at first.
        """
        outcome = await self._world.carry_out(action)
        if not (outcome.took_effect or (may_show_later and outcome.took_effect is None)):
            raise CouldNotRun(f"{action.verb} had no effect: {outcome.error or outcome.details}")
        return outcome

    async def _start(self, name: str) -> tuple[str, ...]:
        """Start a member; what is notable about it. One that gives no status yet is left running."""
        began = time.monotonic()
        node = self._world.nodes[name]
        whole, node.place = node.place, self._listing(node.place)
        try:
            async with asyncio.timeout(self._start_s):
                outcome = await self._world.carry_out(Start((name,)))
        except TimeoutError:
            return (f"{name} runs, and gave no status within {self._start_s:g} s",)
        finally:
            node.place = whole  # with it a status can name every node
        if not outcome.took_effect:
            raise CouldNotRun(f"{name} does not start: {outcome.error}")
        return (f"{name} gave a status after {time.monotonic() - began:.1f} s",)

    def _listing(self, place: Place) -> Place:
        """A place whose node knows the present members, where files list them."""
        if isinstance(self._world.system, ChangesMembers):
            return place  # they are listed in the replicated log
        return structs.replace(place, members={name: place.members[name] for name in self._listed})

    async def _rewrite(self, names: Sequence[str]) -> None:
        """Write the files of members that run, where they list the members."""
        if isinstance(self._world.system, ChangesMembers):
            return
        for name in names:
            node = self._world.nodes[name]
            place = self._listing(node.place)
            every = [at[CLIENT] for at in place.members.values()]
            files = self._world.system.launch(place).files
            await write_files(node, [file for file in files if _lists(file, every)])

    async def _ask_for_members(self, *changes: MemberChange) -> tuple[str, ...]:
        """Ask the leader for changes of the members, one by one, until they are in force."""
        system = self._world.system
        if not isinstance(system, ChangesMembers):
            return ("each member's file lists the members",)
        leader = (await self._world.observe()).leader()
        if leader is None:
            raise CouldNotRun("no member says that it leads")
        for change in changes:
            request = system.membership_request(change, ADDED, self._world.nodes[leader].place.secret)

            async def is_done(request: HttpRequest = request) -> bool:
                reply = await self._transport.send(self._world.address(leader), request)
                return isinstance(reply, HttpReply) and reply.status == HTTPStatus.OK

            if not await self._until(is_done):
                raise CouldNotRun(f"{leader} did not carry out {change} of {ADDED}")
        return (f"the leader was asked: {', '.join(changes)}",)

    async def _register(self, node: str, *, retries: bool = False) -> str:
        """Register at a node, once, or until it is acknowledged; the answers in words."""
        began, first = time.monotonic(), ""
        while True:
            self._written += 1
            text = self._id(self._written)
            done = await self._perform("register", node, self._key(self._written), text)
            if done.type == "ok":
                self._acknowledged.append(text)
                again = f"; ok after {time.monotonic() - began:.1f} s" if first else "ok"
                return f"registration at {node}: {first}{again}"
            self._unsure += [text] if done.type == "info" else []
            words = {"fail": "refused", "info": "no certain answer"}[done.type]
            first = first or f"{words} ({str(done.error)[:_LONGEST_ERROR]})"
            if not retries or time.monotonic() - began > RETRIED_S:
                often = f"; not acknowledged in {RETRIED_S:g} s" if retries else ""
                return f"registration at {node}: {first}{often}"
            await asyncio.sleep(POLL_S * 5)  # between two attempts of a client

    async def _perform(self, f: str, node: str, key: str, value: str | None = None) -> Operation:
        invocation = Operation(
            index=int(key.rpartition(".")[2].partition(":")[0]),
            time=0,
            process=0,
            type="invoke",
            f=f,
            key=key,
            value=value,
            node=node,
        )
        reply = await self._transport.send(self._world.address(node), self._codec.encode(invocation))
        return self._codec.decode(invocation, reply)

    @staticmethod
    def _key(number: int) -> str:
        return f"walk/10.0.0.{number}:80"

    @staticmethod
    def _id(number: int) -> str:
        return f"walk-number-{number:03}"

    # ---- seeing ----------------------------------------------------------------------------------------

    async def _moment(self, name: str, *notes: str) -> None:
        seen = dict(zip(NAMES, await asyncio.gather(*map(self._see, NAMES)), strict=True))
        shown = {node: one for node, one in seen.items() if node in self._members or one.role != DOWN}
        kept = tuple(note for note in notes if note)
        self.walked.moments.append(Moment(name, round(time.monotonic() - self._began, 1), shown, kept))

    async def _see(self, name: str) -> Seen:
        for _ in range(ASKED_TIMES):
            if self._world.nodes[name].process is None:
                return Seen(DOWN)
            status = await self._world.status(name)
            if status is not None:
                return Seen(status.role, status.term, status.leader)
            await asyncio.sleep(POLL_S)
        return Seen(NO_STATUS)

    async def _watch(self, name: str, seconds: float) -> set[int]:
        """The terms that a member states within some time."""
        terms: set[int] = set()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = await self._world.status(name)
            terms |= set() if status is None else {status.term}
            await asyncio.sleep(POLL_S)
        return terms

    async def _leader(self) -> str:
        await self._settled()
        leader = (await self._world.observe()).leader()
        if leader is None:
            raise CouldNotRun("no member says that it leads")
        return leader

    async def _settled(self) -> str:
        """Wait until all members that run name one leader in one term; what is notable about it."""
        began = time.monotonic()

        async def agreed() -> bool:
            return agree(await self._world.observe(), self._members)

        if await self._until(agreed):
            return f"all agree after {time.monotonic() - began:.1f} s"
        return f"not all agreed within {self._patience_s:g} s"

    async def _members_are(self, wanted: Sequence[str], at: Sequence[str]) -> str:
        began = time.monotonic()

        async def known() -> bool:
            view = await self._world.observe()
            return all(set(view.nodes[name].members or ()) == set(wanted) for name in at)

        words = f"{', '.join(at)} list {len(wanted)} members"
        if await self._until(known):
            return f"{words} after {time.monotonic() - began:.1f} s"
        return f"not within {self._patience_s:g} s: {words}"

    async def _held(self, names: Sequence[str] = ()) -> str:
        """How many of the acknowledged registrations each node shows by itself, and of the uncertain ones."""
        nodes = names or [name for name in self._members if self._world.nodes[name].process is not None]
        acknowledged = await asyncio.gather(*[self._shown(name, self._acknowledged) for name in nodes])
        unsure = await asyncio.gather(*[self._shown(name, self._unsure) for name in nodes])
        words = [f"{name} {held}" for name, held in zip(nodes, acknowledged, strict=True)]
        words_of = f"of {len(self._acknowledged)} acknowledged, shown by {', '.join(words)}"
        if self._unsure:
            more = [f"{name} {held}" for name, held in zip(nodes, unsure, strict=True)]
            words_of += f"; of {len(self._unsure)} without a certain answer, by {', '.join(more)}"
        return words_of

    async def _shown(self, node: str, texts: Sequence[str]) -> int:
        async def shows(text: str) -> bool:
            key = self._key(int(text.rpartition("-")[2]))
            return bool((await self._perform(self._own_lookup, node, key)).value == text)

        return sum(await asyncio.gather(*map(shows, texts)))

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> bool:
        """Wait until it holds; False after `patience_s`."""
        deadline = time.monotonic() + self._patience_s
        while not await holds():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True


def agree(view: ClusterView, members: Sequence[str]) -> bool:
    """Whether one of the members that run says that it leads, and all of them name it.

    Terms are not compared: a member of Nacos 0.8.0 may follow a leader of a newer term, and keep its own.
    """
    running = {name: view.nodes[name] for name in members if view.nodes[name].awake}
    leaders = [name for name, one in running.items() if one.role == "leader"]
    return len(leaders) == 1 and {one.leader for one in running.values()} == set(leaders)


def _lists(file: WrittenFile, addresses: Sequence[str]) -> bool:
    """Whether a file is the list of the members: it has each of their addresses, and one is not its own."""
    return all(address in file.content for address in addresses)


def _terms(name: str, terms: set[int], seconds: float) -> str:
    if not terms:
        return f"{name} stated no term in {seconds:g} s"
    if len(terms) == 1:
        return f"{name} stays in term {min(terms)} for {seconds:g} s"
    return f"{name} goes from term {min(terms)} to {max(terms)} in {seconds:g} s"
