"""Judging the folder of a recording: what `ackproof record` does at its end, and `ackproof analyze` later."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ackproof.judging.checking import Question, judge
from checkers.check_all import Results
from checkers.linearizability.answer import Budget
from checkers.models import MODELS
from checkers.models.model import MAYBE, Call, IllegalCall, Model
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import plural
from harness.errors import CouldNotRun
from harness.recording.folder import Asked, RecordedFolder, RecordingFacts, plain
from harness.recording.journal import NEVER_COMPLETED, Inspector, accept_all
from harness.recording.refusals import REFUSED, KeptRefusal, read_refusals
from harness.run.seal import trusted
from harness.run.time_limits.reckoning import BytesRead, Part, Reckoning
from history import History, Recording
from history.files import RefusedFile
from history.formats import RecordedHistory
from history.history import INVOKE
from history.units import SECOND_NS
from history.values import decoded, frozen
from reports.about import ReportAbout
from reports.explain import explain
from reports.html import render

if TYPE_CHECKING:
    from ackproof.judging.checking import Elsewhere

MOST_NAMED = 20
"""Operations that the evidence names."""
_JUDGED_WITH_MORE = ("registry",)
"""Data types whose histories may hold operations that the model alone does not know."""


def question_of(asked: Asked) -> Question:
    """What a recording is judged for.

    Raises:
        ValueError: a name or an option does not exist, in words.
    """
    question = Question(asked.model, asked.consistency, asked.options)
    question.refuse_if_wrong()
    return question


def inspector_of(question: Question) -> Inspector:
    """What refuses, as it is reported, an operation with which the history could not be judged."""
    if question.model not in MODELS or question.model in _JUDGED_WITH_MORE:
        return accept_all
    return _ModelInspector(question.data_type())


class _ModelInspector:
    """Asks a model whether it takes an operation at all, whatever its state."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, f: str, argument: str, result: str | None) -> tuple[str, str] | None:
        """The wrong field and why, or None."""
        model = self._model
        if f not in model.functions:
            return "f", f"{model.name} has no {f!r}; it has {', '.join(sorted(model.functions))}"
        call = Call(f, frozen(decoded(argument)), MAYBE if result is None else frozen(decoded(result)))
        try:
            model.step(model.initial, call)
        except IllegalCall as refusal:
            return "value", str(refusal)
        return None


READ, JUDGE, REPORT = "reading", "judging", "reporting"
COSTS_S: Mapping[str, float] = {READ: 3e-8, JUDGE: 6e-8, REPORT: 4e-8}
"""About how long each part takes for a byte of the history, in seconds on a processor of 2026."""
REPORT_S = 0.45


def judge_recorded(
    folder: RecordedFolder,
    elsewhere: Elsewhere | None = None,
    reckoning: Reckoning | None = None,
    budget: Budget | None = None,
) -> Results:
    """Judge a recording, and write `history.parquet`, `results.json` and `report.html` into its folder.

    Args:
        folder: the recording.
        elsewhere: finds out on other processes which keys have an order; None to do all here.
        reckoning: is given each part of this as it begins, and about how long it takes.
        budget: the time and the memory that judging may take; None for that of each search alone.

    Raises:
        CouldNotRun: the folder is not that of a recording, or the results cannot be written.
        HistoryError: the history breaks a rule, or has an operation that the model lacks.
    """
    reckoning = Reckoning() if reckoning is None else reckoning
    size = folder.run.sizes().history
    parts = {name: cost * size + (REPORT_S if name == REPORT else 0.0) for name, cost in COSTS_S.items()}
    reckoning.plan(Part(name, expected_s) for name, expected_s in parts.items())
    reckoning.begin(READ, BytesRead(size))
    facts = folder.facts()
    recorded, question = recorded_and_question(folder, facts)
    if budget is not None:
        question = question._replace(budget=budget)
    reckoning.begin(JUDGE)
    try:
        refusals = read_refusals(folder.path)
    except RefusedFile as refusal:
        raise CouldNotRun(str(refusal)) from refusal
    judged = _with_refusals(judge(recorded, question, elsewhere), recorded.history, refusals)
    reckoning.begin(REPORT)
    [verdict] = trusted([judged], folder.run.seal_state)
    recording = _recording(recorded, facts)
    explanation = explain(recording, [verdict], {verdict.checker})
    found = Results.of([verdict], {verdict.checker}, folder.run.seal_state.in_words(), explanation)
    about = _about(folder, facts, recording, found)
    try:
        folder.run.write_parquet(recorded.history)
        folder.run.write_results(found)
        folder.run.write_report(render(recording, [verdict], about))
    except (OSError, RefusedFile) as error:
        raise CouldNotRun(
            f"cannot write the results ({error}); make room, then: ackproof analyze {folder.path}"
        ) from error
    return found


