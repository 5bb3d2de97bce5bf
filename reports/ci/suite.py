"""What all files for CI servers show: one suite of test cases.

`invalid` is a failure. `unknown` is an error, not a skipped test: servers count skipped tests as green, and
what proves nothing must not pass a gate. For the same reason a checker that the run requires and that
judged nothing is an error, and a command that did not end with exit code 0 has at least one failure or
error (`suite_of`). Skipped, with the reason, is a checker that the run does not require and that judged
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from checkers.check_all import decisive
from checkers.explanation import Explanation
from checkers.verdict import Evidence, Validity, Verdict
from history.units import SECOND_NS
from reports.about import follows_in_words

CaseEnd = Literal["passed", "failure", "error", "skipped"]


class CiCase(msgspec.Struct, frozen=True, kw_only=True):
    """One test case: a checker, a file, a cell, ..."""

    name: str
    end: CaseEnd
    mark: str = ""
    """How it was judged, in a word: `invalid`, `not exercised`."""
    message: str = ""
    """One sentence; of a case that passed, empty."""
    text: str = ""
    """What shows it: the evidence."""
    output: str = ""
    """What was seen, for a case of any end."""
    seconds: float = 0.0


class CiSuite(msgspec.Struct, frozen=True, kw_only=True):
    """All test cases of one command."""

    name: str
    """The same each time that the same is tested, so that servers show a case through their builds."""
    cases: tuple[CiCase, ...]
    validity: Validity
    why: str
    """The one sentence: what was found, or why nothing could be shown."""
    began_at: str
    """In UTC: 2026-11-28T13:42:00Z."""
    seconds: float
    story: tuple[str, ...] = ()
    """What led to a violation, a line each."""
    facts: Mapping[str, str] = {}
    """Command, seed, folder, report, system, versions."""
    next: tuple[str, ...] = ()
    """Lines to paste: what to do next."""

    def number(self, end: CaseEnd) -> int:
        """How many cases ended so."""
        return sum(case.end == end for case in self.cases)

    @property
    def against(self) -> tuple[CiCase, ...]:
        """The cases that keep the suite from being green, failures first."""
        bad = [case for case in self.cases if case.end in ("failure", "error")]
        return tuple(sorted(bad, key=lambda case: case.end == "error"))


def suite_of(
    name: str,
    cases: Iterable[CiCase],
    validity: Validity,
    why: str,
    *,
    began_at: str,
    seconds: float,
    story: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    next_: Sequence[str] = (),
) -> CiSuite:
    """A suite that is green only if the verdict is valid.

    Where no case says why the verdict is not valid, a case of the suite's own name does.
    """
    given = tuple(cases)
    is_green = all(case.end in ("passed", "skipped") for case in given)
    if validity is Validity.VALID and not given:
        given = (CiCase(name=name, end="passed", mark=validity.value, output=why),)
    elif validity is not Validity.VALID and is_green:
        end: CaseEnd = "failure" if validity is Validity.INVALID else "error"
        given = (CiCase(name=name, end=end, mark=validity.value, message=why, text=why), *given)
    return CiSuite(
        name=name,
        cases=given,
        validity=validity,
        why=why,
        began_at=began_at,
        seconds=seconds,
        story=tuple(story),
        facts=facts or {},
        next=tuple(next_),
    )


def cases_of_verdicts(
    verdicts: Sequence[Verdict], required: Collection[str] = (), explanation: Explanation | None = None
) -> list[CiCase]:
    """A case for each checker, that of the root cause with the explanation's headline; an error if none
    judged."""
    judged = list(verdicts) or [Verdict("checkers", Validity.UNKNOWN, "No checker judged this run.")]
    against = decisive(judged, required)
    cases = [case_of_verdict(verdict, decides=verdict in against) for verdict in judged]
    if explanation is None:
        return cases
    return [
        msgspec.structs.replace(case, message=explanation.headline)
        if case.name == explanation.cause and case.end == "failure"
        else case
        for case in cases
    ]


def case_of_verdict(verdict: Verdict, *, decides: bool = True, name: str | None = None) -> CiCase:
    """The case of one verdict.

    Args:
        decides: whether the verdict, if it is not valid, keeps the whole from being valid.
        name: the case's name; the checker's by default.
    """
    seen = "\n".join([verdict.summary, *(f"Not checked: {caveat}" for caveat in verdict.caveats)])
    name = verdict.checker if name is None else name
    if verdict.validity is Validity.VALID:
        return CiCase(name=name, end="passed", mark=verdict.mark.value, output=seen)
    wrong = verdict.validity is Validity.INVALID and verdict.evidence
    title = verdict.evidence[0].title if wrong else verdict.summary
    bad: CaseEnd = "failure" if verdict.validity is Validity.INVALID else "error"
    return CiCase(
        name=name,
        end=bad if decides else "skipped",
        mark=verdict.mark.value,
        message=title if verdict.unjudged is None else f"{verdict.unjudged}: {title}",
        text="\n\n".join([verdict.summary, *(_evidence(evidence) for evidence in verdict.evidence)]),
        output=seen,
    )


def story_of(explanation: Explanation | None) -> list[str]:
    """The lines of an explanation's story, each with its time; then what follows, and what was missing."""
    if explanation is None:
        return []
    lines = [
        f"{'' if line.time is None else f'{line.time / SECOND_NS:.3f} s  '}{line.text}"
        for line in explanation.story
    ]
    follows = follows_in_words(explanation)
    return [*lines, *([follows] if follows else []), *(f"Missing: {line}" for line in explanation.missing)]


def _evidence(evidence: Evidence) -> str:
    lines = [evidence.title, evidence.text]
    if evidence.operations:
        lines.append("operations: " + ", ".join(map(str, evidence.operations)))
    if evidence.events:
        lines.append(
            "trace events: "
            + ", ".join(f"{ref.node} life {ref.life} seq {ref.seq}" for ref in evidence.events)
        )
    if evidence.nodes:
        lines.append("nodes: " + ", ".join(evidence.nodes))
    return "\n".join(line for line in lines if line)
