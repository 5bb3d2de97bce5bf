"""Random walks through a space: they find what lies deep, and prove nothing.

A search through every state finds a violation in as few steps as any, but with each step there are more
states. A walk takes steps by chance from a state that an earlier one has met.

**Where a walk begins** (as in Ecoffet et al., "First return, then explore", Nature 590, 2021). For each
*outline* that was met one state is kept: the one with the most left of the scope, and of these the one that
takes the fewest steps. Outlines are parted by how far the cluster has come, their *stage*. A walk begins in
the stage, and there at the outline, from which the fewest walks of some that are drawn have begun. So a rare
beginning of a long story is gone on with as often as a common one.

**What a walk does.** It passes through times in which only some of the nodes hear each other, as in a network
that parts: the others, and messages from before, are seldom taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, NamedTuple

from harness.sim.explore.node.steps import Event, Sync, Take, TimeOut
from harness.sim.explore.search import LOOK_EVERY, PathStep, SearchProgress, SearchResult
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
OLD_MAIL_WAITS = 0.7
"""The share of the draws after which messages from before are seldom taken."""

NodeOutline = tuple[str, int, tuple[int, ...], int, tuple[str, ...]]
"""Role, term, the terms of the log's entries, commitIndex and voters."""
Outline = tuple[NodeOutline, ...]
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
        go_on: is called about every `LOOK_EVERY` steps; returns None, or the reason to end the search.

    Raises:
        NotDead: the space drops replies that this core reacts to.
    """
    return _Walks(space, seed, go_on).run()


class _Walks:
    def __init__(self, space: Space, seed: int, go_on: Callable[[SearchProgress], str | None]) -> None:
        self._space = space
        self._random = Random(seed)
        self._go_on = go_on
        self._chance = _Chance(space, self._random)
        self._kept: list[_Kept] = []
        self._begun: list[int] = []
        """By the number of a kept state: how many walks began there."""
        self._outlines: dict[Outline, int] = {}
        self._stages: dict[Stage, int] = {}
        self._kept_in: list[list[int]] = []
        """By the number of a stage: the numbers of its kept states."""
        self._begun_in: list[int] = []
        """By the number of a stage: how many walks began there."""
        self._of_nodes: dict[int, NodeOutline] = {}
        self._walks = self._steps = self._longest = 0
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
            self._walks += 1
            path, wrong = self._walk(self._kept[self._where_to_begin()])
            if wrong is not None:
                return self._found("violation", *shortened(space, path, wrong))

    def _where_to_begin(self) -> int:
        below = self._random.randrange
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
            return False
        past = self._space.past_of(state)
        self._elected = max(self._elected, len(past.led))
        self._committed = max(self._committed, len(past.committed))
        number = self._outlines[outline] = len(self._kept)
        self._kept.append(_Kept(state, left, tuple(path)))
        self._begun.append(0)
        stage = self._stages.setdefault(
            _stage(outline, len(past.led), len(past.committed)), len(self._kept_in)
        )
        if stage == len(self._kept_in):
            self._kept_in.append([])
            self._begun_in.append(0)
        self._kept_in[stage].append(number)
        return True

    def _outline(self, state: State) -> Outline:
        nodes = [self._of_node(number) for number in state.nodes]
        return tuple(sorted(nodes) if self._space.scope.nodes_are_alike else nodes)

    def _of_node(self, number: int) -> NodeOutline:
        found = self._of_nodes.get(number)
        if found is None:
            member = self._space.nodes.things[number]
            state = member.core.state
            found = self._of_nodes[number] = (
                state.role,
                state.current_term,
                tuple([entry.term for entry in member.log]),
                state.commit_index,
                state.configuration_in_force().voters,
            )
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


def _stage(outline: Outline, elected: int, committed: int) -> Stage:
    """How far a cluster has come: what a long story has more of than a short one."""
    logs = [terms for _, _, terms, _, _ in outline]
    return (
        elected,
        committed,
        sum(
            any(a != b for a, b in zip(one, other, strict=False))
            for place, one in enumerate(logs)
            for other in logs[:place]
        ),
        max(map(len, logs)),
        len({commit for _, _, _, commit, _ in outline}),
        len({voters for _, _, _, _, voters in outline}),
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
        self._mail_of: dict[int, int] = {}
        """By the number of an event: that of the message it takes."""

    def draw(self, state: State) -> None:
        """Draw other times."""
        random, names = self._random, self._space.names
        self._kinds.clear()
        self._weights.clear()
        self._near = frozenset(random.sample(names, random.randint(2, len(names))))
        self._old_mail = frozenset(state.mail if random.random() < OLD_MAIL_WAITS else ())

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
        if event.node not in self._near:
            weight *= SELDOM
        if isinstance(event, Take):
            if event.sender not in self._near:
                weight *= SELDOM
            mail = self._mail_of.get(number)
            if mail is None:
                mail = self._mail_of[number] = self._space.mail_that(event)
            if mail in self._old_mail:
                weight *= SELDOM
        return weight

    def _kind(self, kind: type[Event]) -> float:
        weight = self._kinds.get(kind)
        if weight is None:
            # Writes end soon, as nothing else happens to a node meanwhile; elections are to be seen through.
            usual = 3.0 if kind is Sync else 0.3 if kind is TimeOut else 1.0
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
    return wrong, tuple(PathStep(space.events[move.event], move.again) for move in path)


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
