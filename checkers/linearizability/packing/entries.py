"""What each call of a history tests and puts, component by component, without an object for each call.

A *component* is a register or an element of a set. A *thing* is a component with a value that it may hold;
each component has one thing that it holds at first.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

from checkers.linearizability.kernels.states.steps import Steps, StepSlots, read_steps
from checkers.linearizability.part import UNTOLD, HistoryCalls, Integers
from checkers.models.model import Model
from checkers.models.multi_register import MultiRegister
from checkers.models.set import Set
from history.kernels import Form, fitting
from history.values import SET, frozen

TEST, PUT, OWN = range(3)
"""What an entry does: it tests a component, puts a value, or tests what the same call put before it."""
Mask = npt.NDArray[np.bool_]
WITHOUT_LISTS = str.maketrans("", "", "[],")
MOST_SHOWN = 30
"""With more elements in the replies of reads, for each call, than this, a history is not packed."""


@dataclass(frozen=True)
class Entries:
    """What calls test and put: the entries of call c are those from starts[c] up to starts[c + 1]."""

    starts: Integers
    what: Integers
    component: Integers
    thing: Integers
    at_first: Mask
    """By entry, whether a component holds that at first."""
    whole: Mask
    """By call, whether it tests every component: those that it does not name hold what they held at first."""
    texts: tuple[str, ...]
    """By component its name as JSON."""
    held: tuple[str, ...]
    """By thing its value as JSON; empty if the data type has no values but "there" and "not there"."""
    component_of: Integers
    """By thing its component."""

    @property
    def things(self) -> int:
        """How many things there are."""
        return len(self.component_of)

    def name(self, thing: int) -> Hashable:
        """A thing as the data type's `flow` names it."""
        component = _value(self.texts[self.component_of[thing]])
        return (component, _value(self.held[thing])) if self.held else component


def _value(text: str) -> Hashable:
    value: Hashable = frozen(msgspec.json.decode(text))
    return value


def entries_of(calls: HistoryCalls, model: Model) -> Entries | None:
    """The entries of calls; None for another data type, or if some call needs a closer look."""
    if isinstance(model, MultiRegister) and not model.initial and model.unwritten is None:
        return _of_registers(calls)
    if isinstance(model, Set) and not model.initial:
        return _of_sets(calls)
    return None


def simple(text: str) -> bool:
    """Whether JSON writes this value in one way only: a whole number, or a text without a backslash."""
    return text.removeprefix("-").isdecimal() or (
        text[0] == '"' and "\\" not in text and text.isascii() and text[-1] == '"'
    )


def _of_registers(calls: HistoryCalls) -> Entries | None:
    columns, count = calls.columns, len(calls)
    if (calls.f != columns.f_code("txn")).any():
        return None
    known = (calls.answered != UNTOLD).astype(np.int64)
    codes = np.where(known == 1, calls.answered, calls.asked)
    if (codes < 0).any():
        return None
    texts = [columns.values[code] for code in codes.tolist()]
    joined = "".join(texts)
    if not joined.isascii() or "\\" in joined:
        return None
    raw = np.frombuffer(joined.encode(), dtype=np.uint8)
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, count))
    most = joined.count("[")
    form = fitting(len(raw))
    zeros, flat = form.zeros, form.flat
    slots = StepSlots(
        zeros(1 << (4 * most + 4).bit_length(), -1), zeros(1 << (2 * most + 4).bit_length(), -1)
    )
    lengths = (most, most, most, count + 1, 4 * most, 2 * most, 3)
    found = Steps(*map(zeros, lengths))
    read = form.of(read_steps)
    read(raw if form is Form.COMPILED else cast(Any, raw.tolist()), flat(ends), flat(known), slots, found)
    steps, tokens, things = (int(size) for size in found.sizes)
    if steps < 0:
        return None
    what, component, thing, starts, spans, pairs, _ = (np.asarray(array) for array in found)
    words = [joined[begin:end] for begin, end in spans[: 2 * tokens].reshape(-1, 2).tolist()]
    component_of, value_of = pairs[: 2 * things].reshape(-1, 2).T
    held = tuple(words[token] for token in value_of.tolist())
    nothing = np.array([text == "null" for text in held], dtype=bool)
    thing = thing[:steps]
    return Entries(
        starts,
        what[:steps],
        component[:steps],
        thing,
        nothing[thing] if things else np.zeros(0, dtype=bool),
        np.zeros(count, dtype=bool),
        tuple(words),
        held,
        component_of,
    )


