"""Operations changed, or left out, on their way out of a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from harness.generator.base import Answer, Context, Generator, GeneratorError, GeneratorLike
from harness.generator.sources import EXHAUSTED, as_generator, describe
from history import Operation

_FILTER_TRIES = 10_000


class Map(msgspec.Struct, frozen=True):
    """The inner generator's operations, changed by a function."""

    function: Callable[[Operation], Operation]
    inner: Generator

    def op(self, context: Context) -> tuple[Answer, Generator]:
        answer, inner = self.inner.op(context)
        if answer is None:
            return None, EXHAUSTED
        if isinstance(answer, Operation):
            answer = self._changed(context, answer)
        return answer, self if inner is self.inner else Map(self.function, inner)

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Map(self.function, inner)

    def _changed(self, context: Context, operation: Operation) -> Operation:
        name = f"map by {describe(self.function)}"
        try:
            changed = self.function(operation)
        except Exception as error:
            # Any exception of a user's function is reported the same way, with its name and context.
            raise GeneratorError(name, f"raised {type(error).__name__}: {error}", context) from error
        if not isinstance(changed, Operation):
            raise GeneratorError(name, f"returned {describe(changed)}, not an Operation", context)
        return changed


class Filter(msgspec.Struct, frozen=True):
    """The inner generator's operations that a predicate keeps; the others are never made."""

    keep: Callable[[Operation], bool]
    inner: Generator

    def op(self, context: Context) -> tuple[Answer, Generator]:
        inner = self.inner
        for attempt in range(_FILTER_TRIES):
            # Each attempt needs other draws: with the same context it would make the same again.
            answer, inner = inner.op(context if attempt == 0 else context.branch(attempt))
            if answer is None:
                return None, EXHAUSTED
            if not isinstance(answer, Operation) or self._keeps(context, answer):
                return answer, self if inner is self.inner else Filter(self.keep, inner)
        raise GeneratorError(
            f"filter by {describe(self.keep)}",
            f"kept none of {_FILTER_TRIES} operations in a row; let the inner generator make "
            "some that it keeps",
            context,
        )

    def update(self, context: Context, event: Operation) -> Generator:
        inner = self.inner.update(context, event)
        return self if inner is self.inner else Filter(self.keep, inner)

    def _keeps(self, context: Context, operation: Operation) -> bool:
        try:
            return self.keep(operation)
        except Exception as error:
            # Any exception of a user's function is reported the same way, with its name and context.
            raise GeneratorError(
                f"filter by {describe(self.keep)}", f"raised {type(error).__name__}: {error}", context
            ) from error


def map(function: Callable[[Operation], Operation], generator: GeneratorLike) -> Generator:
    """A generator whose invocations a pure function changes (f, key, value or node; never the process)."""
    return Map(function, as_generator(generator, "map"))


def f_map(names: Mapping[str, str], generator: GeneratorLike) -> Generator:
    """A generator whose operations get other names: `f_map({"start": "partition"}, schedule)`.

    So one schedule serves several faults. What is not in `names` keeps its name.
    """
    table = dict(names)

    def renamed(operation: Operation) -> Operation:
        name = table.get(operation.f)
        return operation if name is None else msgspec.structs.replace(operation, f=name)

    return Map(renamed, as_generator(generator, "f_map"))


def filter(keep: Callable[[Operation], bool], generator: GeneratorLike) -> Generator:
    """The operations of a generator that a pure predicate keeps.

    The inner generator counts an operation that is left out as made: put `limit` and `until_ok` outside.
    """
    return Filter(keep, as_generator(generator, "filter"))
