"""Many checkers over one recording: all their verdicts, and the worst of them.

A checker that itself fails says nothing about the system: its verdict is `unknown`, with the reason.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checkers.verdict import Checker, Evidence, Validity, Verdict
from harness.history import Recording


def check_all(checkers: Iterable[Checker], recording: Recording) -> list[Verdict]:
    """Every checker's verdict, in the checkers' order; one that raises yields `unknown`."""
    return [_check_one(checker, recording) for checker in checkers]


def worst(verdicts: Iterable[Verdict]) -> Validity:
    """invalid > unknown > valid. Of no verdict at all: `unknown`, since nothing was judged."""
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
                    title="the checker failed",
                    text=f"{last_line} (at {where.filename}, line {where.lineno}, in {where.name}). "
                    "This is a defect of the checker or an illegal recording; nothing was judged.",
                ),
            ),
        )


@dataclass(frozen=True)
class Combined:
    """Several checkers as one: its verdict is the worst of theirs, with all their evidence.

    For wherever a single `Checker` is wanted; reports use `check_all`, to show each verdict by itself.
    """

    checkers: Sequence[Checker]
    name: str = "combined"

    def check(self, recording: Recording) -> Verdict:
        """Judge by every checker."""
        verdicts = check_all(self.checkers, recording)
        validity = worst(verdicts)
        deciding = [verdict for verdict in verdicts if verdict.validity is validity]
        if not verdicts:
            summary = "no checker was asked"
        elif validity is Validity.VALID:
            summary = f"all {len(verdicts)} checkers say valid"
        else:
            summary = f"{validity}: {'; '.join(f'{v.checker}: {v.summary}' for v in deciding)}"
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=tuple(item for verdict in deciding for item in verdict.evidence),
            measures={verdict.checker: str(verdict.validity) for verdict in verdicts},
            caveats=tuple(f"{v.checker}: {caveat}" for v in verdicts for caveat in v.caveats),
        )
