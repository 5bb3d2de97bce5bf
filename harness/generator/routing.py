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
    Log,
    Pending,
    bit_of,
    mask_of,
    threads_in,
    whole,
)
from harness.generator.choice import first_able
from harness.generator.sources import EXHAUSTED, as_generator, same
from history import NEMESIS, Operation

_EACH = 0x6561636800000000  # a salt, as in choice.py


class OnThreads(msgspec.Struct, frozen=True):
    """What is inside, with these threads alone in view."""

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
        if not self.mask & bit_of(context.thread_of(event.process)):
            return self
        inner = self.inner.update(context.restrict(self.mask), event)
        return self if inner is self.inner else OnThreads(self.mask, inner)


class Groups(msgspec.Struct, frozen=True):
    """Each generator on its own threads, all at once."""

    masks: tuple[int, ...]
    inner: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, inner = first_able(
            context, self.inner, lambda at: context.restrict(self.masks[at]).branch(at)
        )
        return (None, EXHAUSTED) if answer is None else (answer, self._after(inner))

    def update(self, context: Context, event: Operation) -> Generator:
        bit = bit_of(context.thread_of(event.process))
        return self._after(
            [
                generator.update(context.restrict(mask), event) if mask & bit else generator
                for mask, generator in zip(self.masks, self.inner, strict=True)
            ]
        )

    def _after(self, inner: Sequence[Generator]) -> Generator:
        return self if same(inner, self.inner) else Groups(self.masks, tuple(inner))


class Reserve(msgspec.Struct, frozen=True):
    """Groups whose threads are dealt out when the view is first known."""

    counts: tuple[int, ...]
    inner: tuple[Generator, ...]
    """One for each count, and the last for all other threads."""

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
            masks.append(mask_of(workers[:count]))
            workers = workers[count:]
        return Groups((*masks, mask_of(workers)), self.inner)


class Copy(msgspec.Struct, frozen=True):
    """One thread's copy, made for that process. If it is not ready, it need not be asked before `wake_at`."""

    process: int
    generator: Generator
    wake_at: int = NEVER


class Each(msgspec.Struct, frozen=True):
    """A copy of `original` on every worker thread in view; if `renew`, a new one for a new process.

    Only copies that might answer otherwise than last time are asked, so that a hundred threads cost
    little more than one: those of `ready`, and from `wake_at` on those whose time has come.
    """

    original: Generator
    renew: bool
    copies: tuple[Copy | None, ...] = ()
    """By thread + 1; None for the original, not asked yet."""
    ready: int = -1
    """The threads whose copies must be asked: at first all."""
    ended: int = 0
    """The threads whose copies are exhausted."""
    wake_at: int = NEVER
    """No copy that is not ready need be asked before."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        copies = list(self.copies) or [None] * (len(context.processes) + 1)
        ready, ended, wake_at = self.ready, self.ended, self.wake_at
        if context.now >= wake_at:
            ready, wake_at = self._awoken(context.now)
        threads = threads_in(context.worker_mask & ready)
        first = context.draw.below(len(threads), _EACH) if len(threads) > 1 else 0
        for thread in threads[first:] + threads[:first]:
            bit = bit_of(thread)
            copy = copies[thread + 1]
            generator = self.original if copy is None else copy.generator
            answer, rest = generator.op(context.restrict(bit))
            copies[thread + 1] = Copy(context.process_of(thread), rest)
            if isinstance(answer, Operation | Log):
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
        bit = bit_of(thread)
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
        """Those ready once the sleepers whose time has come have joined, and when the next is due."""
        ready, wake_at = self.ready, NEVER
        for position, copy in enumerate(self.copies):
            if copy is not None and copy.wake_at <= now:
                ready |= bit_of(position - 1)
            elif copy is not None:
                wake_at = min(wake_at, copy.wake_at)
        return ready, wake_at

    @staticmethod
    def _may_renew(context: Context) -> bool:
        """While a worker is busy, its process may yet end in `info` and give way to a new one."""
        return context.free_mask & context.worker_mask != context.worker_mask


def on_threads(threads: Sequence[int], generator: GeneratorLike) -> Generator:
    """A generator on these threads alone; clients count from 0, the nemesis is `NEMESIS`."""
    for thread in threads:
        whole("on_threads", "a thread", thread, NEMESIS)
    return OnThreads(mask_of(threads), as_generator(generator, "on_threads"))


def clients(generator: GeneratorLike) -> Generator:
    """A generator on the client threads alone."""
    return OnThreads(~NEMESIS_BIT, as_generator(generator, "clients"))


def nemesis(generator: GeneratorLike) -> Generator:
    """A generator on the nemesis alone: the only way for an operation to get there."""
    return OnThreads(NEMESIS_BIT, as_generator(generator, "nemesis"))


def reserve(*groups: tuple[int, GeneratorLike], default: GeneratorLike = None) -> Generator:
    """The first so many workers in view to each group, all others to `default`.

    `reserve((5, writes), (2, compare_and_set), default=reads)`. What is exhausted leaves its threads idle.
    """
    counts = tuple([whole("reserve", "a number of threads", count, 1) for count, _ in groups])
    inner = [as_generator(generator, f"reserve[{i}]") for i, (_, generator) in enumerate(groups)]
    return Reserve(counts, (*inner, as_generator(default, "reserve default")))


def each_thread(generator: GeneratorLike) -> Generator:
    """A copy of the generator for every worker thread in view. Ends when all copies have."""
    return Each(as_generator(generator, "each_thread"), False)


def each_process(generator: GeneratorLike) -> Generator:
    """Like `each_thread`, but a process that takes the place of one ended by `info` begins a copy anew."""
    return Each(as_generator(generator, "each_process"), True)
