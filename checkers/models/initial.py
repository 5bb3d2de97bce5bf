"""The initial value of a data type: stated by an option, or searched for among those that would explain all.

A history does not say what its objects held before the first operation. A verdict rests on an assumption
about that, and where one other initial value would make the history valid, it is not known to be invalid.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from checkers.models.counter import Counter
from checkers.models.key_value import KeyValue
from checkers.models.model import ANYTHING, MAYBE, Call, Model, Scalar
from checkers.models.multi_register import MultiRegister
from checkers.models.mutex import Mutex
from checkers.models.queue import Queue
from checkers.models.register import ReadWriteRegister
from checkers.models.set import Set
from history.values import MARK, Typed, elements, frozen, in_words

OPTION = "initial"
MOST_TRIED = 64
"""How many other initial values are tried."""


def has_initial(model: Model) -> bool:
    """Whether the option `initial` says what this data type holds at first."""
    return type(model) in _STATED or isinstance(model, ReadWriteRegister)


def with_initial(model: Model, text: str) -> Model:
    """The model with an initial value, which is JSON or EDN: `0`, `"a"`, `:a`, `[1, 2]`, `{"x": 0}`.

    Raises:
        ValueError: the text is neither, or no initial value of this data type.
    """
    value = _read(text)
    stated = _STATED.get(type(model))
    if stated is None:
        return dataclasses.replace(model, initial=frozen(value))  # type: ignore[type-var]
    made = stated(value)
    if made is None:
        raise ValueError(f"{OPTION} of {model.name} cannot be {text!r}: {_FORMS[type(model)]}")
    return made


def initial_in_words(model: Model) -> str:
    """What the data type holds at first, as the option takes it."""
    match model:
        case MultiRegister():
            return in_words(dict(model.initial)) if model.initial else in_words(model.unwritten)
        case Queue() | Set():
            return "[" + " ".join(map(in_words, model.initial)) + "]"
        case _:
            return in_words(model.initial)


def _read(text: str) -> Any:
    from history.formats.edn import forms  # here, since the names of models are listed without arrays
    from history.formats.json_events import marked
    from history.history import HistoryError

    try:
        return marked(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        found = [value for _, value, _ in forms(text, OPTION)]
    except HistoryError as refusal:
        raise ValueError(f"{OPTION} cannot be {text!r}: {refusal.rule}") from None
    if len(found) != 1:
        raise ValueError(f"{OPTION} cannot be {text!r}: that is no single value in JSON or EDN")
    return found[0]


def _registers(value: Any) -> MultiRegister:
    if not isinstance(value, Mapping):
        return MultiRegister(unwritten=frozen(value))
    pairs: list[tuple[Hashable, Hashable]] = []
    for name, held in value.items():
        own = name.removeprefix(MARK)
        names: list[Hashable] = [name, Typed(f"{MARK}:{own}")]
        if own.startswith('"'):  # in EDN, a name that is a text
            names = [msgspec.json.decode(own)]
        elif own.removeprefix("-").isdecimal():
            names.append(int(own))
        pairs += ((one, frozen(held)) for one in names)
    return MultiRegister(initial=frozenset(pairs))


def _number(value: Any) -> Counter | None:
    return Counter(value) if type(value) is int and abs(value) < 1 << 40 else None


def _elements(value: Any) -> Set | None:
    items = elements(value)
    return None if items is None else Set(frozenset(map(frozen, items)))


_STATED: Mapping[type[Any], Callable[[Any], Model | None]] = {
    MultiRegister: _registers,
    Counter: _number,
    Mutex: lambda value: Mutex(value) if isinstance(value, bool) else None,
    KeyValue: lambda value: KeyValue(value) if isinstance(value, str) else None,
    Set: _elements,
    Queue: lambda value: Queue(frozen(value)) if isinstance(value, list) else None,
}
"""By data type, what makes a model of a value; a register takes any value."""
_FORMS: Mapping[type[Any], str] = {
    Counter: "it is a whole number below 2^40",
    Mutex: "it is true if the lock is held at first, else false",
    KeyValue: "it is a text",
    Set: "it is a list of elements",
    Queue: "it is a list of elements, the oldest first",
}


def other_initials(model: Model, calls: Iterable[Call]) -> Iterator[tuple[str, Model]]:
    """The initial values, as the option takes them, from which these calls may have an order; and the models.

    A register is explained by another value only if it is one that a reply names, or none that it names.
    Containers begin empty: nothing that they gave out without having taken it in is explained.

    Args:
        model: the model as it is assumed.
        calls: operations that no order explains with that model.
    """
    calls = list(calls)
    found: dict[str, Model] = {}
    match model:
        case ReadWriteRegister():
            for state in [*_required(model, calls), *_excluding(model, calls)]:
                found.setdefault(in_words(state), dataclasses.replace(model, initial=state))
        case KeyValue():
            for text in _beginnings(model, calls):
                found.setdefault(in_words(text), KeyValue(text))
        case Counter():
            for number in _numbers(model, calls):
                found.setdefault(str(number), Counter(number))
        case Mutex():
            found[in_words(not model.initial)] = Mutex(not model.initial)
        case MultiRegister():
            for read in (value for values in _read_values(calls).values() for value in values):
                found.setdefault(in_words(read), MultiRegister(unwritten=read))
            for held in _each_otherwise(_read_values(calls)):
                shown = ", ".join(f"{in_words(register)} {in_words(value)}" for register, value in held)
                found.setdefault(f"'{{{shown}}}'", MultiRegister(initial=frozenset(held)))
    for name, other in list(found.items())[:MOST_TRIED]:
        if other != model:
            yield name, other


def _required(model: Scalar, calls: Iterable[Call]) -> Iterator[Hashable]:
    for call in calls:
        effect = model.effect(call)
        if effect.expected is not ANYTHING:
            yield effect.expected


def _excluding(model: Scalar, calls: Iterable[Call]) -> Iterator[Hashable]:
    """A value that no operation names, if one must differ from some value."""
    if any(model.effect(call).unless is not ANYTHING for call in calls):
        yield Typed(f"{MARK}:another-value")


def _beginnings(model: KeyValue, calls: list[Call]) -> Iterator[str]:
    """Every text that was read, and what is left of it without texts that were appended at its end."""
    appended = {call.argument for call in calls if call.f == "append"}
    texts = [text for text in _required(model, calls) if isinstance(text, str)]
    seen: set[str] = set()
    while texts and len(seen) < MOST_TRIED:
        text = texts.pop(0)
        if text not in seen:
            seen.add(text)
            yield text
            texts += (text.removesuffix(end) for end in appended if end and text.endswith(end))


def _numbers(model: Counter, calls: list[Call]) -> Iterator[int]:
    """The number that each read leaves if some of the additions had happened before it."""
    sums = {0}
    for call in calls:
        if call.f == "add" and len(sums) < MOST_TRIED:
            sums |= {total + call.argument for total in sums}
    for read in _required(model, calls):
        if isinstance(read, int):
            yield from (read - total for total in sorted(sums, key=abs))


def _read_values(calls: Iterable[Call]) -> dict[Hashable, dict[Hashable, None]]:
    """By register the different values that were read of it."""
    read: dict[Hashable, dict[Hashable, None]] = {}
    for call in calls:
        for f, register, value in () if call.result is MAYBE else call.result:
            if f in ("r", "read"):
                read.setdefault(register, {})[value] = None
    return read


def _each_otherwise(read: Mapping[Hashable, Iterable[Hashable]]) -> Iterator[list[tuple[Hashable, Hashable]]]:
    """What registers may hold at first, each something that was read of it; at most `MOST_TRIED` ways."""
    ways = itertools.product(*([(register, value) for value in values] for register, values in read.items()))
    for way in itertools.islice(ways, MOST_TRIED):
        yield [(register, value) for register, value in way if value is not None]
