"""A key without an order, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkers.limits import MOST_NAMED
from checkers.linearizability.part import Part
from checkers.linearizability.words import call_in_words, operation_in_words
from checkers.verdict import Evidence
from checkers.words import seconds, sentence, who_answered
from history import History
from history.values import key_in_words

if TYPE_CHECKING:
    from checkers.linearizability.impossible import Impossible
    from checkers.linearizability.never_written import NeverWritten

KIND = "a key is not linearizable"
"""The kind of all evidence that a key has no order."""


def where_in_words(key: str | None) -> str:
    """A key by its name; the whole history without one."""
    if key is None:
        return "the history"
    shown = key_in_words(key)
    return f"key {key!r}" if shown == key else f"key {shown}"


def as_evidence(where: str, found: Impossible, history: History) -> Evidence:
    """A key without an order, in words: the first impossible reply, and the smallest impossible part."""
    part = found.part
    if not found.shrunk:
        return _only_named(where, found, history)
    core = [operation_in_words(part, place) for place in found.core[:MOST_NAMED]]
    if len(found.core) > MOST_NAMED:
        core.append(f"and {len(found.core) - MOST_NAMED} more")
    order = [
        f"operation {int(part.invoked[later])} began after operation {int(part.invoked[earlier])} had ended"
        for earlier, later in zip(found.core[:MOST_NAMED], found.core[1:MOST_NAMED], strict=False)
        if part.completed[earlier] < part.invoked[later]
    ]
    culprit = operation_in_words(part, found.culprit)
    text = f"{_claim(where, found)}{culprit}. These operations contradict each other: {'; '.join(core)}. "
    if order:
        text += f"In real time, {', '.join(order)}. "
    if found.from_any_state:
        text += "Whatever the state before these operations was, it does not explain them. "
    if found.maybe:
        named = ", ".join(
            f"operation {int(part.invoked[place])} ({call_in_words(part.call(place))})"
            for place in found.maybe[:MOST_NAMED]
        )
        more = f" and {len(found.maybe) - MOST_NAMED} more" if len(found.maybe) > MOST_NAMED else ""
        text += f"It does not help if {named}{more} took effect at some later time, or never. "
    numbers = sorted(part.invoked[list(found.core)].tolist())
    return Evidence(
        _title(where, part, found.culprit, history), text + found.stuck, tuple(numbers), kind=KIND
    )


def _only_named(where: str, found: Impossible, history: History) -> Evidence:
    """A key without an order that was not explained, since others were."""
    part, culprit = found.part, found.culprit
    text = (
        f"{_claim(where, found)}{operation_in_words(part, culprit)}. Which of the operations contradict each "
        "other was not looked for, as other keys are explained."
    )
    numbers = (int(part.invoked[culprit]),)
    return Evidence(_title(where, part, culprit, history), text, numbers, kind=KIND)


def _claim(where: str, found: Impossible) -> str:
    """The beginning of the sentence that names the culprit."""
    if found.first:
        return (
            f"Some order of the operations of {where} explains every earlier reply, but no order also "
            "explains this one: "
        )
    return f"No order of the operations of {where} explains every reply up to this one: "


def without_source(part: Part, reply: NeverWritten, history: History) -> Evidence:
    """A reply that names what was never there, in words."""
    numbers = tuple(sorted({int(part.invoked[reply.place]), *reply.others}))
    text = f"{sentence(operation_in_words(part, reply.place))} {reply.because}."
    return Evidence(_title(where_in_words(part.key), part, reply.place, history), text, numbers, kind=KIND)


def _title(where: str, part: Part, culprit: int, history: History) -> str:
    """The headline of a part without an order: who gave the first impossible reply, and when."""
    reply = history[int(part.completed[culprit])]
    answered = call_in_words(part.call(culprit))
    return f"{where} is not linearizable: {who_answered(reply)} answered {answered} at {seconds(reply.time)}"
