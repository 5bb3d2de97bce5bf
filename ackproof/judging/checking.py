"""Judging a recorded history: what `ackproof.check` and the command `ackproof check` do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import msgspec

from ackproof.judging.limited import Limited, undecided, whole_history
from ackproof.judging.limits import LimitReached, within
from checkers.judges import ISOLATION, judge_named, names_of_all
from checkers.linearizability.answer import BY_SIZE, Budget
from checkers.models import MODELS, Model
from checkers.models.initial import OPTION, has_initial, with_initial
from checkers.transactions.assumed import INITIAL, assumed_by
from checkers.transactions.consistency import (
    LIST_APPEND,
    ONLY_REGISTERS,
    RW_REGISTER,
    STRICT_SERIALIZABLE,
    level_of,
)
from checkers.transactions.consistency import MODELS as CONSISTENCY_MODELS
from checkers.transactions.consistency import WORKLOADS as TRANSACTIONS
from checkers.verdict import Checker, Evidence, IllegalOperation, Validity, Verdict
from harness.errors import unknown_name
from history import History, HistoryError, Operation, Recording
from history.formats import RecordedHistory, Reinterpretation, read
from history.formats.transactions import TransactionHistory

if TYPE_CHECKING:
    from checkers.linearizability.tally import Proved

    Elsewhere = Callable[[History, Model, Budget], Proved]


@runtime_checkable
class _HasCheck(Protocol):
    """What a checker has, and a model has not."""

    def check(self, recording: Recording) -> Verdict: ...


class Question(NamedTuple):
    """What a history is checked for."""

    model: str
    consistency: str | None = None
    options: Mapping[str, str] = {}
    budget: Budget = BY_SIZE

    def refuse_if_wrong(self) -> None:
        """Refuse names and options that do not exist or do not fit together.

        Raises:
            ValueError: in words, with the nearest name that exists.
        """
        if self.model not in MODELS and self.model not in names_of_all():
            raise ValueError(unknown_name("model", self.model, names_of_all()))
        if self.consistency is not None:
            if self.consistency not in CONSISTENCY_MODELS:
                raise ValueError(unknown_name("consistency model", self.consistency, CONSISTENCY_MODELS))
            if self.model not in TRANSACTIONS:
                raise ValueError(f"consistency is for {' and '.join(TRANSACTIONS)}, not for {self.model}")
            if self.model == LIST_APPEND and self.consistency in ONLY_REGISTERS:
                raise ValueError(f"{self.consistency} is judged for {RW_REGISTER}, not for {LIST_APPEND}")
        if self.model in MODELS:
            self.data_type()
        elif self.model in TRANSACTIONS:
            assumed_by(self.model, self.options)
        elif self.options:
            judge_named(self.model, self.options)

    def data_type(self) -> Model:
        """The model of a data type, with the initial value that the options state.

        Raises:
            ValueError: the data type has no such option, or the option no such value.
        """
        model = MODELS[self.model]
        for option, text in self.options.items():
            if option != OPTION or not has_initial(model):
                known = OPTION if has_initial(model) else "none"
                raise ValueError(f"{self.model} has no option {option!r}; it has {known}")
            model = with_initial(model, text)
        return model


def read_history(
    path: str | Path, *, format: str | None = None, columns: Mapping[str, str] | None = None
) -> History:
    """Read a recorded history from a file, or from a run's folder.

    Args:
        path: a file in any format that `ackproof check --help` lists, or a folder such as store/latest.
        format: the format's name; by default it is recognized from the text.
        columns: for tables, which column holds which field, such as {"process": "worker", "f": "op"}.

    Raises:
        HistoryError: the file breaks a rule of histories; the message names the line.
        FileNotFoundError: there is no such file.
    """
    return read(Path(path), format_=format, columns=columns).history


def check(
    history: History | Sequence[Operation] | str | Path,
    model: str | Model | Checker,
    *,
    consistency: str | None = None,
    options: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Verdict:
    """Judge a history: do its replies keep what the model promises?

    Args:
        history: a history, its operations in order, or the file or folder that holds it.
        model: the name of a data type, whose operations must be linearizable (`register`, `cas-register`,
            `queue`, ...), or of something else to look for (`list-append`, `bank`, `set-full`, ...); all
            names are in `ackproof check --help`. Or a `Model` or a `Checker` of your own.
        consistency: for transactions, the model that they must keep; by default strict-serializable.
        options: what some models need to know, such as {"total": "100"} for `bank`.
        columns: for a file that is a table, which column holds which field, as in `read_history`.

    Returns:
        The verdict. `verdict.validity` is `valid`, `invalid` or `unknown`, `verdict.evidence` shows why.

    Raises:
        HistoryError: the history breaks a rule of histories, or has an operation that the model lacks.
        ValueError: there is no such model or option, or columns are given without a file.
    """
    recorded = _recorded(history, columns)
    if not isinstance(model, str):
        if isinstance(model, _HasCheck):
            return model.check(Recording(nodes=(), history=recorded.history))
        return _linearizable(recorded, model, BY_SIZE)
    question = Question(model, consistency, options or {})
    question.refuse_if_wrong()
    return judge(recorded, question)


def divides_by_key(model: str) -> bool:
    """Whether a history is judged key by key for a model, so that others may judge some keys."""
    return model in MODELS and model != "registry"  # its long histories are judged by Raft index


def judge(recorded: RecordedHistory, question: Question, elsewhere: Elsewhere | None = None) -> Verdict:
    """The verdict on a history that was read; it states on which assumptions about the file it rests.

    Args:
        elsewhere: finds out on other processes which keys have an order; None to do all here.

    Raises:
        HistoryError: it has an operation that the model lacks; the message names the line.
    """
    verdict = _judged(recorded, question, elsewhere)
    other = recorded.other
    caveats = (*verdict.caveats, *recorded.warnings)
    if other is None:
        return msgspec.structs.replace(verdict, caveats=caveats)
    caveats = (*caveats, f"{other.stated}; {other.option} states the opposite")
    if verdict.validity is Validity.INVALID and _may_be_valid(other, question):
        text = (
            f"The history is invalid if {other.stated}, but not the other way. "
            f"State which is true: {other.option} or {other.same}."
        )
        shown = Evidence("what the values are decides, and nothing states it", text)
        verdict = msgspec.structs.replace(
            verdict, validity=Validity.UNKNOWN, summary=text, evidence=(shown, *verdict.evidence)
        )
    return msgspec.structs.replace(verdict, caveats=caveats)


def answer(recorded: RecordedHistory, question: Question) -> Validity:
    """The validity of the verdict that `judge` gives, without its evidence, and sooner.

    Raises:
        HistoryError: it has an operation that the model lacks; the message names the line.
    """
    found = _answered(recorded, question)
    if found is Validity.INVALID and recorded.other is not None and _may_be_valid(recorded.other, question):
        return Validity.UNKNOWN
    return found


def _may_be_valid(other: Reinterpretation, question: Question) -> bool:
    """Whether the history is not invalid if its values are understood the other way."""
    try:
        return _answered(other.read(), question) is not Validity.INVALID
    except HistoryError:
        return False


def _answered(recorded: RecordedHistory, question: Question) -> Validity:
    if question.model not in MODELS or _is_judged_by_index(recorded, question):
        return _judged(recorded, question).validity
    from checkers.linearizability.by_model import LinearizabilityOf

    judge = LinearizabilityOf(
        question.data_type(), question.budget, initial_is_stated=OPTION in question.options
    )
    try:
        return judge.answer(Recording(nodes=(), history=recorded.history))
    except IllegalOperation as refusal:
        raise recorded.error(refusal.operation, refusal.rule) from None


def _is_judged_by_index(recorded: RecordedHistory, question: Question) -> bool:
    """Whether a history of a registry is long, or has lists, so that its Raft indices are looked at."""
    if question.model != "registry":
        return False
    from checkers.registry.linearizability.portfolio import LARGE

    return len(recorded.history) >= LARGE or _has_lists(recorded.history)


def _judged(recorded: RecordedHistory, question: Question, elsewhere: Elsewhere | None = None) -> Verdict:
    if question.model not in MODELS:
        return _judged_by_name(recorded, question)
    history = recorded.history
    if _is_judged_by_index(recorded, question):
        from checkers.registry.linearizability import Linearizability

        return Limited(Linearizability(), question.budget).check(Recording(nodes=(), history=history))
    stated = OPTION in question.options
    model, budget = question.data_type(), question.budget
    return _linearizable(recorded, model, budget, initial_is_stated=stated, elsewhere=elsewhere)


def _judged_by_name(recorded: RecordedHistory, question: Question) -> Verdict:
    """The verdict of a judge of transactions, or of one that looks for something else."""
    isolation = ISOLATION.get(question.model)
    if isolation and isinstance(recorded.history, TransactionHistory):
        _refuse_what_files_lack(recorded, question)
    judged_by = (
        isolation(question.consistency, question.options)
        if isolation
        else judge_named(question.model, question.options)
    )
    try:
        with within(question.budget):
            return judged_by.judge(Recording(nodes=(), history=recorded.history))
    except LimitReached as limit:
        return undecided(judged_by.name, limit, whole_history(recorded.history))
    except IllegalOperation as refusal:
        raise recorded.error(refusal.operation, refusal.rule) from None


def _refuse_what_files_lack(recorded: RecordedHistory, question: Question) -> None:
    """Refuse to judge real time in a file that has no times, or another initial value than the format's."""
    if INITIAL in question.options:
        raise recorded.error(0, "the format of the file itself states the initial value of every key")
    consistency = question.consistency or STRICT_SERIALIZABLE
    if level_of(consistency) == 2:
        without = consistency.removeprefix("strict-").removeprefix("strong-")
        raise recorded.error(
            0,
            f"the file holds no times, so {consistency} cannot be judged; ask for "
            f"--consistency strong-session-{without}, or for another model without real time",
        )


