"""On which threads: clients or nemesis, groups of threads, a copy for each thread.

A generator inside sees only its own threads: `synchronize` within `clients(...)` waits for clients
alone. An event goes only to those who see its thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.generator.base import (
    NEMESIS_BIT,
    NEVER,
    Answer,
    Context,
    Generator,
    GeneratorError,
    GeneratorLike,
    LogLine,
    Pending,
    mask_of_threads,
    require_whole,
    thread_bit,
    threads_in,
)
from harness.generator.choice import first_able
from harness.generator.sources import EXHAUSTED, as_generator, same
from history import NEMESIS, Operation

_EACH = 0x6561636800000000  # a salt, as in choice.py


class OnThreads(msgspec.Struct, frozen=True):
    """The inner generator, which sees only these threads."""

    mask: int
    inner: Generator

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if not self.mask & context.thread_mask:
            raise GeneratorError(
                "on threads", "none of its threads is in view; is it `clients` within `nemesis`?", context
            )
        answer, inner = self.inner.op(context.restrict(self.mask))
        if answer is None:
            return None, EXHAUSTED
        return answer, self if inner is self.inner else OnThreads(self.mask, inner)

    def update(self, context: Context, event: Operation) -> Generator:
        if not self.mask & thread_bit(context.thread_of(event.process)):
            return self
        inner = self.inner.update(context.restrict(self.mask), event)
        return self if inner is self.inner else OnThreads(self.mask, inner)


class Groups(msgspec.Struct, frozen=True):
    """Several generators at the same time, each on its own threads."""

    masks: tuple[int, ...]
    inner: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, inner = first_able(
            context, self.inner, lambda at: context.restrict(self.masks[at]).branch(at)
        )
        return (None, EXHAUSTED) if answer is None else (answer, self._after(inner))

    def update(self, context: Context, event: Operation) -> Generator:
        bit = thread_bit(context.thread_of(event.process))
        return self._after(
            [
                generator.update(context.restrict(mask), event) if mask & bit else generator
                for mask, generator in zip(self.masks, self.inner, strict=True)
            ]
        )

    def _after(self, inner: Sequence[Generator]) -> Generator:
        return self if same(inner, self.inner) else Groups(self.masks, tuple(inner))


class Reserve(msgspec.Struct, frozen=True):
    """Groups that get their threads at the first question, when the threads in view are known."""

    counts: tuple[int, ...]
    inner: tuple[Generator, ...]
    """A generator for each count, and a last one for all other threads."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        return self._dealt(context).op(context)

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self  # nothing of it has begun

    def _dealt(self, context: Context) -> Groups:
        workers = threads_in(context.worker_mask)
        wanted = sum(self.counts)
        rest = self.inner[-1]
        also = "" if rest is EXHAUSTED else " and a default wants the rest"
        if wanted > len(workers) or (wanted == len(workers) and rest is not EXHAUSTED):
            raise GeneratorError(
                "reserve",
                f"{wanted} threads are reserved{also}, but only {len(workers)} are in view; "
                "ask for a higher concurrency or reserve fewer",
                context,
            )
        masks = []
        for count in self.counts:
            masks.append(mask_of_threads(workers[:count]))
            workers = workers[count:]
        return Groups((*masks, mask_of_threads(workers)), self.inner)


class Copy(msgspec.Struct, frozen=True):
    """The copy of one thread, made for its process. It need not be asked before `wake_at`."""

    process: int
    generator: Generator
    wake_at: int = NEVER


