"""What a generator is: an immutable value that says which operation comes next.

Two pure functions make a generator:

- `op(context)` answers what to do *now*, and gives the generator that remains after it;
- `update(context, event)` gives the generator after an invocation or a completion.

Because both are pure, a generator can be asked twice, stored, compared, and tried without a cluster. The
answer is one of

- an `Operation` of type `invoke`: do this now, on this free process;
- a `LogLine`: write this line into the run's log (it needs no process);
- `Pending`: nothing now; ask again at `wake_at`, or as soon as anything in view has happened;
- `None`: the generator has ended.

The generator that comes with the answer replaces the one that was asked, also after `Pending`. So a time that
starts with the first question goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import msgspec

from harness.generator.draw import Draw, initial, salted, split
from history import NEMESIS, Operation
from history.units import SECOND_NS

NEVER = 1 << 63
"""Later than any time: some 292 years in nanoseconds."""


class Pending(msgspec.Struct, frozen=True):
    """There is nothing to do now. Ask again at `wake_at` (nanoseconds), or after the next event in view."""

    wake_at: int = NEVER


PENDING = Pending()
"""There is nothing to do before the next event."""


class LogLine(msgspec.Struct, frozen=True):
    """A line for the run's log. It is no operation: it enters no history and occupies no thread."""

    text: str


Answer = Operation | LogLine | Pending | None


class GeneratorError(Exception):
    """A generator broke its contract, or raised an error when it was asked with `context`."""

    def __init__(self, generator: str, problem: str, context: Context | None = None) -> None:
        where = "" if context is None else f" at {context.describe()}"
        super().__init__(f"generator {generator}{where}: {problem}")
        self.generator = generator
        self.problem = problem
        self.context = context

    def within(self, context: Context) -> GeneratorError:
        """The same error with the context in which it arose, unless it has one already."""
        return self if self.context is not None else GeneratorError(self.generator, self.problem, context)


def require_whole(name: str, what: str, number: int, least: int) -> int:
    """The number, if it is an int of at least `least`; otherwise a GeneratorError."""
    if type(number) is not int or number < least:
        raise GeneratorError(name, f"{what} is {number!r}, not an int of at least {least}")
    return number


# ---- sets of threads ----------------------------------------------------------------------------------
# A set of threads is an integer: bit 0 is the nemesis, bit t+1 client thread t. Restricting a view to
# some threads is then one `&`, however many there are, and the order of iteration is fixed.

NEMESIS_BIT = 1


def thread_bit(thread: int) -> int:
    """The set that holds one thread."""
    return 1 << (thread + 1)


def mask_of_threads(threads: Iterable[int]) -> int:
    """The set that holds these threads."""
    mask = 0
    for thread in threads:
        mask |= thread_bit(thread)
    return mask


FEW_BITS = 4


@lru_cache(maxsize=256)
def threads_in(mask: int) -> tuple[int, ...]:
    """The threads of a set in ascending order, the nemesis (-1) first."""
    threads = []
    while mask:
        lowest = mask & -mask
        threads.append(lowest.bit_length() - 2)
        mask ^= lowest
    return tuple(threads)


def nth_bit(mask: int, place: int) -> int:
    """The number of the bit that is set in `mask` and has `place` lower ones, which must be there.

    It halves the mask while that is faster than to clear one bit after the other.
    """
    below = 0
    while place > FEW_BITS:
        half = mask.bit_length() >> 1
        lower = mask & ((1 << half) - 1)
        count = lower.bit_count()
        if place < count:
            mask = lower
        else:
            mask, place, below = mask >> half, place - count, below + half
    for _ in range(place):
        mask &= mask - 1
    return below + (mask & -mask).bit_length() - 1


class Context(msgspec.Struct, frozen=True):
    """What a generator may know when it is asked. A combinator may pass on a view of fewer threads."""

    now: int
    """Nanoseconds since the run began."""
    step: int
    """How many invocations and log lines the run has made so far. It grows by one with each, so values made
    from it are unique within the run."""
    entropy: int
    """The state of `draw`."""
    thread_mask: int
    """The threads in view."""
    free_mask: int
    """The threads in view that have no pending operation."""
    processes: tuple[int, ...]
    """The process of each client thread, in or out of view."""

    @classmethod
    def start(cls, threads: int, seed: int) -> Context:
        """The context at the beginning of a run: all threads free, thread t is process t."""
        every = (1 << (threads + 1)) - 1
        return cls(0, 0, initial(seed, 0), every, every, tuple(range(threads)))

    @property
    def draw(self) -> Draw:
        """Random choices. The same context and the same salt always give the same choice."""
        return Draw(self.entropy)

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads in view, ascending, the nemesis first."""
        return threads_in(self.thread_mask)

    @property
    def free(self) -> tuple[int, ...]:
        """The free threads in view, ascending, the nemesis first."""
        return threads_in(self.free_mask)

    @property
    def worker_mask(self) -> int:
        """The threads that operations go to: the clients in view, or the nemesis if it is alone in view.

        So an operation reaches the nemesis only within `nemesis(...)`, never by an oversight.
        """
        return self.thread_mask & ~NEMESIS_BIT or self.thread_mask

    @property
    def all_free(self) -> bool:
        """Whether no thread in view has a pending operation."""
        return self.free_mask == self.thread_mask

    def process_of(self, thread: int) -> int:
        """The process that a thread runs now."""
        return NEMESIS if thread == NEMESIS else self.processes[thread]

    def thread_of(self, process: int) -> int:
        """The thread that runs or ran a process."""
        return NEMESIS if process == NEMESIS else process % len(self.processes)

    def sees(self, process: int) -> bool:
        """Whether the thread of a process is in view."""
        return bool(self.thread_mask & thread_bit(self.thread_of(process)))

    def free_process(self) -> int | None:
        """A drawn free process among the workers in view; None if all are busy."""
        mask = self.free_mask & (self.thread_mask & ~NEMESIS_BIT or self.thread_mask)
        if not mask:
            return None
        place = (salted(self.entropy, _THREAD_SALT) * mask.bit_count()) >> 64
        return self.process_of(nth_bit(mask, place) - 1)

    def restrict(self, mask: int) -> Context:
        """A view of these threads alone."""
        return Context(
            self.now, self.step, self.entropy, self.thread_mask & mask, self.free_mask & mask, self.processes
        )

    def branch(self, number: int) -> Context:
        """The same view with other draws, for a generator inside a combinator that draws, too."""
        return Context(
            self.now,
            self.step,
            split(self.entropy, number),
            self.thread_mask,
            self.free_mask,
            self.processes,
        )

    def describe(self) -> str:
        """The time and the free threads, for error messages."""
        free = ", ".join("nemesis" if thread == NEMESIS else str(thread) for thread in self.free)
        return f"{self.now / SECOND_NS:.6f} s, step {self.step}, free threads [{free}]"


_THREAD_SALT = 0x7468726561640000
"""An arbitrary number that no combinator or user is likely to draw with."""


@runtime_checkable
class Generator(Protocol):
    """An immutable value that says what to do next. Both functions are pure."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        """What to do now, and the generator that remains."""
        ...

    def update(self, context: Context, event: Operation) -> Generator:
        """The generator after an event: an invocation that was recorded, or a completion.

        `context` is what holds after the event. An event may concern operations of other generators.
        """
        ...


GeneratorLike = Generator | Mapping[str, Any] | Sequence[Any] | Callable[[Context], Any] | None
"""A generator, or a plain value that stands for one: see `as_generator`."""
