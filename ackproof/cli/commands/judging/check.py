"""`ackproof check`: judges histories that any tool recorded, in any of the known formats."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.dask import by_key_elsewhere, by_key_jobs_option, dask_option
from ackproof.cli.output.cases import of_files
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Steps, Working
from ackproof.judging.limits import LimitReached, MemoryLimit, budget_of, within
from checkers.explanation import Explanation
from checkers.linearizability.answer import AN_OPERATION, BY_SIZE, Budget
from checkers.transactions.consistency import MODELS as CONSISTENCY_MODELS
from checkers.transactions.consistency import WORKLOADS as TRANSACTIONS
from checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from ackproof.judging.checking import Elsewhere, Question
    from history.formats import RecordedHistory

STDIN = "-"
READ_SHARE = 0.33
"""About which part of the time it takes to read a file; it is judged in the rest."""
WORTH_PROCESSES_S, LOADING_S = 1.0, 0.1
"""Files that will take less processor time than this are judged here: other processes would take a tenth of a
second more. The first of all files takes about so long for what it loads, whatever is in it."""
FEW_COLLECTIONS = 1_000_000
"""Python looks for garbage once this many objects are new. Nearly all of them are needed until the end, and
looking for garbage as often as usual takes a third of the time."""


class CheckedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on one file, or why it was refused."""

    file: str
    verdict: Verdict | None = None
    refused: str | None = None
    """Why the history was not judged: the line, and the rule that it breaks."""
    read_s: float = 0.0
    check_s: float = 0.0
    pictures: tuple[str, ...] = ()
    """The operations of each piece of evidence as bars in time, for a terminal."""
    cycles: tuple[str, ...] = ()
    """SVG documents, if --pictures was given."""
    warnings: tuple[str, ...] = ()
    """What was accepted although it breaks a rule of histories."""
    explanation: Explanation | None = None
    """Why the history is not valid: one sentence, and the operations that show it."""
    certificate: str | None = None
    """If --certificate was given: the file that holds the proof, or why there is none."""


def _all_models() -> Iterable[str]:
    """All that --model accepts. Here and below, what judges is loaded where it is used: help is quick."""
    from checkers.judges import names_of_all

    return names_of_all()


def _help_of_model() -> str:
    from checkers.models import MODELS

    return (
        f"A data type, whose operations must be linearizable: {', '.join(MODELS)}. "
        f"Or another kind of check: {', '.join(name for name in _all_models() if name not in MODELS)}."
    )


def _help_of_option() -> str:
    from checkers.judges import options_of
    from checkers.models import MODELS
    from checkers.models.initial import OPTION, has_initial

    named = [(name, options_of(name)) for name in _all_models() if name not in MODELS]
    return (
        "A fact that the model needs and the history does not contain; "
        + "; ".join(f"{name}: {', '.join(facts)}" for name, facts in named if facts)
        + f"; {', '.join(name for name, model in MODELS.items() if has_initial(model))}: {OPTION}, the value "
        "before the first operation, as JSON or EDN."
    )


def _model_names(asked: str) -> Iterable[str]:
    """The names that --model accepts; those of data types alone if the one asked for is among them."""
    from checkers.models import MODELS

    return MODELS if asked in MODELS else _all_models()


def _formats() -> Iterable[str]:
    from history.formats import NAMES

    return NAMES


MODEL = options.group(
    click.option(
        "--model",
        cls=options.LateHelp,
        required=True,
        metavar="NAME",
        callback=lambda context, option, value: options.known("model", lambda: _model_names(value))(
            context, option, value
        ),
        shell_complete=options.completing(_all_models),
        help_of=_help_of_model,
    ),
    click.option(
        "--consistency",
        metavar="NAME",
        callback=options.known("consistency model", lambda: CONSISTENCY_MODELS),
        shell_complete=options.completing(lambda: CONSISTENCY_MODELS),
        help=f"What transactions ({', '.join(TRANSACTIONS)}) must keep, such as snapshot-isolation, "
        "serializable or strong-session-serializable.  [default: strict-serializable]",
    ),
    click.option(
        "--option",
        "options_",
        cls=options.LateHelp,
        metavar="NAME=VALUE",
        multiple=True,
        callback=options.pairs,
        help_of=_help_of_option,
    ),
)