def _of_sets(calls: HistoryCalls) -> Entries | None:
    columns, count = calls.columns, len(calls)
    names = ("add", "remove", "contains", "read")
    add, remove, contains, read = (calls.f == columns.f_code(name) for name in names)
    if not (add | remove | contains | read).all():
        return None
    answered = calls.answered != UNTOLD
    values = columns.values
    yes = calls.answered == (values.index("true") if "true" in values else UNTOLD - 1)
    no = calls.answered == (values.index("false") if "false" in values else UNTOLD - 1)
    if (contains & answered & ~yes & ~no).any() or (calls.asked[~read] < 0).any():
        return None
    shown = _shown(calls, np.flatnonzero(read & answered))
    if shown is None:
        return None
    of_read, texts_read = shown
    texts = [values[code] for code in np.unique(calls.asked[~read]).tolist()]
    number_of = {text: number for number, text in enumerate(dict.fromkeys([*texts, *texts_read]))}
    if not "".join(number_of).isdecimal() and not all(map(simple, number_of)):
        return None
    element = np.zeros(len(values) + 1, dtype=np.int64)
    element[np.unique(calls.asked[~read])] = [number_of[text] for text in texts]
    changes = add | remove
    tests_there = (add & no) | (remove & yes) | (contains & yes)
    tests_not = (add & yes) | (remove & no) | (contains & no)
    tests, puts = (
        np.flatnonzero(tests_there | tests_not),
        np.flatnonzero(changes & ~(add & no) & ~(remove & no)),
    )
    call = np.concatenate([tests, puts, of_read])
    what = np.concatenate([np.full(len(tests), TEST), np.full(len(puts), PUT), np.full(len(of_read), TEST)])
    own = element[calls.asked]
    component = np.concatenate([own[tests], own[puts], [number_of[text] for text in texts_read]]).astype(
        np.int64
    )
    there = np.concatenate([tests_there[tests], add[puts], np.ones(len(of_read), dtype=bool)])
    order = np.argsort(call, kind="stable")
    return Entries(
        np.concatenate([[0], np.cumsum(np.bincount(call, minlength=count))]).astype(np.int64),
        what[order].astype(np.int64),
        component[order],
        (2 * component + there)[order],
        ~there[order],
        read & answered,
        tuple(number_of),
        (),
        np.repeat(np.arange(len(number_of), dtype=np.int64), 2),
    )


def _shown(calls: HistoryCalls, reads: Integers) -> tuple[Integers, list[str]] | None:
    """The elements that reads of a set show, as JSON, with the call that shows each."""
    texts = [calls.columns.values[code] if code >= 0 else "" for code in calls.answered[reads].tolist()]
    if sum(text.count(",") for text in texts) > MOST_SHOWN * len(calls):
        return None
    if not all(text.startswith("[") for text in texts):
        return None
    joined = "".join(texts)
    if joined.count("[") == len(texts) and joined.translate(WITHOUT_LISTS).isdecimal():
        lists = [text[1:-1].split(",") if len(text) > len("[]") else [] for text in texts]
        return np.repeat(reads, [len(items) for items in lists]).astype(np.int64), list(chain(*lists))
    raw: Any = msgspec.json.decode(f"[{','.join(texts)}]", type=list[list[msgspec.Raw]])
    lists = [[bytes(item).decode() for item in items] for items in raw]
    mark = msgspec.json.encode(str.__str__(SET)).decode()
    lists = [items[1:] if items and items[0] == mark else items for items in lists]
    call = np.repeat(reads, [len(items) for items in lists]) if lists else reads
    return call.astype(np.int64), [text for items in lists for text in items]