def _linearizable(
    recorded: RecordedHistory,
    model: Model,
    budget: Budget,
    *,
    initial_is_stated: bool = True,
    elsewhere: Elsewhere | None = None,
) -> Verdict:
    # Here, since it loads the compiled search, which nothing else needs.
    from checkers.linearizability.by_model import LinearizabilityOf
    from checkers.linearizability.tally import NONE_PROVED

    judge = LinearizabilityOf(model, budget, initial_is_stated=initial_is_stated)
    proved = NONE_PROVED if elsewhere is None else elsewhere(recorded.history, model, budget)
    try:
        return judge.judge(Recording(nodes=(), history=recorded.history), proved)
    except IllegalOperation as refusal:
        raise recorded.error(refusal.operation, refusal.rule) from None


def _recorded(
    history: History | Sequence[Operation] | str | Path, columns: Mapping[str, str] | None
) -> RecordedHistory:
    """The history, with the line of each operation, or its number where there are no lines."""
    if isinstance(history, str | Path):
        return read(Path(history), columns=columns)
    if columns:
        raise ValueError("columns are those of a file; this history was read already")
    whole = history if isinstance(history, History) else History(history)
    return RecordedHistory(whole, range(1, len(whole) + 1), "history")


def _has_lists(history: History) -> bool:
    return any(f == "list" or f.startswith("final-") for f in history.columns.f_names)