LIMITS = options.group(
    options.seconds_option("; it is for all files together."),
    click.option(
        "--configurations",
        type=click.IntRange(min=1),
        help="Give a key up as unknown after this many configurations of the search.  [default: "
        f"{BY_SIZE.configurations}, or {AN_OPERATION} for each operation of the history if that is more]",
    ),
    options.memory_option("; it is for all files together, and holds everything that the command keeps."),
)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@MODEL
@click.option(
    "--format",
    "format_",
    cls=options.LateHelp,
    metavar="NAME",
    callback=options.known("format", _formats),
    help_of=lambda: f"{', '.join(_formats())}.  [default: recognized from the file]",
)
@options.columns_option()
@LIMITS
@click.option(
    "--pictures",
    metavar="FOLDER",
    type=click.Path(path_type=Path),  # a file in its place is found when the verdict is there
    help="Draw each cycle of transactions or writes that is found as an SVG file in this folder.",
)
@click.option(
    "--certificate",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.to_be_written,
    help="Write the proof of the verdict to this file, which `ackproof verify` checks. "
    "For one history at a time.",
)
@by_key_jobs_option()
@dask_option("Judge the keys of one large history")
@options.ci_options()
@options.json_option()
def check(
    files: tuple[str, ...],
    model: str,
    consistency: str | None,
    options_: dict[str, str],
    format_: str | None,
    columns: dict[str, str],
    seconds: float | None,
    configurations: int | None,
    memory_mib: int | None,
    pictures: Path | None,
    certificate: Path | None,
    jobs: int | None,
    dask: str | None,
    as_json: bool,
) -> NoReturn:
    """Judge histories that any tool recorded.

    FILE is a history, a folder that holds one, or - for standard input. A history that breaks the rules of
    histories is refused with its line, and the exit code is 255. What is harmless in a file of another tool
    is accepted with a warning.

    \b
        ackproof check etcd_000.log --model cas-register
        ackproof check store/latest --model registry
        ackproof check - --model kv-append --format porcupine-kv < log.txt
        ackproof check h.edn --model list-append --consistency snapshot-isolation
        ackproof check history.edn --model bank --option total=100
        ackproof check history.edn --model register --option initial=0
        ackproof check log.csv --model register --columns process=worker,f=op
        ackproof check huge.jsonl --model register --jobs 8
        ackproof check huge.jsonl --model register --dask tls://10.0.0.1:8786
    """
    from ackproof.judging.checking import Question

    budget = budget_of(seconds, memory_mib, configurations)
    click.get_current_context().call_on_close(partial(gc.set_threshold, *gc.get_threshold()))
    gc.set_threshold(FEW_COLLECTIONS, 10, 10)
    question = Question(model, consistency, options_, budget)
    try:
        question.refuse_if_wrong()
    except ValueError as refusal:
        raise click.UsageError(str(refusal)) from None
    if certificate is not None and len(files) > 1:
        raise click.UsageError("--certificate is for one history at a time")
    wanted = Wanted(format_, columns, pictures is not None, certificate)
    if jobs is None and dask is None:
        results = _check_all(files, question, wanted, quiet=as_json)
    else:
        _refuse_undivided(files, question)
        elsewhere = by_key_elsewhere(dask, jobs)
        text = _standard_input(files)
        shares = _Shares([_size(files[0])])
        what = "judging the history by key"
        with Working(what, quiet=as_json, share=shares, is_about=True, in_logs=False):
            results = [check_file(files[0], text, question, wanted, elsewhere, shares.is_read)]
    if pictures is not None:
        problem = _draw(results, pictures)
        if problem is not None:
            say(f"ackproof: {problem}", error=True)
    refused = [result for result in results if result.refused is not None]
    if as_json:
        for result in refused:
            say(f"ackproof: {result.refused}", error=True)

    def show() -> None:
        for result in results:
            _show(result)

    worst = Validity.worst(result.verdict.validity for result in results if result.verdict is not None)
    finish(
        Exit.COULD_NOT_RUN if refused else worst,
        results,
        show,
        as_json=as_json,
        cases=lambda: of_files(results),
    )


class Wanted(NamedTuple):
    """How files are read, and what is wanted of them besides the verdict."""

    format_: str | None
    columns: Mapping[str, str]
    draw: bool
    certificate: Path | None


