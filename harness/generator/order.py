"""In which order: one after the other, together, again and again, in turn.

A plain sequence goes on to its next item as soon as the item before makes nothing more, while its
last operations may still be in flight. `phases` and `then` wait for those: phases never overlap.
"""

from __future__ import annotations

import msgspec

from harness.generator.base import PENDING, Answer, Context, Generator, GeneratorLike, require_whole
from harness.generator.sources import EXHAUSTED, as_generator, same, sequence
from history import Operation


class Synchronize(msgspec.Struct, frozen=True):
    """The inner generator, once no thread in view has a pending operation."""

    inner: Generator

    def op(self, context: Context) -> tuple[Answer, Generator]:
        return self.inner.op(context) if context.all_free else (PENDING, self)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Synchronize(inner)


class Repeat(msgspec.Struct, frozen=True):
    """Makes every operation from the same original generator, as if it were the first."""

    original: Generator
    current: Generator
    """The original generator, or what it became while it waited."""
    remaining: int | None

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if self.remaining == 0:
            return None, EXHAUSTED
        answer, rest = self.current.op(context)
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            if self.remaining is not None:
                return answer, Repeat(self.original, self.original, self.remaining - 1)
            rest = self.original
        return answer, self if rest is self.current else Repeat(self.original, rest, self.remaining)

    def update(self, context: Context, event: Operation) -> Generator:
        current = self.current.update(context, event)
        return self if current is self.current else Repeat(self.original, current, self.remaining)


class Cycle(msgspec.Struct, frozen=True):
    """Begins again when the inner generator has ended; `rounds` more times, or for ever."""

    original: Generator
    current: Generator
    rounds: int | None

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, current = self.current.op(context)
        rounds = self.rounds
        if answer is None and rounds != 0:
            # One that is exhausted from its start would begin for ever without making anything, so it ends.
            answer, current = self.original.op(context)
            rounds = None if rounds is None else rounds - 1
        if answer is None:
            return None, EXHAUSTED
        if current is self.current and rounds == self.rounds:
            return answer, self
        return answer, Cycle(self.original, current, rounds)

    def update(self, context: Context, event: Operation) -> Generator:
        current = self.current.update(context, event)
        return self if current is self.current else Cycle(self.original, current, self.rounds)


class FlipFlop(msgspec.Struct, frozen=True):
    """The generators take turns, an operation each; ends when the one whose turn it is has ended."""

    turn: int
    inner: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, rest = self.inner[self.turn].op(context)
        if answer is None:
            return None, EXHAUSTED
        inner = (*self.inner[: self.turn], rest, *self.inner[self.turn + 1 :])
        turn = (self.turn + 1) % len(inner) if isinstance(answer, Operation) else self.turn
        return answer, FlipFlop(turn, inner)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = tuple([generator.update(context, event) for generator in self.inner])
        return self if same(inner, self.inner) else FlipFlop(self.turn, inner)


def synchronize(generator: GeneratorLike) -> Generator:
    """A generator that begins only when nothing is pending on any thread in view."""
    return Synchronize(as_generator(generator, "synchronize"))


def phases(*generators: GeneratorLike) -> Generator:
    """One after the other; each begins only when all threads in view have ended what came before."""
    return sequence(
        [
            Synchronize(as_generator(generator, f"phases[{position}]"))
            for position, generator in enumerate(generators)
        ],
        "phases",
    )


def then(first: GeneratorLike, second: GeneratorLike) -> Generator:
    """`first`; then, once all of it has ended, `second`."""
    return sequence([as_generator(first, "then"), Synchronize(as_generator(second, "then"))], "then")


def repeat(generator: GeneratorLike, times: int | None = None) -> Generator:
    """The first operation of a generator, for ever or `times` times: `repeat({"f": "lookup"})`."""
    if times is not None:
        require_whole("repeat", "`times`", times, 0)
    original = as_generator(generator, "repeat")
    return Repeat(original, original, times)


def cycle(generator: GeneratorLike, times: int | None = None) -> Generator:
    """A generator from beginning to end, for ever or `times` times: `cycle([sleep(s), kill, heal])`."""
    original = as_generator(generator, "cycle")
    if times is not None and require_whole("cycle", "`times`", times, 0) == 0:
        return EXHAUSTED
    return Cycle(original, original, None if times is None else times - 1)


def flip_flop(*generators: GeneratorLike) -> Generator:
    """An operation of each in turn: `flip_flop(repeat({"f": "cut"}), repeat({"f": "heal"}))`."""
    if not generators:
        return EXHAUSTED
    return FlipFlop(
        0, tuple([as_generator(generator, f"flip_flop[{i}]") for i, generator in enumerate(generators)])
    )
