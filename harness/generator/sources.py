"""Where operations come from: plain values as generators.

- A mapping is *one* operation: `{"f": "lookup", "key": "a"}`. It needs `f`; `key`, `value`, `node` and
  an earliest `time` (ns) are optional. Time, process and type are filled in.
- A sequence is its items, one after the other.
- A function is called with the context when an operation is due. It returns a mapping or another generator,
  which is used until it ends; then the function is called again. If it returns None, the generator has ended.
  The function must be pure: random choices come from `context.draw`, unique values from `context.step`.
- None is a generator that has ended.

A value of a wrong type is refused here, with the name of the generator that was given it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import is_
from typing import Any

import msgspec

from harness.generator.base import (
    PENDING,
    Answer,
    Context,
    Generator,
    GeneratorError,
    GeneratorLike,
    LogLine,
    Pending,
)
from history import Operation

_FIELDS = ("f", "key", "value", "node", "time")


class Exhausted(msgspec.Struct, frozen=True):
    """A generator that has ended."""

    def op(self, context: Context) -> tuple[Answer, Generator]:  # noqa: ARG002 - the protocol's
        return None, self

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self


EXHAUSTED = Exhausted()


class Template(msgspec.Struct, frozen=True):
    """A generator of a single operation."""

    f: str
    key: str | None = None
    value: Any = None
    node: str | None = None
    time: int = 0

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if context.now < self.time:
            return Pending(self.time), self
        process = context.free_process()
        if process is None:
            return PENDING, self
        return Operation(
            -1, context.now, process, "invoke", self.f, self.key, self.value, None, self.node
        ), EXHAUSTED

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self


class Function(msgspec.Struct, frozen=True):
    """Calls a pure function for a generator, uses it until it ends, and calls the function again."""

    function: Callable[[Context], Any]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        if not context.free_mask & context.worker_mask:
            return PENDING, self
        made = self._call(context)
        if made is None:
            return None, EXHAUSTED
        answer, rest = made.op(context)
        if answer is None:
            raise GeneratorError(
                self.name,
                "returned a generator that is exhausted from the start; to end, return None",
                context,
            )
        return answer, self if rest is EXHAUSTED else Sequential(rest, 0, (rest, self))

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self

    @property
    def name(self) -> str:
        """The name of the function, for error messages."""
        return describe(self.function)

    def _call(self, context: Context) -> Generator | None:
        try:
            made = self.function(context)
            if made is None:
                return None
            if type(made) is dict:  # the usual case, without the other tests
                return template(made, self.function)
            return as_generator(made, self.name)
        except GeneratorError as error:
            raise error.within(context) from error.__cause__
        except Exception as error:
            # Any exception of a user's function is reported the same way, with its name and context.
            raise GeneratorError(self.name, f"raised {type(error).__name__}: {error}", context) from error


class Sequential(msgspec.Struct, frozen=True):
    """`head`, then the items after position `at`, one after the other. Events go to the head alone."""

    head: Generator
    at: int
    items: tuple[Generator, ...]

    def op(self, context: Context) -> tuple[Answer, Generator]:
        head = self.head
        for position in range(self.at, len(self.items)):
            if position > self.at:
                head = self.items[position]
            answer, rest = head.op(context)
            if answer is not None:
                return answer, self._remaining(position, rest)
        return None, EXHAUSTED

    def update(self, context: Context, event: Operation) -> Generator:
        head = self.head.update(context, event)
        return self if head is self.head else self._remaining(self.at, head)

    def _remaining(self, position: int, head: Generator) -> Generator:
        if position + 1 == len(self.items):
            return head
        return Sequential(head, position, self.items)


class LogOnce(msgspec.Struct, frozen=True):
    """A generator of a single line for the run's log."""

    text: str

    def op(self, context: Context) -> tuple[Answer, Generator]:  # noqa: ARG002 - the protocol's
        return LogLine(self.text), EXHAUSTED

    def update(self, context: Context, event: Operation) -> Generator:  # noqa: ARG002 - the protocol's
        return self


def log(text: str) -> Generator:
    """Write one line into the run's log, at once, also while all threads are busy."""
    if not isinstance(text, str):
        raise GeneratorError("log", f"the text is {text!r}, not a str")
    return LogOnce(text)


def same(left: Sequence[Generator], right: Sequence[Generator]) -> bool:
    """Whether these are the same objects, so that the generator around them can stay as it is."""
    return len(left) == len(right) and all(map(is_, left, right))


def describe(value: Any) -> str:
    """A short name for a generator or function, for error messages."""
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(value, '__module__', '?')}.{name}"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def template(mapping: Mapping[str, Any], source: str | Callable[[Context], Any]) -> Template:
    """The generator of one operation, after a check. `source` names the operation's origin in errors, or is
    the function that made it.

    Raises:
        GeneratorError: a field is missing, unknown or of the wrong type; it says which and what to do.
    """
    f = mapping.get("f")
    key = mapping.get("key")
    value = mapping.get("value")
    node = mapping.get("node")
    time = mapping.get("time", 0)

    def wrong(problem: str) -> GeneratorError:
        name = source if isinstance(source, str) else describe(source)
        return GeneratorError(name, f"{problem}, in the operation {describe(dict(mapping))}")

    if not isinstance(f, str) or not f:
        raise wrong(
            "an operation needs `f`, a non-empty str that says what is done"
            if f is None
            else f"`f` is {f!r}, not a non-empty str"
        )
    for name, text in (("key", key), ("node", node)):
        if text is not None and not isinstance(text, str):
            raise wrong(f"`{name}` is {text!r}, not a str")
    if type(time) is not int or time < 0:
        raise wrong(f"`time` is {time!r}, not a count of nanoseconds since the run began")
    for name in mapping:
        if name not in _FIELDS:
            raise wrong(f"`{name}` is not a field of an operation to be made ({', '.join(_FIELDS)})")
    if value is not None and type(value) not in (str, int, bool):
        try:
            msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise wrong(f"`value` cannot be written as JSON: {error}") from error
    return Template(f, key, value, node, time)


def as_generator(value: GeneratorLike, source: str) -> Generator:
    """The generator that a plain value stands for. `source` names its receiver in errors.

    Raises:
        GeneratorError: it stands for none; the message says why.
    """
    if isinstance(value, msgspec.Struct) and isinstance(value, Generator):
        return value
    if isinstance(value, Mapping):
        return template(value, source)
    if value is None:
        return EXHAUSTED
    if isinstance(value, AbstractSet):
        raise GeneratorError(source, f"{describe(value)} has no fixed order; {_EXPECTED}")
    if isinstance(value, Iterator):
        raise GeneratorError(source, f"{describe(value)} changes as it is read; {_EXPECTED}")
    if isinstance(value, type | str | bytes | bytearray):
        raise GeneratorError(source, f"{describe(value)} is no generator; {_EXPECTED}")
    if isinstance(value, Sequence):
        return sequence(value, source)
    if isinstance(value, Generator):
        return value
    if callable(value):
        return Function(value)
    raise GeneratorError(source, f"{describe(value)} is no generator; {_EXPECTED}")


_EXPECTED = (
    "give a mapping (one operation), a list or tuple (one after the other), a function of the context, "
    "or a value with `op` and `update`"
)


def sequence(items: Sequence[GeneratorLike], source: str) -> Generator:
    """The items one after the other, without waiting for operations that are still in flight."""
    made = tuple(as_generator(item, f"{source}[{position}]") for position, item in enumerate(items))
    match len(made):
        case 0:
            return EXHAUSTED
        case 1:
            return made[0]
        case _:
            return Sequential(made[0], 0, made)
