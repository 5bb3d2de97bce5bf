"""The presence register judged by brute force: try every order. For small histories; knows no shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from checkers.registry.linearizability.by_search.presence import PUTS, PresenceEffect, PresenceOperation


def linearizable(operations: Sequence[PresenceOperation]) -> bool:
    """Whether some order explains every reply and respects real time."""

    def extend(state: str | None, left: tuple[PresenceOperation, ...]) -> bool:
        if all(op.completed is None for op in left):
            return True
        for op in left:
            if any(other.ended < op.invoked for other in left):
                continue
            match op.effect:
                case PresenceEffect.SET:
                    after = op.id
                case PresenceEffect.CHANGE:
                    if state is None:
                        continue
                    after = op.id
                case PresenceEffect.REMOVE:
                    if op.completed is not None and op.id != state:
                        continue
                    after = None
                case PresenceEffect.READ:
                    if op.id != state:
                        continue
                    after = state
            if extend(after, tuple(other for other in left if other is not op)):
                return True
        return False

    return extend(None, tuple(operations))


ARBITRARY = [
    PresenceEffect.SET,
    PresenceEffect.SET,
    PresenceEffect.CHANGE,
    PresenceEffect.REMOVE,
    PresenceEffect.READ,
]
PLAUSIBLE = [
    PresenceEffect.SET,
    PresenceEffect.SET,
    PresenceEffect.CHANGE,
    PresenceEffect.REMOVE,
    PresenceEffect.READ,
    PresenceEffect.READ,
]


def arbitrary_operations(random: Random, most: int = 7) -> list[PresenceOperation]:
    """Operations with any intervals and any replies; few are linearizable."""
    count = random.randrange(1, most + 1)
    ends = list(range(2 * count))
    random.shuffle(ends)
    operations = []
    effects = [random.choice(ARBITRARY) for _ in range(count)]
    ids = [None, *(f"r{number}" for number in range(sum(effect in PUTS for effect in effects)))]
    sets = 0
    for number, effect in enumerate(effects):
        begun, ended = sorted(ends[2 * number : 2 * number + 2])
        unknown = effect is not PresenceEffect.READ and random.random() < 0.25
        if effect in PUTS:
            id_: str | None = f"r{sets}"
            sets += 1
        else:
            id_ = None if unknown else random.choice(ids)
        operations.append(PresenceOperation(effect, id_, begun, None if unknown else ended, effect.value))
    return sorted(operations, key=lambda op: op.invoked)


def plausible_operations(random: Random, most: int = 9, mutate: bool = False) -> list[PresenceOperation]:
    """Operations that a correct register answered; with `mutate`, one reply of them is then changed."""
    count = random.randrange(1, most + 1)
    moments = sorted((random.random(), number) for number in range(count))
    state: str | None = None
    spans: list[tuple[float, float]] = [(0.0, 0.0)] * count
    drafts: list[tuple[PresenceEffect, str | None, bool]] = [(PresenceEffect.READ, None, True)] * count
    for at, number in moments:
        begun = max(0.0, at - random.random() * 0.5)
        effect = random.choice(PLAUSIBLE)
        unknown = effect is not PresenceEffect.READ and random.random() < 0.25
        happened = not (unknown and random.random() < 0.5)
        seen = state
        if (happened and effect is PresenceEffect.SET) or (
            happened and effect is PresenceEffect.CHANGE and state is not None
        ):
            state = f"r{number}"
        elif happened and effect is PresenceEffect.CHANGE and not unknown:
            effect = PresenceEffect.READ  # an update that found nothing
        elif happened and effect is PresenceEffect.REMOVE:
            state = None
        id_ = f"r{number}" if effect in PUTS else (None if unknown else seen)
        spans[number] = (begun, at + random.random() * 0.5)
        drafts[number] = (effect, id_, not unknown)
    # Of events at one time, invocations come first: then they overlap, which any order explains.
    events = sorted((span[end], end, number) for number, span in enumerate(spans) for end in (0, 1))
    place = {(number, end): index for index, (_, end, number) in enumerate(events)}
    operations = [
        PresenceOperation(effect, id_, place[number, 0], place[number, 1] if known else None, effect.value)
        for number, (effect, id_, known) in enumerate(drafts)
    ]
    observers = [n for n, op in enumerate(operations) if op.effect not in PUTS and op.completed is not None]
    if mutate and observers:
        chosen = random.choice(observers)
        ids = [None, *(op.id for op in operations if op.effect in PUTS)]
        operations[chosen] = operations[chosen]._replace(id=random.choice(ids))
    return sorted(operations, key=lambda op: op.invoked)
