"""Which of several: a drawn one (`mix`), or whichever can act now (`any`)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.generator.base import NEVER, Answer, Context, Generator, GeneratorError, GeneratorLike, Pending
from harness.generator.bounds import whole
from harness.generator.sources import EXHAUSTED, as_generator
from harness.history import Operation

_MIX = 0x6D69780000000000
_ANY = 0x616E790000000000


class Mix(msgspec.Struct, frozen=True):
    """A drawn one for each operation. One that is exhausted drops out."""

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


class Any(msgspec.Struct, frozen=True):
    """Whichever has an operation now; among several, a drawn one."""

    inner: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        count = len(self.inner)
        first = context.draw.below(count, _ANY)
        inner = list(self.inner)
        wake_at = NEVER
        for offset in range(count):
            at = (first + offset) % count
            answer, inner[at] = inner[at].op(context.branch(at))
            if isinstance(answer, Pending):
                wake_at = min(wake_at, answer.wake_at)
            elif answer is None:
                inner[at] = EXHAUSTED
            else:
                return answer, self._after(inner)
        if all_exhausted(inner):
            return None, EXHAUSTED
        return Pending(wake_at), self._after(inner)

    def update(self, context: Context, event: Operation) -> Generator:
        return self._after([generator.update(context, event) for generator in self.inner])

    def _after(self, inner: Sequence[Generator]) -> Generator:
        return self if same(inner, self.inner) else Any(tuple(inner))


def same(left: Sequence[Generator], right: Sequence[Generator]) -> bool:
    """Whether these are the very same generators: then nothing need be made anew."""
    return all(one is other for one, other in zip(left, right, strict=True))


def all_exhausted(generators: Sequence[Generator]) -> bool:
    """Whether none of these will ever do anything again."""
    return all(generator is EXHAUSTED for generator in generators)


def mix(*generators: GeneratorLike, weights: Sequence[int] | None = None) -> Generator:
    """For each operation a drawn one of the generators, evenly or by whole-number weights.

    It waits for the one that it drew, even if another could act now: so the proportions hold. To take
    whichever can act, use `any`.
    """
    inner = tuple([as_generator(generator, f"mix[{i}]") for i, generator in enumerate(generators)])
    if weights is None:
        weights = [1] * len(inner)
    if len(weights) != len(inner):
        raise GeneratorError("mix", f"{len(weights)} weights for {len(inner)} generators")
    for weight in weights:
        whole("mix", "a weight", weight, 1)
    return Mix(inner, tuple(weights))


def any(*generators: GeneratorLike) -> Generator:
    """Whichever of the generators can act now: `any(clients(load), nemesis(faults))`. Ends when all have."""
    inner = tuple([as_generator(generator, f"any[{i}]") for i, generator in enumerate(generators)])
    return Any(inner) if inner else EXHAUSTED