def _check_all(files: Sequence[str], question: Question, wanted: Wanted, *, quiet: bool) -> list[CheckedFile]:
    """The results in order. Where much is left, as many processes as there are processors judge the rest.

    The first files are judged here. They show how long the others will take, and what they load is there
    before the processes begin, where they can begin as copies of this one.
    """
    from history.kernels import fitting
    from history.stored.lines import BYTES_A_STEP

    text = _standard_input(files)
    sizes = [_size(file) for file in files]
    fitting(sum(sizes) // BYTES_A_STEP)  # what is to come, so that compiled code is loaded once, and soon
    what = "judging the history" if len(files) == 1 else f"judging {len(files):,} histories"
    judged: list[CheckedFile] = []
    is_alone = (os.cpu_count() or 1) < 2
    begun = time.process_time()
    shares = _Shares(sizes)
    with Working(what, quiet=quiet, share=shares, is_about=True, in_logs=False):
        for file in files:
            judged.append(check_file(file, text, question, wanted, tell_share=shares.is_read))
            shares.next_file()
            done = len(judged)
            taken = max(0.0, time.process_time() - begun - LOADING_S)
            left = taken * sum(sizes[done:]) / sum(sizes[:done])
            if not is_alone and len(files) - done > 1 and left >= WORTH_PROCESSES_S:
                break
    return judged + _check_beside(files[len(judged) :], text, question, wanted, quiet=quiet)


def _counting(size: int) -> Callable[[], float | None] | None:
    from harness.run.time_limits.reckoning import BytesRead

    return BytesRead(size)


def _size(file: str) -> int:
    """How many bytes a file has; 1 where that is not known."""
    return max(1, Path(file).stat().st_size) if Path(file).is_file() else 1


class _Shares:
    """Which part of all files was read and judged: of a file that is being read, by the bytes."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._file = 0
        self._read = _counting(sizes[0])

    def is_read(self, _share: float) -> None:
        """The file is read; it will be judged."""
        self._read = None

    def next_file(self) -> None:
        """The file is judged, and the next one is read, if there is one."""
        self._file += 1
        if self._file < len(self._sizes):
            self._read = _counting(self._sizes[self._file])

    def __call__(self) -> float:
        """From 0 to 1."""
        done = sum(self._sizes[: self._file])
        if self._file < len(self._sizes):
            bytes_read = self._read
            share = 1.0 if bytes_read is None else bytes_read() or 0.0
            done += round(self._sizes[self._file] * READ_SHARE * share)
        return done / sum(self._sizes)


def _check_beside(
    files: Sequence[str], text: str | None, question: Question, wanted: Wanted, *, quiet: bool
) -> list[CheckedFile]:
    """The results of the rest of the files, in order, from other processes."""
    if not files:
        return []
    import multiprocessing  # here, since few files need none of it
    from concurrent.futures import ProcessPoolExecutor

    workers = min(len(files), os.cpu_count() or 1)
    question = question._replace(budget=_shared(question.budget, workers + 1))
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    steps = Steps("judging files", quiet=quiet, in_logs=False)
    with ProcessPoolExecutor(workers, mp_context=context) as pool, steps:
        begun = [
            pool.submit(check_file, file, text if file == STDIN else None, question, wanted) for file in files
        ]
        results: list[CheckedFile] = []
        for future in begun:
            steps.show(len(results), len(files))
            results.append(future.result())
        return results


def _standard_input(files: Sequence[str]) -> str | None:
    from history.formats import decoded

    return decoded(sys.stdin.buffer.read()) if STDIN in files else None


def _refuse_undivided(files: Sequence[str], question: Question) -> None:
    from ackproof.judging.checking import divides_by_key
    from checkers.models import MODELS

    if len(files) > 1:
        raise click.UsageError(
            "--jobs and --dask divide one history by key; several files are judged at the same time without "
            "them"
        )
    if not divides_by_key(question.model):
        raise click.UsageError(
            f"{question.model} is judged over all keys together, so --jobs and --dask cannot divide it; they "
            f"are for {', '.join(filter(divides_by_key, MODELS))}"
        )
    if question.budget.memory_is_up is not None:
        raise click.UsageError("--memory-mib bounds one process; leave it out with --jobs and --dask")


def _shared(budget: Budget, processes: int) -> Budget:
    """What each of several processes may take of the memory that was given."""
    if budget.memory_is_up is None:
        return budget
    own = budget.memory_bytes // processes
    return replace(budget, memory_bytes=own, memory_is_up=MemoryLimit(own))


def check_file(
    file: str,
    text: str | None,
    question: Question,
    wanted: Wanted,
    elsewhere: Elsewhere | None = None,
    tell_share: Callable[[float], None] = lambda _: None,
) -> CheckedFile:
    """Read and judge one file, or the text that came by standard input; say when it is read."""
    from ackproof.cli.output.bars import bars
    from ackproof.judging.checking import judge
    from history import HistoryError
    from history.formats import read

    begun = time.perf_counter()
    try:
        path = None if file == STDIN else Path(file)
        with within(question.budget):
            recorded = read(path, text, format_=wanted.format_, columns=wanted.columns)
        read_at = time.perf_counter()
        tell_share(READ_SHARE)
        verdict = judge(recorded, question, elsewhere)
    except LimitReached as limit:
        from ackproof.judging.limited import undecided

        return CheckedFile(
            file,
            undecided(question.model, limit, "the whole file, which was not read to its end"),
            read_s=time.perf_counter() - begun,
        )
    except HistoryError as refusal:
        return CheckedFile(file, refused=str(refusal))
    except OSError as error:
        return CheckedFile(
            file, refused=str(error) if error.strerror is None else f"{file}: {error.strerror}"
        )
    except MemoryError:
        return CheckedFile(file, refused=f"{file}: this machine has too little memory for it")
    done = time.perf_counter()
    pictures = tuple(bars(recorded.history, evidence) for evidence in verdict.evidence)
    cycles: tuple[str, ...] = ()
    if wanted.draw:
        from reports.plots.cycle import cycle

        drawn = (cycle(e, recorded.history, f"cycle-{n}") for n, e in enumerate(verdict.evidence, start=1))
        cycles = tuple(str(svg) for svg in drawn if svg is not None)
    proof = (
        None if wanted.certificate is None else _certified(recorded, question, verdict, wanted.certificate)
    )
    return CheckedFile(
        file,
        verdict,
        read_s=read_at - begun,
        check_s=done - read_at,
        pictures=pictures,
        cycles=cycles,
        warnings=recorded.warnings,
        explanation=_explained(recorded, verdict),
        certificate=proof,
    )


def _explained(recorded: RecordedHistory, verdict: Verdict) -> Explanation | None:
    """Why a history is not valid; None for a valid one."""
    if verdict.validity is Validity.VALID:
        return None
    from history import Recording  # here, since a valid history needs none of it
    from reports.explain import explain

    return explain(Recording(nodes=(), history=recorded.history), [verdict], {verdict.checker})


def _certified(recorded: RecordedHistory, question: Question, verdict: Verdict, path: Path) -> str:
    """Write the certificate of a verdict; the answer says where it is, or why it holds no proof."""
    from ackproof.judging.certifying import certify  # here, since it loads what most checks do not need
    from checkers.verification.certificate import stored

    found = certify(recorded, question, verdict)
    try:
        path.write_bytes(stored(found))
    except OSError as error:
        return f"the certificate could not be written: {error}"
    return f"no certificate: {found.without}" if found.claim is None else str(path)


def _draw(results: Iterable[CheckedFile], folder: Path) -> str | None:
    """Write the cycles of all files into one folder, as NUMBER-NAME-1.svg and so on; or say why that
    failed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, result in enumerate(results, start=1):
            name = f"{number}-{Path(result.file).stem}" if result.file != STDIN else f"{number}-stdin"
            for place, svg in enumerate(result.cycles, start=1):
                (folder / f"{name}-{place}.svg").write_text(svg + "\n", encoding="utf-8")
    except OSError as error:
        return f"no pictures, since they cannot be written to {folder}: {error.strerror}"
    return None


def _show(result: CheckedFile) -> None:
    """Print one file's verdict with its evidence, or why it was refused."""
    from reports.about import story_in_words  # here, since --json needs neither
    from reports.text import clean

    if result.verdict is None:
        say(f"ackproof: {result.refused}", error=True)
        return
    verdict = result.verdict
    timing = f"read {result.read_s:.3f} s, checked {result.check_s:.3f} s"
    why = "" if verdict.unjudged is None else f" ({verdict.unjudged})"
    say(f"{result.file}: {verdict.validity.value.upper()}{why}  {verdict.summary}  ({timing})")
    if result.explanation is not None:
        say(f"  {clean(result.explanation.headline)}")
        for line in story_in_words(result.explanation):
            say(f"    {line}")
    for warning in result.warnings:
        say(f"  warning: {warning}")
    for evidence, picture in zip(verdict.evidence, result.pictures, strict=True):
        say(f"\n  {evidence.title}\n  {evidence.text}")
        if picture:
            say("\n" + picture + "\n")
    if result.certificate is not None:
        say(f"certificate: {result.certificate}")
    sys.stdout.flush()