class Each(msgspec.Struct, frozen=True):
    """A copy of `original` on every worker thread in view; if `renew`, a new one for a new process.

    Only copies whose answer may have changed are asked, so that a hundred threads cost little more than one:
    the copies of `ready`, and from `wake_at` on those whose time has come.
    """

    original: Generator
    renew: bool
    copies: tuple[Copy | None, ...] = ()
    """The copy of each thread, at the position thread + 1; None if it has not been asked yet."""
    ready: int = -1
    """The threads whose copies must be asked: at first all."""
    ended: int = 0
    """The threads whose copies are exhausted."""
    wake_at: int = NEVER
    """The first time at which a copy that is not ready must be asked."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        copies = list(self.copies) or [None] * (len(context.processes) + 1)
        ready, ended, wake_at = self.ready, self.ended, self.wake_at
        if context.now >= wake_at:
            ready, wake_at = self._awoken(context.now)
        threads = threads_in(context.worker_mask & ready)
        first = context.draw.below(len(threads), _EACH) if len(threads) > 1 else 0
        for thread in threads[first:] + threads[:first]:
            bit = thread_bit(thread)
            copy = copies[thread + 1]
            generator = self.original if copy is None else copy.generator
            answer, rest = generator.op(context.restrict(bit))
            copies[thread + 1] = Copy(context.process_of(thread), rest)
            if isinstance(answer, Operation | LogLine):
                return answer, Each(self.original, self.renew, tuple(copies), ready, ended, wake_at)
            ready &= ~bit
            if answer is None:
                ended |= bit
            else:
                copies[thread + 1] = Copy(context.process_of(thread), rest, answer.wake_at)
                wake_at = min(wake_at, answer.wake_at)
        if not context.worker_mask & ~ended and not (self.renew and self._may_renew(context)):
            return None, EXHAUSTED
        return Pending(wake_at), Each(self.original, self.renew, tuple(copies), ready, ended, wake_at)

    def update(self, context: Context, event: Operation) -> Generator:
        thread = context.thread_of(event.process)
        bit = thread_bit(thread)
        copy = self.copies[thread + 1] if self.copies else None
        if copy is None:
            return self
        process = context.process_of(thread)
        ended = self.ended
        renewed: Copy | None = None
        if self.renew and copy.process != process:
            ended &= ~bit
        elif ended & bit:
            return self
        else:
            renewed = Copy(process, copy.generator.update(context.restrict(bit), event))
        copies = (*self.copies[: thread + 1], renewed, *self.copies[thread + 2 :])
        return Each(self.original, self.renew, copies, self.ready | bit, ended, self.wake_at)

    def _awoken(self, now: int) -> tuple[int, int]:
        """The ready threads, with those whose time has come; and when the next one is due."""
        ready, wake_at = self.ready, NEVER
        for position, copy in enumerate(self.copies):
            if copy is not None and copy.wake_at <= now:
                ready |= thread_bit(position - 1)
            elif copy is not None:
                wake_at = min(wake_at, copy.wake_at)
        return ready, wake_at

    @staticmethod
    def _may_renew(context: Context) -> bool:
        """Whether a new process may still come: a busy worker's operation may end in `info`."""
        return context.free_mask & context.worker_mask != context.worker_mask


def on_threads(threads: Sequence[int], generator: GeneratorLike) -> Generator:
    """A generator on these threads only. Clients count from 0; the nemesis is `NEMESIS`."""
    for thread in threads:
        require_whole("on_threads", "a thread", thread, NEMESIS)
    return OnThreads(mask_of_threads(threads), as_generator(generator, "on_threads"))


def clients(generator: GeneratorLike) -> Generator:
    """A generator on the client threads only."""
    return OnThreads(~NEMESIS_BIT, as_generator(generator, "clients"))


def nemesis(generator: GeneratorLike) -> Generator:
    """A generator on the nemesis only. No other generator sends operations to the nemesis."""
    return OnThreads(NEMESIS_BIT, as_generator(generator, "nemesis"))


def reserve(*groups: tuple[int, GeneratorLike], default: GeneratorLike = None) -> Generator:
    """Give each group its number of workers, in order, and all other workers to `default`.

    `reserve((5, writes), (2, compare_and_set), default=reads)`. The threads of a group that ended stay idle.
    """
    counts = tuple([require_whole("reserve", "a number of threads", count, 1) for count, _ in groups])
    inner = [as_generator(generator, f"reserve[{i}]") for i, (_, generator) in enumerate(groups)]
    return Reserve(counts, (*inner, as_generator(default, "reserve default")))


def each_thread(generator: GeneratorLike) -> Generator:
    """A copy of the generator for every worker thread in view. Ends when all copies have."""
    return Each(as_generator(generator, "each_thread"), False)


def each_process(generator: GeneratorLike) -> Generator:
    """As `each_thread`, but a process that replaces one ended by `info` starts a new copy."""
    return Each(as_generator(generator, "each_process"), True)
