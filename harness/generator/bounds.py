"""How many: generators that end after a number of operations, or when one has succeeded."""

from __future__ import annotations

import msgspec

from harness.generator.base import Answer, Context, Generator, GeneratorLike, require_whole
from harness.generator.sources import EXHAUSTED, as_generator
from history import Operation


class Limit(msgspec.Struct, frozen=True):
    """At most `remaining` more operations; log lines do not count."""

    remaining: int
    inner: Generator

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if self.remaining == 0:
            return None, EXHAUSTED
        answer, inner = self.inner.op(context)
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            return answer, Limit(self.remaining - 1, inner)
        return answer, self if inner is self.inner else Limit(self.remaining, inner)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Limit(self.remaining, inner)


class UntilOk(msgspec.Struct, frozen=True):
    """The inner generator, until one of its operations completes `ok`."""

    inner: Generator
    in_flight: tuple[int, ...] = ()
    """The processes whose pending operations came from the inner generator."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, inner = self.inner.op(context)
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            return answer, UntilOk(inner, (*self.in_flight, answer.process))
        return answer, self if inner is self.inner else UntilOk(inner, self.in_flight)

    def update(self, context: Context, event: Operation) -> Generator:
        in_flight = self.in_flight
        if event.type != "invoke" and event.process in in_flight:
            if event.type == "ok":
                return EXHAUSTED
            in_flight = tuple(process for process in in_flight if process != event.process)
        inner = self.inner.update(context, event)
        if inner is self.inner and in_flight is self.in_flight:
            return self
        return UntilOk(inner, in_flight)


def limit(count: int, generator: GeneratorLike) -> Generator:
    """The first `count` operations of a generator."""
    return Limit(require_whole("limit", "the count", count, 0), as_generator(generator, "limit"))


def once(generator: GeneratorLike) -> Generator:
    """The first operation of a generator."""
    return Limit(1, as_generator(generator, "once"))


def until_ok(generator: GeneratorLike) -> Generator:
    """A generator until one of its operations completes `ok`. Those in flight then go on to their end.

    It never repeats by itself: `until_ok(repeat({"f": "lookup"}))` tries again and again. To try on
    every thread, wrap it: `each_thread(until_ok(...))`.
    """
    return UntilOk(as_generator(generator, "until_ok"))
