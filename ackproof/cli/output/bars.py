"""The operations of one piece of evidence, drawn in a terminal as bars in time."""

from __future__ import annotations

from checkers.verdict import Evidence
from history import History, Operation
from history.values import in_words

_WORDS_WIDTH = 32


def bars(history: History, evidence: Evidence) -> str:
    """One line for each operation, from left to right in the order of time; not to scale.

    An operation that has no reply is open at its end.
    """
    shown = [(history[number], _reply(history, number)) for number in evidence.operations]
    ends = [completion.index for _, completion in shown if completion is not None]
    moments = sorted([*(invocation.index for invocation, _ in shown), *ends])
    column = {index: 3 * place for place, index in enumerate(moments)}
    rows = []
    for invocation, completion in shown:
        begin = column[invocation.index]
        end = 3 * len(column) if completion is None else column[completion.index]
        bar = " " * begin + "|" + "-" * (end - begin - 1) + ("..." if completion is None else "|")
        words = _words(invocation, completion)
        row = f"{invocation.index:>9}  p{invocation.process:<4} {words[:_WORDS_WIDTH]:<{_WORDS_WIDTH}} {bar}"
        rows.append(row)
    return "\n".join(rows)


def _words(invocation: Operation, completion: Operation | None) -> str:
    """What was asked, and what was answered if that says more: `append "x"`, `read 3`, `cas [1 2] -> false`.

    A transaction's answer repeats what was asked.
    """
    f, asked = invocation.f, invocation.value
    if completion is None or completion.type != "ok":
        failed = "" if completion is None else ", failed"
        return f"{f}{'' if asked is None else f' {in_words(asked)}'}{failed}"
    answered = completion.value
    if asked is None or f == "txn":
        return f"{f} {in_words(answered)}"
    says_nothing = answered is None or in_words(answered) == in_words(asked)
    return f"{f} {in_words(asked)}{'' if says_nothing else f' -> {in_words(answered)}'}"


def _reply(history: History, number: int) -> Operation | None:
    completion = history.completion(history[number])
    return None if completion is None or completion.type == "info" else completion
