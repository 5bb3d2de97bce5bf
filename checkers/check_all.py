"""Runs several checkers on one recording: all their verdicts, and the worst of them.

A checker that raises an exception says nothing about the system: its verdict is `unknown`, with the reason.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from checkers.verdict import Checker, Evidence, Validity, Verdict
from history import Recording


def check_all(checkers: Iterable[Checker], recording: Recording) -> list[Verdict]:
    """Every checker's verdict, in the checkers' order; `unknown` of a checker that raises."""
    return [_check_one(checker, recording) for checker in checkers]


def worst(verdicts: Iterable[Verdict]) -> Validity:
    """The worst verdict: invalid > unknown > valid. Of no verdict it is `unknown`: nothing was judged."""
    parts = [verdict.validity for verdict in verdicts]
    return Validity.worst(parts) if parts else Validity.UNKNOWN


def _check_one(checker: Checker, recording: Recording) -> Verdict:
    try:
        return checker.check(recording)
    except Exception as error:  # noqa: BLE001 - one checker's defect must not hide what the others found
        where = traceback.extract_tb(error.__traceback__)[-1]
        last_line = traceback.format_exception_only(error)[-1].strip()
        return Verdict(
            checker=checker.name,
            validity=Validity.UNKNOWN,
            summary=f"the checker itself failed: {last_line}",
            evidence=(
                Evidence(
                    title=f"the checker {checker.name} failed",
                    text=f"{last_line} (at {where.filename}, line {where.lineno}, in {where.name}). "
                    "This is a defect of the checker or an illegal recording; nothing was judged.",
                ),
            ),
        )
