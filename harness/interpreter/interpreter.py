"""The interpreter: the pure step between a generator and the clients that carry out its operations.

`step(now, completions)` takes the operations that have ended, asks the generator what comes next, and returns
values: what to record, what to begin, when to be called again. It reads no clock and carries out nothing; two
drivers (harness/drivers) call it in real and in virtual time. The result depends only on the arguments of the
constructor and of the calls.

**Completions come before new work.** Everything that ended by `now` is recorded before everything that
begins at `now`. Otherwise an operation would look concurrent with one that had ended before it began, and a
checker would allow orders that real time rules out: a violation could pass as valid. The history may show an
operation longer than it was (its beginning is recorded before it begins, its end after it ended), but never
shorter. That can hide a violation, but cannot invent one.

**Threads and processes.** There are `threads` client threads and the nemesis. A thread runs a process, at
first the one of its own number. A client's operation that ended in `info` may still take effect at any later
time, so its process is over: the thread goes on as process + threads. The nemesis stays NEMESIS. A thread
has at most one pending operation.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.generator import Context, GeneratorError, GeneratorLike, LogLine, as_generator
from harness.generator.base import NEVER, Answer, Generator, Pending, thread_bit
from harness.generator.draw import initial
from harness.generator.sources import EXHAUSTED, describe
from history import NEMESIS, Operation

INTERRUPTED = "interrupted"
"""The error of operations that were in flight when a run was interrupted."""

_LOGS_A_STEP = 10_000


class InterpreterError(Exception):
    """The driver broke the contract of the interpreter; the call had no effect."""


class Step(msgspec.Struct, frozen=True):
    """What a driver must do now, in the order of the fields."""

    record: tuple[Operation, ...]
    """Operations to append to the history: first completions, then invocations, with index and time."""
    logs: tuple[str, ...]
    """Lines for the run's log."""
    dispatch: tuple[Operation, ...]
    """The invocations in `record`, to be carried out after they were recorded."""
    wake_at: int | None
    """When to call again if no completion comes before; None to wait for a completion."""
    done: bool
    """Whether the generator has ended and no operation is in flight."""
    error: GeneratorError | None = None
    """Why the generator failed; it was dropped. Operations in flight may still be completed or interrupted,
    and `switch` gives the interpreter another generator."""


def check_completion(invocation: Operation, completion: Operation) -> None:
    """Refuse an operation that cannot be the completion of `invocation`.

    Raises:
        InterpreterError: it does not repeat process, f and key, or is not `ok`, `fail` or `info`
            (of the nemesis: `info`).
    """
    if not isinstance(completion, Operation):
        raise InterpreterError(f"{completion!r} was given as the completion of {invocation}")
    if (completion.process, completion.f, completion.key) != (
        invocation.process,
        invocation.f,
        invocation.key,
    ):
        raise InterpreterError(
            f"the completion {completion} does not repeat process, f and key of its invocation {invocation}"
        )
    allowed = ("ok", "fail", "info") if invocation.is_client else ("info",)
    if completion.type not in allowed:
        raise InterpreterError(f"the type of the completion {completion} must be {' or '.join(allowed)}")


