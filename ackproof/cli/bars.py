"""The operations of one piece of evidence, drawn in a terminal as bars in time."""

from __future__ import annotations

from checkers.verdict import Evidence
from history import History
from history.values import in_words

_WORDS_WIDTH = 32


def bars(history: History, evidence: Evidence) -> str:
    """One line for each operation, from left to right in the order of time; not to scale."""
    column = {index: 3 * place for place, index in enumerate(evidence.operations)}
    rows = []
    for index, begin in column.items():
        invocation = history[index]
        if invocation.type != "invoke":
            continue
        completion = history.completion(invocation)
        is_shown = completion is not None and completion.index in column
        end = column[completion.index] if completion is not None and is_shown else 3 * len(column)
        bar = " " * begin + "|" + "-" * (end - begin - 1) + ("|" if is_shown else "...")
        value = completion.value if completion is not None and is_shown else invocation.value
        words = f"{invocation.f} {in_words(value)}"
        rows.append(f"{index:>9}  p{invocation.process:<4} {words[:_WORDS_WIDTH]:<{_WORDS_WIDTH}} {bar}")
    return "\n".join(rows)
