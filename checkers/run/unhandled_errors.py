"""Unhandled errors: how clients' operations failed, by kind, and which answers no client understood.

A client marks an answer that it does not understand with the prefix `unexpected`. Such an operation is
recorded as `info` (a read as `fail`), which every other checker may rely on; so it proves no violation. But a
system whose answers do not follow its protocol was not tested as intended, so the verdict is `unknown`: a
person should look at these answers before trusting the other verdicts.

Where the client knows all refusals that the system's documentation lists, it marks any other one with the
prefix `undocumented`. That breaks what is documented, so the verdict is `invalid`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from checkers.limits import MOST_EVIDENCE, MOST_KINDS_OF_ERRORS
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import plural
from history import NEMESIS, Recording
from history.history import FAIL, INFO, OK, TYPES

UNEXPECTED, UNDOCUMENTED = "unexpected", "undocumented"

_VARYING = re.compile(r"\b\d+(?:\.\d+)*\b|\br\d+\b|\bn\d+\b")
"""The parts in which errors of one kind differ: numbers, addresses, ids, nodes."""


def kind_of(error: str) -> str:
    """An error without its varying parts: `timed out after # s`."""
    return _VARYING.sub("#", error)


@dataclass(frozen=True)
class UnhandledErrors:
    """Groups the errors of `fail` and `info` completions of clients."""

    name: str = "unhandled-errors"

    def check(self, recording: Recording) -> Verdict:
        """Count the operations that did not succeed, by kind of error."""
        columns = recording.history.columns
        ended_badly = ((columns.type == FAIL) | (columns.type == INFO)) & (columns.process != NEMESIS)
        rows = np.flatnonzero(ended_badly)
        kinds = [kind_of(error) for error in columns.errors]
        counts: dict[tuple[str, str, str], int] = {}
        examples: dict[str, int] = {}
        unexpected = undocumented = 0
        distinct, first, how_many = np.unique(
            np.stack([columns.error[rows], columns.f[rows], columns.type[rows].astype(np.int64)], axis=1),
            axis=0,
            return_index=True,
            return_counts=True,
        )
        for (error, f, type_), at, count in zip(
            distinct.tolist(), first.tolist(), how_many.tolist(), strict=True
        ):
            kind = kinds[error] if error >= 0 else "no reason given"
            group = (kind, columns.f_names[f], TYPES[type_])
            counts[group] = counts.get(group, 0) + count
            if kind.startswith((UNEXPECTED, UNDOCUMENTED)):
                unexpected += count
                undocumented += count if kind.startswith(UNDOCUMENTED) else 0
                examples[kind] = min(examples.get(kind, len(columns.time)), int(rows[at]))
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        summary = (
            f"{plural(len(rows), 'operation')} ended fail or info, "
            f"with {plural(len(counts), 'kind')} of errors; clients understood every answer"
        )
        if unexpected:
            answers = plural(unexpected, "answer")
            summary = f"clients did not understand {answers}; for example: {next(iter(examples))}"
        mark: Mark = Validity.UNKNOWN if unexpected else Validity.VALID
        if undocumented:
            mark = Validity.INVALID
            example = next(kind for kind in examples if kind.startswith(UNDOCUMENTED))
            answers = plural(undocumented, "answer is", "answers are")
            summary = f"{answers} not in the system's documentation; for example: {example}"
        if not unexpected and not ((columns.type == OK) & (columns.process != NEMESIS)).any():
            mark, summary = Unjudged.NOT_EXERCISED, "no client's operation succeeded"
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=tuple(
                Evidence(
                    title=kind,
                    text=f"Operation {recording.history.number(index)} ended with: "
                    f"{columns.errors[int(columns.error[index])]}.",
                    operations=(recording.history.number(index),),
                )
                for kind, index in list(examples.items())[:MOST_EVIDENCE]
            ),
            measures={
                "unexpected": unexpected,
                "undocumented": undocumented,
                "kinds": [
                    {"error": kind, "f": f, "type": type_, "count": count}
                    for (kind, f, type_), count in most[:MOST_KINDS_OF_ERRORS]
                ],
            },
        )
