"""What a model is: an initial state, and for each call whether a state allows it and which state follows.

Most data types are *scalar*: every call requires one thing of the state (nothing, that it is x, that it is
not x) and does one thing to it (keep, put, add, append). Such a model gives each call as an `Effect`. Plain
Python and the compiled search both read effects, and need no table, however many values there are. Other data
types (sets, queues) give a `step` function; the search fills a table from it as it goes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple, Protocol, TypeGuard, runtime_checkable


class Special(Enum):
    """Values that no history contains."""

    MAYBE = "outcome not known"
    ANYTHING = "anything"
    IMPOSSIBLE = "no state follows"


MAYBE: Final = Special.MAYBE
"""The result of a call whose outcome is unknown: it may have happened, or not."""
ANYTHING: Final = Special.ANYTHING
IMPOSSIBLE: Final = Special.IMPOSSIBLE
"""What `step` returns if the state contradicts the reply."""


class IllegalCall(ValueError):
    """A call that the model does not know, or whose argument or result has the wrong shape."""


class Call(NamedTuple):
    """One operation as a model sees it; JSON lists are tuples here, so that equal calls are one kind."""

    f: str
    argument: Any
    result: Any
    """The reply, or `MAYBE`."""


class ScalarAction(Enum):
    """What a scalar call does to the state."""

    KEEP = 0
    PUT = 1
    ADD = 2
    APPEND = 3


class Effect(NamedTuple):
    """What a scalar call requires of the state, and does to it."""

    action: ScalarAction
    argument: Any = None
    expected: Hashable = ANYTHING
    """The state that it requires."""
    unless: Hashable = ANYTHING
    """The state that it excludes."""


class Model(Protocol):
    """A data type. States are hashable; `step` is a pure function."""

    @property
    def name(self) -> str:
        """The model's name on the command line."""
        ...

    @property
    def functions(self) -> frozenset[str]:
        """The names of its operations; a history with any other is refused."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """The operations that never change a state, whatever they reply; the search is quick with these."""
        ...

    @property
    def initial(self) -> Hashable:
        """The state before any operation."""
        ...

    def step(self, state: Any, call: Call) -> Hashable:
        """The state after the call, or `IMPOSSIBLE`. With `MAYBE`: the state after it did happen.

        Raises:
            IllegalCall: the argument or the result is not what this data type takes or gives.
        """
        ...


@runtime_checkable
class Scalar(Model, Protocol):
    """A data type whose calls are effects."""

    def effect(self, call: Call) -> Effect:
        """What a call requires of the state and does to it. It raises `IllegalCall` as `step` does."""
        ...


class Flow(NamedTuple):
    """What a call can bring into being, and what its reply shows to have been there before it.

    A search needs none of this. With it, `linearizability.never_written` finds the replies that name what
    nothing ever brought, before any search. Each thing is a value, or whatever else the model tells apart.
    """

    makes: tuple[Hashable, ...] = ()
    """What is there after the call, if it happened."""
    needs: tuple[Hashable, ...] = ()
    """What was there when the call happened, and stays."""
    takes: tuple[Hashable, ...] = ()
    """What was there when the call happened, and is gone after it unless it was there several times."""


@runtime_checkable
class Sourced(Model, Protocol):
    """A data type that is not scalar and gives the flow of each call."""

    @property
    def there(self) -> Iterable[Hashable]:
        """What is there at the beginning."""
        ...

    def flow(self, call: Call) -> Flow:
        """What a call brings and what it shows. It raises `IllegalCall` as `step` does."""
        ...


@runtime_checkable
class NumberModel(Scalar, Protocol):
    """A scalar data type whose state is a whole number below 2^62, and whose calls keep it or add to it."""

    @property
    def adds(self) -> frozenset[str]:
        """The operations that add to the number."""
        ...


@runtime_checkable
class TextModel(Scalar, Protocol):
    """A scalar data type whose state is a text, and whose calls keep, put or append a text.

    `texts` says the same as `effect`, by operation, so that thousands of calls are read at once: a call that
    keeps the text has it as its result; any other has its text as its argument.
    """

    @property
    def texts(self) -> Mapping[str, ScalarAction]:
        """By operation, what it does to the text."""
        ...


@cache
def _has(kind: type, protocol: type) -> bool:
    """Whether models of that kind have all that a protocol names, found from one of them."""
    return isinstance(_EXAMPLES[kind], protocol)


_EXAMPLES: dict[type, Model] = {}


def is_scalar(model: Model) -> TypeGuard[Scalar]:
    """Whether the calls of a data type are effects.

    To compare an object with a protocol takes longer than to search a small part, so each type is compared
    once.
    """
    return _has(_known(model), Scalar)


def is_number(model: Model) -> TypeGuard[NumberModel]:
    """Whether the states of a data type are numbers that calls keep or add to."""
    return _has(_known(model), NumberModel)


def is_text(model: Model) -> TypeGuard[TextModel]:
    """Whether the states of a data type are texts."""
    return _has(_known(model), TextModel)


def decided_by_reply(model: Model) -> frozenset[str]:
    """The operations that can change the state otherwise without a reply than with one that explains it.

    A model says so in `decided_by_reply`; most have none.
    """
    names: frozenset[str] = getattr(model, "decided_by_reply", frozenset())
    return names


def is_sourced(model: Model) -> TypeGuard[Sourced]:
    """Whether a data type gives the flow of each call."""
    return _has(_known(model), Sourced)


def _known(model: Model) -> type:
    return type(_EXAMPLES.setdefault(type(model), model))


class ScalarModel(ABC):
    """Derives `step` from `effect`."""

    @abstractmethod
    def effect(self, call: Call) -> Effect:
        """What a call requires of the state and does to it."""

    def step(self, state: Any, call: Call) -> Hashable:
        """The state after the call, or `IMPOSSIBLE`."""
        effect = self.effect(call)
        if effect.expected is not ANYTHING and state != effect.expected:
            return IMPOSSIBLE
        if effect.unless is not ANYTHING and state == effect.unless:
            return IMPOSSIBLE
        after: Hashable
        match effect.action:
            case ScalarAction.KEEP:
                after = state
            case ScalarAction.PUT:
                after = effect.argument
            case _:
                after = state + effect.argument
        return after


KEEP = Effect(ScalarAction.KEEP)


def pair(value: Any, call: Call, what: str) -> tuple[Any, Any]:
    """The two items of a list, as `cas` takes it."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise IllegalCall(f"{call.f} takes [{what}], not {value!r}")
    return value


def unknown(call: Call) -> IllegalCall:
    """The error for an `f` that the model lacks."""
    return IllegalCall(f"unknown f {call.f!r}")