def _with_refusals(verdict: Verdict, history: History, refusals: Sequence[KeptRefusal]) -> Verdict:
    """The verdict with what refusals mean for it: `unknown` instead of valid if a reply may be missing."""
    if not refusals:
        return verdict
    caveat = (
        f"{plural(len(refusals), 'request')} of clients {'was' if len(refusals) == 1 else 'were'} refused "
        f"({REFUSED}). What a client did after it, without looking at the answer, is not in the history"
    )
    verdict = msgspec.structs.replace(verdict, caveats=(*verdict.caveats, caveat))
    unanswered = _never_completed(history)
    hiding = [refusal for refusal in refusals if refusal.hides_a_reply]
    if verdict.validity is not Validity.VALID or not unanswered or not hiding:
        return verdict
    why = (
        f"{plural(len(unanswered), 'operation')} never completed, and completions were refused: what the "
        "system answered may be missing"
    )
    text = (
        f"The first is operation {unanswered[0]}. The first refusal: {hiding[0].error or 'not known'}. By "
        f"what is there, the checker says valid: {verdict.summary}"
    )
    shown = Evidence(why, text, operations=tuple(unanswered[:MOST_NAMED]))
    return msgspec.structs.replace(verdict, validity=Validity.UNKNOWN, summary=why, evidence=(shown,))


def _never_completed(history: History) -> list[int]:
    """The invocations that have no completion by a client."""
    columns = history.columns
    by_us = [code for code, text in enumerate(columns.errors) if text == NEVER_COMPLETED]
    pending = np.flatnonzero((columns.type == INVOKE) & (history.pairs < 0))
    closed = history.pairs[np.isin(columns.error, by_us)] if by_us else pending[:0]
    return sorted([*pending.tolist(), *closed.tolist()])


def recorded_and_question(folder: RecordedFolder, facts: RecordingFacts) -> tuple[RecordedHistory, Question]:
    """The history of a recording, and what it is judged for.

    Raises:
        CouldNotRun: the folder asks for something that does not exist.
        HistoryError: the history breaks a rule.
    """
    try:
        question = question_of(facts.asked)
    except ValueError as error:
        raise CouldNotRun(f"{folder.path}: {error}") from error
    history = folder.history()
    return RecordedHistory(history, range(1, len(history) + 1), str(folder.run.history_lines)), question


def write_certificate(folder: RecordedFolder, verdict: Verdict, path: Path) -> str:
    """Write the proof of a verdict; the answer says where it is, or why there is none.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    from ackproof.judging.certifying import certify  # here, since it loads what judging does not need
    from checkers.verification.certificate import stored

    recorded, question = recorded_and_question(folder, folder.facts())
    found = certify(recorded, question, verdict)
    try:
        path.write_bytes(stored(found))
    except OSError as error:
        raise CouldNotRun(f"cannot write the certificate to {path}: {error.strerror}") from error
    return f"{path}: none, as {found.without}" if found.claim is None else str(path)


def recording_of(folder: RecordedFolder) -> Recording:
    """What was recorded, as pages and pictures take it.

    Raises:
        CouldNotRun: the folder is not that of a recording.
        HistoryError: the history breaks a rule, or has an operation that the model lacks.
    """
    facts = folder.facts()
    recorded, _ = recorded_and_question(folder, facts)
    return _recording(recorded, facts)


def _recording(recorded: RecordedHistory, facts: RecordingFacts) -> Recording:
    return Recording(nodes=(), history=recorded.history, options=plain(facts))


def _about(
    folder: RecordedFolder, facts: RecordingFacts, recording: Recording, found: Results
) -> ReportAbout:
    times = recording.history.columns.time
    command = [Path(facts.command[0]).name, *facts.command[1:]] if facts.command else ["ackproof", "record"]
    versions: Mapping[str, str] = {name: str(value) for name, value in facts.versions.items()}
    return ReportAbout(
        title=f"a recorded client, judged as {facts.asked.model}",
        started_at=facts.started_at,
        duration_s=int(times[-1]) / SECOND_NS if len(times) else 0.0,
        command=shlex.join(command),
        seed=None,
        store=folder.path.name,
        options=msgspec.to_builtins(recording.options),
        versions=versions,
        validity=found.validity,
        required=found.required,
        seal=found.seal,
        explanation=found.explanation,
    )
