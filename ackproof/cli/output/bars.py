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
        value = invocation.value if completion is None else completion.value
        words = f"{invocation.f} {in_words(value)}"
        row = f"{invocation.index:>9}  p{invocation.process:<4} {words[:_WORDS_WIDTH]:<{_WORDS_WIDTH}} {bar}"
        rows.append(row)
    return "\n".join(rows)


def _reply(history: History, number: int) -> Operation | None:
    completion = history.completion(history[number])
    return None if completion is None or completion.type == "info" else completion
