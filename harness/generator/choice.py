"""Which of several: a drawn one (`mix`), or one that can act now (`any`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from harness.generator.base import (
    Answer,
    Context,
    Generator,
    GeneratorError,
    GeneratorLike,
    Pending,
    require_whole,
)
from harness.generator.sources import EXHAUSTED, as_generator, same
from history import Operation

# Salts that no user is likely to draw with: the ASCII of the combinator's name.
_MIX = 0x6D69780000000000
_ANY = 0x616E790000000000


class Mix(msgspec.Struct, frozen=True):
    """Draws a generator for each operation. A generator that has ended drops out."""

    inner: tuple[Generator, ...]
    weights: tuple[int, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        inner, weights = self.inner, self.weights
        while inner:
            at = self._drawn(context, weights)
            answer, rest = inner[at].op(context.branch(at))
            if answer is not None:
                if inner is self.inner and rest is inner[at]:
                    return answer, self
                return answer, Mix((*inner[:at], rest, *inner[at + 1 :]), weights)
            inner = inner[:at] + inner[at + 1 :]
            weights = weights[:at] + weights[at + 1 :]
        return None, EXHAUSTED

    def update(self, context: Context, event: Operation) -> Generator:
        inner = tuple([generator.update(context, event) for generator in self.inner])
        return self if same(inner, self.inner) else Mix(inner, self.weights)

    @staticmethod
    def _drawn(context: Context, weights: tuple[int, ...]) -> int:
        ticket = context.draw.below(sum(weights), _MIX)
        at = 0
        while ticket >= weights[at]:
            ticket -= weights[at]
            at += 1
        return at


class AnyReady(msgspec.Struct, frozen=True):
    """A generator that has an operation now; a drawn one if there are several."""

    inner: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, inner = first_able(context, self.inner, context.branch)
        return (None, EXHAUSTED) if answer is None else (answer, self._after(inner))

    def update(self, context: Context, event: Operation) -> Generator:
        return self._after([generator.update(context, event) for generator in self.inner])

    def _after(self, inner: Sequence[Generator]) -> Generator:
        return self if same(inner, self.inner) else AnyReady(tuple(inner))


def first_able(
    context: Context, generators: Sequence[Generator], view: Callable[[int], Context]
) -> tuple[Answer, list[Generator]]:
    """Ask generators in turn, from a drawn one on, until one has something to do now.

    `view(position)` is the context for the one at that position. Gives the answer and what remains of
    all of them; `Pending` until the first of them may have something, None if all are exhausted.
    """
    count = len(generators)
    first = context.draw.below(count, _ANY)
    remaining = list(generators)
    wake_at: int | None = None
    for offset in range(count):
        at = (first + offset) % count
        answer, remaining[at] = remaining[at].op(view(at))
        if answer is None:
            remaining[at] = EXHAUSTED
        elif isinstance(answer, Pending):
            wake_at = answer.wake_at if wake_at is None else min(wake_at, answer.wake_at)
        else:
            return answer, remaining
    return None if wake_at is None else Pending(wake_at), remaining


def mix(*generators: GeneratorLike, weights: Sequence[int] | None = None) -> Generator:
    """For each operation a drawn one of the generators, evenly or by whole-number weights.

    It waits for the one that it drew, even if another could act now: so the proportions hold. To take
    one that can act now, use `any`.
    """
    inner = tuple([as_generator(generator, f"mix[{i}]") for i, generator in enumerate(generators)])
    if weights is None:
        weights = [1] * len(inner)
    if len(weights) != len(inner):
        raise GeneratorError("mix", f"{len(weights)} weights for {len(inner)} generators")
    for weight in weights:
        require_whole("mix", "a weight", weight, 1)
    return Mix(inner, tuple(weights))


def any(*generators: GeneratorLike) -> Generator:
    """The generators that can act now, such as `any(clients(load), nemesis(faults))`. Ends when all have."""
    inner = tuple([as_generator(generator, f"any[{i}]") for i, generator in enumerate(generators)])
    return AnyReady(inner) if inner else EXHAUSTED
