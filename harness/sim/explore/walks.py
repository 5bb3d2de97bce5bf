"""Random walks through a space: they find what lies deep, and prove nothing.

A search through every state finds a violation in as few steps as any, but with each step there are more
states. A walk takes steps by chance from a state that an earlier one has met.

**Where a walk begins** (as in Ecoffet et al., "First return, then explore", Nature 590, 2021). For each
*outline* that was met one state is kept: the one with the most left of the scope, and of these the one that
takes the fewest steps. Outlines are parted by how far the cluster has come, their *stage*. A walk begins in
the stage, and there at the outline, from which the fewest walks of some that are drawn have begun. So a rare
beginning of a long story is gone on with as often as a common one.

**What a walk does.** It passes through times in which only some of the nodes hear each other, as in a network
that parts: the others, and messages from before, are seldom taken. Often these are just enough to decide
something: a majority of the voters that one of them goes by. Fewer can neither elect nor commit, and more
can less often do so without a node that knows better.

**What tells outlines apart.** Nodes' names do not: but for one choice among equals no rule looks at them. Nor
does how high terms are: rules ask which of two is the later one. So a story that takes fewer elections takes
the place of one that wastes some.

**What tells stages apart** is also that on which safety rests, that majorities meet (section 5.4.3 of the
paper; thesis, section 4.1): the least number of nodes that any two majorities share, of all configurations in
force at some node. And it is what is left of the scope: without that, most walks would begin where little is
left, as such states are the most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Literal, NamedTuple

from harness.sim.explore.node.steps import Event, Sync, Take, TimeOut, TimePasses, taken_in
from harness.sim.explore.search import (
    LOOK_EVERY,
    PathStep,
    SearchProgress,
    SearchResult,
    with_opening,
)
from harness.sim.explore.space import Move, Space, State

STEPS = 25
"""The steps of a walk that meets no new outline."""
MORE_STEPS = 5
"""How many more steps a walk takes for each new outline."""
DRAWN_STAGES, DRAWN_OUTLINES = 4, 8
"""Of as many, the one from which the fewest walks have begun is taken."""
OTHER_TIMES = 0.08
"""The share of the steps before which the nodes that hear each other are drawn again."""
SELDOM = 0.02
"""The weight of what happens outside of the nodes that hear each other; 1 is the weight within."""
REPEATED = 0.3
"""The weight of a message that is taken and stays in transit, compared with one that is only taken."""
DECIDING = 0.5
"""The share of the draws in which the nodes that hear each other are just enough to decide something."""
OLD_MAIL_WAITS = 0.7
"""The share of the draws after which messages from before are seldom taken."""

LEAST_IN_VAIN, TIMES_IN_VAIN = 5_000, 3
"""Walks end once as many in a row met no new outline, and as many times more than there were before."""

Voters = tuple[str, ...]
NodeOutline = tuple[str, int, tuple[int, ...], int]
"""Role, term, the terms of the log's entries and commitIndex; in an `Outline`, a term's rank for a term."""
Outline = tuple[tuple[NodeOutline, tuple[int, ...]], ...]
"""Of each node also its voters, each as its place in this very tuple."""
Stage = tuple[int, ...]


class _Kept(NamedTuple):
    """A state that was met."""

    state: State
    left: int
    """How many events the scope still has."""
    path: tuple[Move, ...]
    """The steps to it."""


def walk_at_random(space: Space, seed: int, go_on: Callable[[SearchProgress], str | None]) -> SearchResult:
    """Take random walks until one comes to a violation.

    The steps to it are shortened until none of them can be left out; another way may still be shorter.

    Args:
        go_on: is called about every `LOOK_EVERY` steps; returns None, or the reason to end the search. That
            ends by itself once walks meet nothing new (`LEAST_IN_VAIN`).

    Raises:
        NotDead: the space drops replies that this core reacts to.
    """
    return _Walks(space, seed, go_on).run()


class _Seen(NamedTuple):
    """What is looked at of a node. They are sorted by what does not name a node first."""

    outline: NodeOutline
    voting: int
    votes: bool
    name: str
    voters: Voters


class _Walks:
    def __init__(self, space: Space, seed: int, go_on: Callable[[SearchProgress], str | None]) -> None:
        self._space = space
        self._random = Random(seed)
        self._go_on = go_on
        self._chance = _Chance(space, self._random)
        self._kept: list[_Kept] = []
        self._begun: list[int] = []
        """By the number of a kept state: how many walks began there."""
        self._stage_of: list[int] = []
        """By the number of a kept state: that of its stage."""
        self._outlines: dict[Outline, int] = {}
        self._stages: dict[Stage, int] = {}
        self._kept_in: list[list[int]] = []
        """By the number of a stage: the numbers of its kept states."""
        self._begun_in: list[int] = []
        """By the number of a stage: how many walks began there."""
        self._of_nodes: dict[int, _Seen] = {}
        self._shared: dict[frozenset[Voters], int] = {}
        self._walks = self._steps = self._longest = 0
        self._last_new = 0
        """The number of the walk that met the last new outline."""
        self._elected = self._committed = 0

    def run(self) -> SearchResult:
        space = self._space
        wrong = space.wrong_in(space.first)
        if wrong is not None:
            return self._found("violation", wrong)
        if not any(True for _ in space.moves(space.first)):
            return self._found("unknown", "nothing can happen in this scope")
        self._meet(space.first, ())
        looked = 0
        while True:
            if self._walks % LOOK_EVERY == 0 or self._steps - looked >= LOOK_EVERY:
                looked = self._steps
                enough = self._go_on(self._seen())
                if enough is not None:
                    return self._found("unknown", enough)
            in_vain = self._walks - self._last_new
            if in_vain >= max(LEAST_IN_VAIN, TIMES_IN_VAIN * self._last_new):
                return self._found(
                    "unknown", f"the last {in_vain} walks met nothing new; a larger scope has more"
                )
            self._walks += 1
            path, wrong = self._walk(self._kept[self._where_to_begin()])
            if wrong is not None:
                return self._found("violation", *shortened(space, path, wrong))

    def _where_to_begin(self) -> int:
        below = self._random.randrange
        kept: list[int] = []
        while not kept:  # all that was met of a stage may have moved on to stages that waste less
            stages = [below(len(self._kept_in)) for _ in range(DRAWN_STAGES)]
            stage = min(stages, key=self._begun_in.__getitem__)
            self._begun_in[stage] += 1
            kept = self._kept_in[stage]
        outlines = [kept[below(len(kept))] for _ in range(DRAWN_OUTLINES)]
        begin = min(outlines, key=self._begun.__getitem__)
        self._begun[begin] += 1
        return begin

    def _walk(self, begin: _Kept) -> tuple[Sequence[Move], str | None]:
        """Take steps from a kept state: all steps from the first state on, and what the last one broke."""
        space, chance, state = self._space, self._chance, begin.state
        path = list(begin.path)
        chance.draw(state)
        steps = STEPS
        while steps:
            steps -= 1
            if self._random.random() < OTHER_TIMES:
                chance.draw(state)
            drawn = chance.choose(state)
            if drawn is None:
                break
            move, left = drawn
            self._steps += 1
            path.append(move)
            after = space.after(state, move, left)
            if isinstance(after, str):
                return path, after
            wrong = space.wrong_in(after)
            if wrong is not None:
                return path, wrong
            state = after
            if self._meet(state, path):
                steps += MORE_STEPS
        self._longest = max(self._longest, len(path))
        return path, None

    def _meet(self, state: State, path: Sequence[Move]) -> bool:
        """Keep a state if it is the best one of its outline; returns whether the outline is new."""
        outline = self._outline(state)
        left = sum(self._space.remaining(state))
        number = self._outlines.get(outline)
        if number is not None:
            kept = self._kept[number]
            if (-left, len(path)) < (-kept.left, len(kept.path)):
                self._kept[number] = _Kept(state, left, tuple(path))
                self._put_into_stage(number, outline)
            return False
        self._last_new = self._walks
        number = self._outlines[outline] = len(self._kept)
        self._kept.append(_Kept(state, left, tuple(path)))
        self._begun.append(0)
        self._stage_of.append(-1)
        self._put_into_stage(number, outline)
        return True

    def _put_into_stage(self, number: int, outline: Outline) -> None:
        """Note in which stage a kept state is; it leaves the one that it was in."""
        kept, before = self._kept[number], self._stage_of[number]
        past = self._space.past_of(kept.state)
        elected, committed = len(past.led), len(past.committed)
        self._elected = max(self._elected, elected)
        self._committed = max(self._committed, committed)
        voters = frozenset([self._of_node(node).voters for node in kept.state.nodes])
        reached = _stage(outline, elected, committed, self._least_shared(voters), kept.left)
        stage = self._stages.setdefault(reached, len(self._kept_in))
        if stage == before:
            return
        if stage == len(self._kept_in):
            self._kept_in.append([])
            self._begun_in.append(0)
        self._kept_in[stage].append(number)
        self._stage_of[number] = stage
        if before >= 0:
            self._kept_in[before].remove(number)

    def _outline(self, state: State) -> Outline:
        nodes = [self._of_node(number) for number in state.nodes]
        nodes.sort()
        place = {node.name: place for place, node in enumerate(nodes)}
        met = {node.outline[1] for node in nodes}.union(*[node.outline[2] for node in nodes])
        rank = {term: rank for rank, term in enumerate(sorted(met))}
        outline = []
        for node in nodes:
            role, term, terms, commit = node.outline
            of_node = (role, rank[term], tuple([rank[one] for one in terms]), commit)
            outline.append((of_node, tuple(sorted([place[name] for name in node.voters]))))
        return tuple(outline)

    def _of_node(self, number: int) -> _Seen:
        found = self._of_nodes.get(number)
        if found is None:
            member = self._space.nodes.things[number]
            state = member.core.state
            name, voters = state.name, state.configuration_in_force().voters
            terms = tuple([entry.term for entry in member.log])
            outline = (state.role, state.current_term, terms, state.commit_index)
            found = self._of_nodes[number] = _Seen(outline, len(voters), name in voters, name, voters)
        return found

    def _least_shared(self, voters: frozenset[Voters]) -> int:
        found = self._shared.get(voters)
        if found is None:
            found = self._shared[voters] = least_shared(voters)
        return found

    def _seen(self) -> SearchProgress:
        return SearchProgress(len(self._kept), self._steps, self._longest, 0)

    def _found(
        self, outcome: Literal["violation", "unknown"], why: str, path: tuple[PathStep, ...] = ()
    ) -> SearchResult:
        return SearchResult(
            outcome,
            self._seen(),
            self._space.core_steps,
            self._elected,
            self._committed,
            why,
            path,
            walks=self._walks,
        )


def least_shared(configurations: Collection[Voters]) -> int:
    """The least number of nodes that a majority of one of these shares with a majority of one of these.

    Zero or less: two majorities need not meet, by which many nodes they could even miss each other.
    """
    return min(
        len(one) // 2 + 1 + len(other) // 2 + 1 - len({*one, *other})
        for one in configurations
        for other in configurations
    )


def _stage(outline: Outline, elected: int, committed: int, shared: int, left: int) -> Stage:
    """How far a cluster has come: what a long story has more of than a short one."""
    logs = [terms for (_, _, terms, _), _ in outline]
    return (
        elected,
        committed,
        sum(
            any(a != b for a, b in zip(one, other, strict=False))
            for place, one in enumerate(logs)
            for other in logs[:place]
        ),
        max(map(len, logs)),
        len({commit for (_, _, _, commit), _ in outline}),
        len({voters for _, voters in outline}),
        shared,
        left,
    )


class _Chance:
    """How likely each thing is to happen next, in the times that a walk passes through."""

    def __init__(self, space: Space, random: Random) -> None:
        self._space = space
        self._random = random
        self._kinds: dict[type[Event], float] = {}
        """The weight of each kind of event, drawn when it is first met in these times."""
        self._near: frozenset[str] = frozenset()
        """The nodes that hear each other."""
        self._old_mail: frozenset[int] = frozenset()
        self._weights: dict[int, float] = {}
        """By the number of an event."""
        self._mail_of: dict[Take, int] = {}
        """The numbers of the messages that were looked at."""

    def draw(self, state: State) -> None:
        """Draw other times."""
        random, names = self._random, self._space.names
        self._kinds.clear()
        self._weights.clear()
        self._near = frozenset(
            self._enough_to_decide(state)
            if random.random() < DECIDING
            else random.sample(names, random.randint(2, len(names)))
        )
        self._old_mail = frozenset(state.mail if random.random() < OLD_MAIL_WAITS else ())

    def _enough_to_decide(self, state: State) -> Sequence[str]:
        """A node, and as many others as make a majority of the voters that it goes by."""
        node = self._space.nodes.things[self._random.choice(state.nodes)].core.state
        voters = node.configuration_in_force().voters
        others = [voter for voter in voters if voter != node.name]
        return [node.name, *self._random.sample(others, len(voters) // 2 + (node.name not in voters))]

    def choose(self, state: State) -> tuple[Move, int] | None:
        """One of the moves of a state, with what remains of the scope after it; None: nothing can happen."""
        moves = list(self._space.moves(state))
        if len(moves) < 2:
            return moves[0] if moves else None
        known = self._weights
        weights = []
        for move, _ in moves:
            weight = known.get(move.event)
            if weight is None:
                weight = known[move.event] = self._weight(move.event)
            weights.append(weight * REPEATED if move.again else weight)
        return self._random.choices(moves, weights)[0]

    def _weight(self, number: int) -> float:
        event = self._space.events[number]
        weight = self._kind(type(event))
        if event.node not in self._near and not isinstance(event, TimePasses):
            weight *= SELDOM
        for take in taken_in(event):
            if take.sender not in self._near:
                weight *= SELDOM
            mail = self._mail_of.get(take)
            if mail is None:
                mail = self._mail_of[take] = self._space.mail_that(take)
            if mail in self._old_mail:
                weight *= SELDOM
        return weight

    def _kind(self, kind: type[Event]) -> float:
        weight = self._kinds.get(kind)
        if weight is None:
            # Writes end soon, as nothing else happens to a node meanwhile; a time-out is longer than messages
            # take, so most of them have arrived when it is over.
            usual = 3.0 if kind is Sync else 0.1 if kind is TimeOut else 1.0
            weight = self._kinds[kind] = usual * 10 ** self._random.uniform(-0.7, 0.7)
        return weight


def shortened(space: Space, path: Sequence[Move], wrong: str) -> tuple[str, tuple[PathStep, ...]]:
    """Leave out steps while what is left breaks the same invariant.

    Returns:
        what is wrong, and the steps to it.
    """
    invariant = wrong.partition(":")[0]
    changed = True
    while changed:
        changed = False
        for place in range(len(path) - 1, -1, -1):
            if place >= len(path):
                continue  # a shorter way has been found meanwhile
            taken, found = _taken(space, [*path[:place], *path[place + 1 :]])
            if found is not None and found.partition(":")[0] == invariant:
                path, wrong, changed = taken, found, True
    steps = (PathStep(space.events[move.event], move.again) for move in path)
    return wrong, with_opening(space, steps)


def _taken(space: Space, path: Sequence[Move]) -> tuple[list[Move], str | None]:
    """Those of the steps that can be taken, up to the first violation, and what is wrong then."""
    state = space.first
    taken: list[Move] = []
    for wanted in path:
        left = next((left for move, left in space.moves(state) if move == wanted), None)
        if left is None:
            continue  # it followed from one that was left out
        taken.append(wanted)
        after = space.after(state, wanted, left)
        wrong = after if isinstance(after, str) else space.wrong_in(after)
        if wrong is not None:
            return taken, wrong
        assert isinstance(after, State)
        state = after
    return taken, None
