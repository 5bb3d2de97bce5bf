"""When: limits, rates and pauses. All times are whole nanoseconds; history/units.py has the units."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from harness.generator.base import Answer, Context, Generator, GeneratorLike, Pending, require_whole
from harness.generator.sources import EXHAUSTED, as_generator
from history import Operation

_STAGGER = 0x7374616767657200  # a salt, as in choice.py
_CATCH_UP = 10
"""How many mean gaps a stagger may catch up after it fell behind: enough for a driver that wakes a little
late, too few for a burst after all threads were stuck."""


class TimeLimit(msgspec.Struct, frozen=True):
    """The inner generator, until `duration` after its first operation, or longer if too little was done."""

    duration: int
    inner: Generator
    ends_at: int | None = None
    overtime: int = 0
    """For how long it goes on at most after its time while `lacking` is not zero."""
    lacking: int = 0
    """How many events that count are still to come."""
    counts: Callable[[Operation], bool] = bool

    def op(self, context: Context) -> tuple[Answer, Generator]:
        ends_at = self.ends_at
        last = None if ends_at is None else ends_at + (self.overtime if self.lacking else 0)
        if last is not None and context.now >= last:
            return None, EXHAUSTED
        answer, inner = self.inner.op(context)
        if answer is None:
            return None, EXHAUSTED
        if ends_at is None and isinstance(answer, Operation):
            ends_at = context.now + self.duration
        if last is not None and isinstance(answer, Pending) and answer.wake_at > last:
            answer = Pending(last)
        if inner is self.inner and ends_at == self.ends_at:
            return answer, self
        return answer, msgspec.structs.replace(self, inner=inner, ends_at=ends_at)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        if self.lacking and self.counts(event):
            return msgspec.structs.replace(self, inner=inner, lacking=self.lacking - 1)
        return self if inner is self.inner else msgspec.structs.replace(self, inner=inner)


class Stagger(msgspec.Struct, frozen=True):
    """Gaps drawn evenly from 0 to twice `mean`, counted over all threads in view together."""

    mean: int
    inner: Generator
    due: int | None = None

    def op(self, context: Context) -> tuple[Answer, Generator]:
        due = context.now if self.due is None else self.due
        if context.now < due:
            return Pending(due), self
        answer, inner = self.inner.op(context.branch(_STAGGER))
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            behind = max(due, context.now - _CATCH_UP * self.mean)
            return answer, Stagger(self.mean, inner, behind + context.draw.below(2 * self.mean + 1, _STAGGER))
        return answer, self if inner is self.inner else Stagger(self.mean, inner, self.due)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Stagger(self.mean, inner, self.due)


class Delay(msgspec.Struct, frozen=True):
    """At least `gap` from one operation to the next."""

    gap: int
    inner: Generator
    due: int = 0

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if context.now < self.due:
            return Pending(self.due), self
        answer, inner = self.inner.op(context)
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            return answer, Delay(self.gap, inner, context.now + self.gap)
        return answer, self if inner is self.inner else Delay(self.gap, inner, self.due)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Delay(self.gap, inner, self.due)


class Sleep(msgspec.Struct, frozen=True):
    """Does nothing for `duration` from the first question on, and then ends."""

    duration: int
    ends_at: int | None = None

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if self.ends_at is None:
            if self.duration == 0:
                return None, EXHAUSTED
            ends_at = context.now + self.duration
            return Pending(ends_at), Sleep(self.duration, ends_at)
        return (None, EXHAUSTED) if context.now >= self.ends_at else (Pending(self.ends_at), self)

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self


def time_limit(
    duration_ns: int,
    generator: GeneratorLike,
    *,
    overtime_ns: int = 0,
    wanted: int = 0,
    counts: Callable[[Operation], bool] = bool,
) -> Generator:
    """A generator until `duration_ns` after its first operation. Operations in flight go on to their end.

    Args:
        overtime_ns: for how long it goes on after that, at the most, until the wanted events were seen.
        wanted: how many events are wanted.
        counts: whether an event is one of them.
    """
    return TimeLimit(
        require_whole("time_limit", "the duration", duration_ns, 0),
        as_generator(generator, "time_limit"),
        overtime=require_whole("time_limit", "the overtime", overtime_ns, 0),
        lacking=require_whole("time_limit", "the events wanted", wanted, 0),
        counts=counts,
    )


def stagger(mean_ns: int, generator: GeneratorLike) -> Generator:
    """A generator at about one operation every `mean_ns`, over all threads in view together.

    Gaps are drawn evenly from 0 to 2 * mean_ns. While all threads are busy it falls behind, and later catches
    up at most ten gaps.
    """
    return Stagger(require_whole("stagger", "the mean gap", mean_ns, 0), as_generator(generator, "stagger"))


def delay(gap_ns: int, generator: GeneratorLike) -> Generator:
    """A generator with at least `gap_ns` from one operation to the next, over all threads in view."""
    return Delay(require_whole("delay", "the gap", gap_ns, 0), as_generator(generator, "delay"))


def sleep(duration_ns: int) -> Generator:
    """A pause in a sequence. It occupies no thread."""
    return Sleep(require_whole("sleep", "the duration", duration_ns, 0))