class Interpreter:
    """Steps one generator through one run.

    Raises:
        ValueError: `threads` is below 1 or there are no nodes.
        GeneratorError: `generator` is no generator.
    """

    def __init__(self, generator: GeneratorLike, *, threads: int, nodes: Sequence[str], seed: int) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}: a run needs at least one client thread")
        if not nodes:
            raise ValueError("nodes is empty: clients need at least one node to speak to")
        self._generator = as_generator(generator, "of the run")
        self._nodes = tuple(nodes)
        self._seed = seed
        self._context = Context.start(threads, seed)
        self._next_index = 0
        self._pending: dict[int, Operation] = {}

    @property
    def pending(self) -> tuple[Operation, ...]:
        """The invocations in flight, in order of index."""
        return tuple(self._pending.values())

    @property
    def generator(self) -> Generator:
        """What the generator has become: it makes the rest of the run."""
        return self._generator

    def switch(self, generator: GeneratorLike) -> None:
        """Replace the rest of the generator. Processes, indices and operations in flight stay."""
        self._generator = as_generator(generator, "of the run")

    def step(self, now: int, completions: Sequence[Operation] = ()) -> Step:
        """Take the completions, then make all operations that can begin at `now`.

        Args:
            now: nanoseconds since the run began; never less than before.
            completions: `ok`, `fail` or `info` (the nemesis: `info`) for operations in flight, in the
                order in which they ended. Index and time are set here, and the node where it is missing.

        Raises:
            InterpreterError: time went backwards, or a completion matches no operation in flight. The call
                then had no effect.
        """
        self._check(now, completions)
        self._advance(now)
        record: list[Operation] = []
        logs: list[str] = []
        error: GeneratorError | None = None
        for completion in completions:
            record.append(self._complete(completion))
            try:
                self._update(record[-1])
            except GeneratorError as problem:
                error = self._dropped(problem)
        first_invocation = len(record)
        wake_at = NEVER
        try:
            wake_at = self._invoke(record, logs)
        except GeneratorError as problem:
            error = self._dropped(problem)
        return Step(
            record=tuple(record),
            logs=tuple(logs),
            dispatch=tuple(record[first_invocation:]),
            wake_at=None if wake_at == NEVER else wake_at,
            done=self._generator is EXHAUSTED and not self._pending,
            error=error,
        )

    def interrupt(self, now: int, completions: Sequence[Operation] = (), reason: str = INTERRUPTED) -> Step:
        """Drop the generator and end all operations in flight as `info`, so that the history is complete.

        `completions` are those that had arrived by then; they are taken as they are. `switch` may then give
        another generator, for example the final heal.

        Raises:
            InterpreterError: as for `step`.
        """
        arrived = {completion.process for completion in completions}
        cut = [
            msgspec.structs.replace(invocation, type="info", value=None, error=reason)
            for process, invocation in self._pending.items()
            if process not in arrived
        ]
        self._check(now, completions)
        self._generator = EXHAUSTED
        return self.step(now, [*completions, *cut])

    # ---- completions ------------------------------------------------------------------------------------

    def _check(self, now: int, completions: Sequence[Operation]) -> None:
        if now < self._context.now:
            raise InterpreterError(
                f"time went backwards, from {self._context.now} ns to {now} ns; give a monotonic clock"
            )
        seen: set[int] = set()
        for completion in completions:
            invocation = self._pending.get(completion.process)
            if invocation is None or completion.process in seen:
                raise InterpreterError(f"nothing is in flight that this completes: {completion}")
            check_completion(invocation, completion)
            seen.add(completion.process)

    def _complete(self, completion: Operation) -> Operation:
        process = completion.process
        invocation = self._pending.pop(process)
        context = self._context
        thread = context.thread_of(process)
        processes = context.processes
        if completion.type == "info" and process != NEMESIS:
            successor = process + len(processes)
            processes = (*processes[:thread], successor, *processes[thread + 1 :])
        self._context = Context(
            context.now,
            context.step,
            context.entropy,
            context.thread_mask,
            context.free_mask | thread_bit(thread),
            processes,
        )
        index = self._next_index
        self._next_index += 1
        return Operation(
            index,
            context.now,
            process,
            completion.type,
            completion.f,
            completion.key,
            completion.value,
            completion.error,
            completion.node if completion.node is not None else invocation.node,
            completion.raft_index,
        )

    # ---- invocations ------------------------------------------------------------------------------------

    def _invoke(self, record: list[Operation], logs: list[str]) -> int:
        """Ask until nothing more can begin now; return the time to ask again, or NEVER."""
        while True:
            answer = self._ask()
            match answer:
                case None:
                    self._generator = EXHAUSTED
                    return NEVER
                case Pending(wake_at=wake_at):
                    if wake_at <= self._context.now:
                        raise self._failure(
                            f"wants to be asked again at {wake_at} ns, which is not after now"
                        )
                    if wake_at == NEVER and not self._pending:
                        raise self._failure(
                            "waits for an event, but nothing is in flight that could bring one; "
                            "it would wait for ever"
                        )
                    return wake_at
                case LogLine(text=text):
                    if len(logs) == _LOGS_A_STEP:
                        raise self._failure(
                            f"made {_LOGS_A_STEP} log lines at one instant; is a log repeated?"
                        )
                    logs.append(text)
                    self._count()
                case _:
                    record.append(self._begin(answer))
                    self._update(record[-1])

    def _begin(self, made: Operation) -> Operation:
        context = self._context
        process = made.process
        thread = context.thread_of(process)
        bit = thread_bit(thread)
        if made.type != "invoke":
            raise self._failure(f"made an operation of type {made.type!r}, not `invoke`: {made}")
        if not context.free_mask & bit or context.process_of(thread) != process:
            raise self._failure(f"made an operation for process {process}, which is not free: {made}")
        if not made.f or not isinstance(made.f, str):
            raise self._failure(f"made an operation whose f is {made.f!r}: {made}")
        node = made.node
        if process != NEMESIS:
            if node is None:
                node = self._nodes[thread % len(self._nodes)]
            elif node not in self._nodes:
                raise self._failure(f"names node {node!r}, which is none of {', '.join(self._nodes)}: {made}")
        index = self._next_index
        self._next_index += 1
        invocation = Operation(
            index, context.now, process, "invoke", made.f, made.key, made.value, None, node
        )
        self._pending[process] = invocation
        self._count(context.free_mask ^ bit)
        return invocation

    # ---- the generator and its context ------------------------------------------------------------------

    def _advance(self, now: int) -> None:
        context = self._context
        if now != context.now:
            self._context = Context(
                now,
                context.step,
                context.entropy,
                context.thread_mask,
                context.free_mask,
                context.processes,
            )

    def _count(self, free_mask: int | None = None) -> None:
        """Count an invocation or log line; the next draws differ from the last ones."""
        context = self._context
        step = context.step + 1
        self._context = Context(
            context.now,
            step,
            initial(self._seed, step),
            context.thread_mask,
            context.free_mask if free_mask is None else free_mask,
            context.processes,
        )

    def _ask(self) -> Answer:
        generator = self._generator
        try:
            answer, self._generator = generator.op(self._context)
        except GeneratorError as error:
            raise error.within(self._context) from error.__cause__
        except Exception as error:
            # A generator is the user's code: an error in it must not end the run before everything is healed.
            raise self._raised(generator, error) from error
        if answer is not None and not isinstance(answer, Operation | LogLine | Pending):
            raise self._failure(f"answered {describe(answer)}, not an Operation, LogLine, Pending or None")
        return answer

    def _update(self, event: Operation) -> None:
        generator = self._generator
        try:
            self._generator = generator.update(self._context, event)
        except GeneratorError as error:
            raise error.within(self._context) from error.__cause__
        except Exception as error:
            # As in `_ask`.
            raise self._raised(generator, error) from error

    def _raised(self, generator: Generator, error: Exception) -> GeneratorError:
        return GeneratorError(describe(generator), f"raised {type(error).__name__}: {error}", self._context)

    def _failure(self, problem: str) -> GeneratorError:
        return GeneratorError(describe(self._generator), problem, self._context)

    def _dropped(self, error: GeneratorError) -> GeneratorError:
        self._generator = EXHAUSTED
        return error
