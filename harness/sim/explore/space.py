"""The states of a small cluster, and which follows which.

**States are small numbers.** There are few different nodes, messages and pasts, and each gets a number
(`Known`). A state is the numbers of the nodes, the sorted numbers of the messages in transit, the number of
the past, and that of what remains of the scope. The core itself runs once for each (node, event) that is met,
which is some thousand times, and is looked up after that.

**Two states are the same** if all these are equal: nodes are compared by shape (`shape.py`), as a whole and
not by a hash. No state is taken for another by chance.

**Symmetry.** Nodes are all alike, so a state and what it becomes when nodes change names have the same
future, but for the names. Only one of them is followed: `key` is the least among all namings. To try few
of the namings, nodes are first sorted by what no renaming changes (the least number among their own
shape's namings), and those alone are tried that keep this order.

It is not followed where members change (`Scope.nodes_are_alike`).

**Dead replies.** A reply of a term that its receiver has left behind for good, on its disk too, should be one
that the core does nothing about. Then it is as good as lost, and is dropped, which makes states equal that
differ in such messages alone. That a core is like this is not taken for granted: `check_dead_replies` runs
it with every dead reply in every node that was met, and no step may lead back to a term that was left for
good. A core that reacts to them raises `NotDead`, and is explored with `keep_dead`.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator, Sequence
from itertools import permutations
from typing import NamedTuple

from harness.sim.explore import invariants
from harness.sim.explore.invariants import Log, Past
from harness.sim.explore.known import Known
from harness.sim.explore.node.disk import newest_snapshot
from harness.sim.explore.node.machine import write
from harness.sim.explore.node.member import Happened, Member, first_member, happens
from harness.sim.explore.node.shape import shape_of
from harness.sim.explore.node.steps import (
    AskRead,
    Both,
    ChangeMembers,
    CheckQuorum,
    Crash,
    Event,
    HeartbeatDue,
    Mail,
    Propose,
    Sync,
    Take,
    TakeSnapshot,
    TimeOut,
    TimePasses,
    Transfer,
    is_for_votes,
    taken_in,
)
from harness.sim.explore.scope import Scope
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.events import Entry
from node_impl.core.raft.messages import (
    AppendEntriesReply,
    InstallSnapshotReply,
    PreVoteReply,
    RaftMessage,
    RequestVoteReply,
)
from node_impl.core.requests import TransferLeadership


class NotDead(Exception):
    """The core reacts to a reply of a term that was left behind for good: explore it with `keep_dead`."""


class Remaining(NamedTuple):
    """How often each kind of event may still happen."""

    elections: int
    proposals: int
    crashes: int
    heartbeats: int
    checks: int
    duplicates: int
    reads: int
    changes: int
    transfers: int
    snapshots: int
    lease_ticks: int
    repeats: int
    pairs: int


class State(NamedTuple):
    """One moment of the cluster, in numbers of `Space`."""

    nodes: tuple[int, ...]
    mail: tuple[int, ...]
    """Sorted; a message that is in transit twice stands here twice."""
    past: int
    left: int


class Move(NamedTuple):
    """What happens to the cluster. `again`: the message that is taken also stays in transit."""

    event: int
    again: bool


class StepOutcome(NamedTuple):
    """A `Happened`, with numbers of the space instead of nodes and messages."""

    node: int
    mail: tuple[int, ...]
    elected: int
    commits: tuple[Entry, ...]
    wrong: str | None


class Space:
    """All states of a scope, made when they are asked for.

    Args:
        parts: the classes of the core to explore.
        symmetry: whether states that differ in nodes' names alone count as one, where nodes are alike.
        keep_dead: whether replies that can have no effect stay in the state.

    Raises:
        ValueError: the scope makes no sense, or is none for this core.
    """

    def __init__(
        self, scope: Scope, parts: Parts = DEFAULT_PARTS, *, symmetry: bool = True, keep_dead: bool = False
    ) -> None:
        self.scope = scope
        self.names = scope.names
        self._keep_dead = keep_dead
        alike = symmetry and scope.nodes_are_alike
        orders = tuple(permutations(range(scope.nodes))) if alike else (tuple(range(scope.nodes)),)
        self._orders = orders
        namings = [{self.names[i]: self.names[place] for i, place in enumerate(order)} for order in orders]
        self.nodes: Known[Member] = Known(namings)
        self.mail: Known[Mail] = Known(namings)
        self._pasts: Known[Past] = Known(namings)
        self._lefts: Known[Remaining] = Known([{}])
        self.events: list[Event] = []
        """Events by the number that a `Move` has."""
        self._event_numbers: dict[Event, int] = {}
        self._outcomes: dict[tuple[int, int], StepOutcome] = {}
        self._message_facts: list[_MessageFacts | None] = []
        self._node_facts: dict[int, _NodeFacts] = {}
        self._dead: set[tuple[int, int]] = set()
        """(node, reply) for which it is known that the reply has no effect."""
        self._sound: dict[Hashable, str | None] = {}
        self._namings_that_sort: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.core_steps = 0
        """How often the core was run."""
        self.is_read_under_lease = False
        """Whether a read was asked of a leader whose lease held."""
        config, disks = scope.config, scope.disks()
        first = [
            first_member(parts, name, self.names, config, disks[name], has_sessions=scope.repeats > 0)
            for name in self.names
        ]
        if first[0].core.leases.uses_lease() and not config.lease:
            raise ValueError(
                "this core reads under leases in any setting, and the clocks of this scope do not allow it; "
                "give --lease-ticks"
            )
        self.opening: tuple[Event, ...] = ()
        """The steps to the first state; none of them breaks an invariant in a core that can lead."""
        self.first = State(
            tuple([self._number(member) for member in first]),
            (),
            self._past(Past()),
            self._left(
                Remaining(
                    scope.elections,
                    scope.proposals,
                    scope.crashes,
                    scope.heartbeats,
                    scope.checks,
                    scope.duplicates,
                    scope.reads,
                    scope.changes,
                    scope.transfers,
                    scope.snapshots,
                    scope.lease_ticks,
                    scope.repeats,
                    scope.pairs,
                )
            ),
        )

        if scope.start == "led":
            self.first, self.opening = self._led()

    def _led(self) -> tuple[State, tuple[Event, ...]]:
        """The state after the first node has stood for election and all that was sent has arrived.

        Raises:
            ValueError: this core breaks an invariant meanwhile.
        """
        state, events = self.first, []
        event: Event | None = TimeOut(self.names[0])
        while event is not None:
            events.append(event)
            after = self.after(state, Move(self._event(event), False), state.left)
            wrong = after if isinstance(after, str) else self.wrong_in(after)
            if wrong is not None:
                raise ValueError(f"this core breaks {wrong} before it is led; start fresh")
            assert isinstance(after, State)
            state = after
            event = next(self._deliveries(state), None)
        return state, tuple(events)

    def _deliveries(self, state: State) -> Iterator[Event]:
        """What is to be written, then the messages in transit."""
        for about in map(self._facts, state.nodes):
            if about.unsynced:
                yield Sync(about.name, about.unsynced)
        for number in state.mail:
            yield self.events[self._facts_of_mail(number).events[0]]

    # ---- what may happen ---------------------------------------------------------------------------------

    def moves(self, state: State) -> Iterator[tuple[Move, int]]:
        """Everything that may happen now, each with what remains of the scope after it."""
        if not self._lefts.things[state.left].pairs:
            yield from self._single_moves(state)
            return
        singles = list(self._single_moves(state))
        yield from singles
        of_nodes: dict[str, list[tuple[Move, int]]] = {}
        for one in singles:
            event = self.events[one[0].event]
            if not (one[0].again or isinstance(event, Crash | TimePasses)):
                of_nodes.setdefault(event.node, []).append(one)
        for name, at_hand in of_nodes.items():
            yield from self._pairs(name, at_hand, state)

    def _pairs(
        self, name: str, at_hand: Sequence[tuple[Move, int]], state: State
    ) -> Iterator[tuple[Move, int]]:
        """The steps in which a node takes two of the things that are at hand."""
        for first, after in at_hand:
            one, left = self.events[first.event], self._lefts.things[after]
            for second, _ in at_hand:
                other = self.events[second.event]
                if not isinstance(other, Take | Sync) or isinstance(one, Both):
                    continue
                if isinstance(other, Sync) and isinstance(one, Sync):
                    continue  # as one that covers both
                if isinstance(one, Take) and isinstance(other, Take):
                    number = self.mail_that(one)
                    if number == self.mail_that(other) and state.mail.count(number) < 2:
                        continue  # one message, of which no copy is in transit
                pair = Both(name, one, other)
                yield Move(self._event(pair), False), self._left(left._replace(pairs=left.pairs - 1))

    def _single_moves(self, state: State) -> Iterator[tuple[Move, int]]:
        left = self._lefts.things[state.left]
        waiting = [number for number in state.nodes if self._facts(number).unsynced]
        for node in waiting if waiting and self.scope.disk == "prompt" else state.nodes:
            about = self._facts(node)
            for groups in range(1, about.unsynced + 1):
                yield Move(self._event(Sync(about.name, groups)), False), state.left
            if left.crashes:
                after = self._left(left._replace(crashes=left.crashes - 1))
                for kept in range(about.unsynced + 1):
                    yield Move(self._event(Crash(about.name, kept)), False), after
                for kept in about.with_snapshot:
                    yield Move(self._event(Crash(about.name, kept, half=True)), False), after
        if waiting and self.scope.disk == "prompt":
            return
        if left.lease_ticks:
            after = self._left(left._replace(lease_ticks=left.lease_ticks - 1))
            leaders: list[str | None] = [
                self._facts(node).name for node in state.nodes if self._facts(node).leads
            ]
            for slow in leaders or [None]:
                move = Move(self._event(TimePasses(slow)), False)
                if self._after_tick(state, move) != state.nodes:  # else nothing is left to run out
                    yield move, after
        before = -1
        for number in state.mail:
            if number == before:
                continue
            before = number
            of = self._facts_of_mail(number)
            for event in of.events:
                yield Move(event, False), state.left
                if left.duplicates:
                    yield Move(event, True), self._left(left._replace(duplicates=left.duplicates - 1))
        for node in state.nodes:
            yield from self._own_moves(self._facts(node), left, state)

    def _own_moves(self, about: _NodeFacts, left: Remaining, state: State) -> Iterator[tuple[Move, int]]:
        """What a node may do without having received a message."""
        name = about.name
        if left.snapshots and about.may_take_snapshot:
            after = self._left(left._replace(snapshots=left.snapshots - 1))
            yield Move(self._event(TakeSnapshot(name)), False), after
        if not about.leads:
            if left.elections and about.may_time_out:
                after = self._left(left._replace(elections=left.elections - 1))
                yield Move(self._event(TimeOut(name)), False), after
            return
        sent = self.scope.proposals - left.proposals
        if left.proposals:
            after = self._left(left._replace(proposals=left.proposals - 1))
            yield Move(self._event(self._write(name, sent + 1)), False), after
        for number in range(1, sent + 1) if left.repeats else ():
            after = self._left(left._replace(repeats=left.repeats - 1))
            yield Move(self._event(self._write(name, number)), False), after
        if left.heartbeats:
            after = self._left(left._replace(heartbeats=left.heartbeats - 1))
            yield Move(self._event(HeartbeatDue(name)), False), after
        if left.checks:
            after = self._left(left._replace(checks=left.checks - 1))
            yield Move(self._event(CheckQuorum(name)), False), after
        if left.reads:
            after = self._left(left._replace(reads=left.reads - 1))
            committed = len(self._pasts.things[state.past].committed)
            yield Move(self._event(AskRead(name, committed)), False), after
        for order in self.nodes.things[about.number].orders() if left.changes or left.transfers else ():
            if isinstance(order, TransferLeadership):
                if left.transfers:
                    after = self._left(left._replace(transfers=left.transfers - 1))
                    yield Move(self._event(Transfer(name, order.to)), False), after
            elif left.changes:
                after = self._left(left._replace(changes=left.changes - 1))
                yield Move(self._event(ChangeMembers(name, order)), False), after

    def _write(self, name: str, number: int) -> Propose:
        """The client's write of this number, from 1, at a leader."""
        if not self.scope.repeats:
            return Propose(name, b"w%d" % number)
        return Propose(name, *write(number, self.scope.clients))

    # ---- what comes of it --------------------------------------------------------------------------------

    def after(self, state: State, move: Move, left: int) -> State | str:
        """The state after a move; or the invariant that it broke, and how."""
        event = self.events[move.event]
        if isinstance(event, TimePasses):
            return state._replace(nodes=self._after_tick(state, move), left=left)
        place = self.names.index(event.node)
        outcome = self._outcome(state.nodes[place], move.event, event)
        if outcome.wrong is not None:
            return outcome.wrong
        nodes = (*state.nodes[:place], outcome.node, *state.nodes[place + 1 :])
        past = state.past
        if outcome.elected or outcome.commits:
            found = self._remember(nodes, past, outcome)
            if isinstance(found, str):
                return found
            past = found
        mail = list(state.mail)
        for take in () if move.again else taken_in(event):
            mail.remove(self.mail_that(take))
        mail.extend(outcome.mail)
        if not self._keep_dead:
            mail = [number for number in mail if not self._is_dead(number, nodes)]
        mail.sort()
        return State(nodes, tuple(mail), past, left)

    def _after_tick(self, state: State, tick: Move) -> tuple[int, ...]:
        event = self.events[tick.event]
        return tuple([self._outcome(number, tick.event, event).node for number in state.nodes])

    def _is_dead(self, mail: int, nodes: Sequence[int]) -> bool:
        of = self._facts_of_mail(mail)
        node = nodes[of.place]
        if not 0 <= of.dead_below < self._node_facts[node].least_term:
            return False
        if (node, mail) not in self._dead:
            self._check_dead(node, mail, of)
        return True

    def check_dead_replies(self) -> None:
        """Run every node that was met with every reply that was met and is dead to it.

        Raises:
            NotDead: one of them is not.
        """
        for mail in () if self._keep_dead else tuple(self.mail.things):
            of = self._facts_of_mail(mail)
            if of.dead_below >= 0:
                name = self.names[of.place]
                for node, about in tuple(self._node_facts.items()):
                    if about.name == name and of.dead_below < about.least_term:
                        self._check_dead(node, mail, of)

    def _check_dead(self, node: int, mail: int, of: _MessageFacts) -> None:
        if (node, mail) in self._dead:
            return
        outcome = self._outcome(node, of.events[0], self.events[of.events[0]])
        if outcome.node != node or outcome.mail or outcome.wrong is not None:
            to, sender, body = self.mail.things[mail]
            raise NotDead(f"{to}, which is in a later term for good, still reacts to {sender}'s {body}")
        self._dead.add((node, mail))

    def _remember(self, nodes: Sequence[int], past: int, outcome: StepOutcome) -> int | str:
        node = self.nodes.things[outcome.node]
        name, term = node.core.state.name, node.core.state.current_term
        now: Past | str = self._pasts.things[past]
        assert isinstance(now, Past)
        if outcome.elected:
            now = invariants.elected(
                now, name, outcome.elected, node.log if node.core.state.role == "leader" else None
            )
        if outcome.commits and isinstance(now, Past):
            leaders = {
                (of := self.nodes.things[number]).core.state.name: (of.core.state.current_term, of.log)
                for number in nodes
                if self._facts(number).leads
            }
            now = invariants.commits(now, name, term, outcome.commits, leaders)
        return now if isinstance(now, str) else self._past(now)

    def wrong_in(self, state: State) -> str | None:
        """The invariant of whole states that does not hold, and how; None if all hold."""
        abouts = [self._facts(number) for number in state.nodes]
        logs = frozenset([about.log for about in abouts] + [about.disk for about in abouts])
        if logs not in self._sound:
            self._sound[logs] = invariants.logs_match(list(logs))
        if self._sound[logs] is not None:
            return self._sound[logs]
        past = self._pasts.things[state.past]
        if not past.committed:
            return None
        disks = {about.name: about.disk for about in abouts}
        place = (state.past, *disks.values())
        if place not in self._sound:
            voters = invariants.voters_of(past, self.scope.first_voters)
            self._sound[place] = invariants.nothing_is_lost(
                past, disks, voters, may_change=self.scope.changes > 0
            )
        return self._sound[place]

    # ---- which states are the same -----------------------------------------------------------------------

    def key(self, state: State) -> bytes:
        """Equal for two states if they are the same but for nodes' names."""
        nodes = [self.nodes.under_namings(number) for number in state.nodes]
        mail = [self.mail.under_namings(number) for number in state.mail]
        past = self._pasts.under_namings(state.past)
        least: array[int] | None = None
        for naming in self._sorting(nodes):
            order = self._orders[naming]
            numbers = [0] * len(nodes)
            for i, under in enumerate(nodes):
                numbers[order[i]] = under[naming]
            numbers.append(past[naming])
            numbers.append(state.left)
            numbers.extend(sorted([under[naming] for under in mail]))
            found = array("I", numbers)
            if least is None or found < least:
                least = found
        assert least is not None
        return least.tobytes()

    def _sorting(self, nodes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The namings that put nodes in the order of what no renaming changes."""
        ranks = tuple([min(under) for under in nodes])
        found = self._namings_that_sort.get(ranks)
        if found is None:
            wanted = sorted(ranks)
            found = tuple(
                naming
                for naming, order in enumerate(self._orders)
                if len(self._orders) == 1 or all(wanted[order[i]] == rank for i, rank in enumerate(ranks))
            )
            self._namings_that_sort[ranks] = found
        return found

    def remaining(self, state: State) -> Remaining:
        """What may still happen in a state."""
        return self._lefts.things[state.left]

    def mail_that(self, take: Take) -> int:
        """The number of the message that is taken."""
        return self._number_of(Mail(take.node, take.sender, take.body))

    # ---- numbers -----------------------------------------------------------------------------------------

    def past_of(self, state: State) -> Past:
        """The past that a state remembers."""
        return self._pasts.things[state.past]

    def _outcome(self, node: int, number: int, event: Event) -> StepOutcome:
        outcome = self._outcomes.get((node, number))
        if outcome is None:
            before = self.nodes.things[node]
            if isinstance(event, AskRead) and before.core.leases.lease_holds():
                self.is_read_under_lease = True
            outcome = self._in_numbers(happens(before, event))
            if not (self._keep_dead or outcome.wrong) and (
                self._node_facts[outcome.node].least_term < before.least_term
            ):
                raise NotDead(f"{event.node} went back from term {before.least_term}, which was on its disk")
            self._outcomes[node, number] = outcome
            self.core_steps += 1
        return outcome

    def _in_numbers(self, happened: Happened) -> StepOutcome:
        return StepOutcome(
            self._number(happened.after) if happened.wrong is None else -1,
            tuple([self._number_of(mail) for mail in happened.mail]),
            happened.elected,
            happened.commits,
            happened.wrong,
        )

    def _number(self, member: Member) -> int:
        shape = member.shape(quorum_is_checked=self.scope.checks > 0)
        number = self.nodes.number((member.core.state.name, shape), member)
        if number not in self._node_facts:
            self._node_facts[number] = _NodeFacts(member, number)
        return number

    def _number_of(self, mail: Mail) -> int:
        return self.mail.number((mail.to, mail.sender, shape_of(mail.body)), mail)

    def _past(self, past: Past) -> int:
        return self._pasts.number(tuple(past), past)

    def _left(self, left: Remaining) -> int:
        return self._lefts.number(tuple(left), left)

    def _event(self, event: Event) -> int:
        number = self._event_numbers.get(event)
        if number is None:
            number = self._event_numbers[event] = len(self.events)
            self.events.append(event)
        return number

    def _facts(self, node: int) -> _NodeFacts:
        return self._node_facts[node]

    def _facts_of_mail(self, number: int) -> _MessageFacts:
        if number >= len(self._message_facts):
            self._message_facts.extend([None] * (number + 1 - len(self._message_facts)))
        found = self._message_facts[number]
        if found is None:
            to, sender, body = self.mail.things[number]
            takes = (Take(to, sender, body), Take(to, sender, body, late=True))
            may_be_late = is_for_votes(body) and not self.scope.lease_ticks
            events = tuple([self._event(take) for take in takes[: 2 if may_be_late else 1]])
            found = _MessageFacts(self.names.index(to), events, _dead_below(body))
            self._message_facts[number] = found
        return found


class _MessageFacts(NamedTuple):
    """Facts about a message that the search needs again and again."""

    place: int
    """The place of its receiver among the nodes."""
    events: tuple[int, ...]
    dead_below: int
    """It means nothing to a receiver that will never again be in this term or a lower one; -1: no such
    term."""


class _NodeFacts:
    """Facts about a node that the search needs again and again."""

    __slots__ = (
        "disk",
        "leads",
        "least_term",
        "log",
        "may_take_snapshot",
        "may_time_out",
        "name",
        "number",
        "unsynced",
        "with_snapshot",
    )

    def __init__(self, member: Member, number: int) -> None:
        state, snapshot = member.core.state, member.core.snapshots.newest
        self.name = state.name
        self.number = number
        self.leads = state.role == "leader"
        self.unsynced = len(member.unsynced)
        self.with_snapshot = [place for place, write in enumerate(member.unsynced) if newest_snapshot(write)]
        """The places of the unfinished writes that put a snapshot in place."""
        self.may_take_snapshot = state.last_applied > (0 if snapshot is None else snapshot.index)
        self.may_time_out = member.may_time_out
        self.least_term = member.least_term
        self.log: Log = member.log
        self.disk: Log = member.disk.log


def _dead_below(body: RaftMessage) -> int:
    match body:
        case AppendEntriesReply() | RequestVoteReply() | InstallSnapshotReply():
            return body.term
        case PreVoteReply():
            return max(body.term, body.asked_in)
        case _:
            return -1
