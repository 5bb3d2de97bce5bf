"""AWDIT's format for tests, which people write by hand: a step a line, dashes between transactions.

    w 0 1
    r 1 0
    -----
    r 0 1
    =====

`=` ends a session. A 0 that no transaction wrote is the initial value; AWDIT itself asks for a transaction
that writes it.
"""

from __future__ import annotations

import re

from history.formats.names import AWDIT
from history.formats.transactions.listed import Listed, Step
from history.formats.transactions.log import TransactionLog
from history.history import OK, HistoryError

STEP = re.compile(r"([rw])\s+(\d{1,20})\s+(\d{1,20})")
START = re.compile(r"\s*[rw][ \t]+\d+[ \t]+\d+[ \t]*(\r?\n|\Z)")


def read_awdit(content: bytes, source: str) -> TransactionLog:
    """Read a file.

    Raises:
        HistoryError: a line breaks the format; with the line.
    """
    listed, session = Listed(source, AWDIT), 0
    steps: list[Step] = []
    begun = 1
    for number, line in enumerate([*content.decode("utf-8", "replace").splitlines(), "="], start=1):
        text = line.strip()
        if not text:
            continue
        if text.strip("-") and text.strip("="):
            step = STEP.fullmatch(text)
            if step is None:
                raise HistoryError(number, f"a step is r KEY VALUE or w KEY VALUE, not {text[:80]!r}", source)
            if not steps:
                begun = number
            steps.append(Step(step[1] == "w", int(step[2]), int(step[3]), int(step[3]) == 0))
            continue
        if steps:
            listed.add(session, steps, OK, begun)
        steps = []
        session += text[0] == "="
    return listed.finish()
