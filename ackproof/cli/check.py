"""`ackproof check`: judge a history that anybody recorded, in any format that is known."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
import msgspec

from checkers.judges import ISOLATION, JUDGES, judge_named, options_of
from checkers.linearizability.answer import Budget
from checkers.models import MODELS
from checkers.registry.linearizability import Linearizability
from checkers.registry.linearizability.portfolio import LARGE
from checkers.transactions.consistency import MODELS as CONSISTENCY
from checkers.transactions.consistency import WORKLOADS
from checkers.verdict import Checker, Evidence, IllegalOperation, Validity, Verdict
from harness.errors import unknown_name
from history import History, HistoryError, Recording
from history.formats import FORMATS, RecordedHistory, decoded, read
from reports.plots.cycle import cycle

EXIT = {Validity.VALID: 0, Validity.INVALID: 1, Validity.UNKNOWN: 2}
COULD_NOT_RUN = 255
STDIN = "-"
WORTH_A_PROCESS_BYTES = 2_000_000
"""Below this, all files together are judged before a second process has even started."""


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one file."""

    file: str
    verdict: Verdict | None = None
    refused: str | None = None
    """Why the history was not judged: the line, and the rule that it breaks."""
    read_s: float = 0.0
    check_s: float = 0.0
    pictures: tuple[str, ...] = ()
    """The operations of each piece of evidence in time, for a terminal."""
    cycles: tuple[str, ...] = ()
    """SVG documents, if they were asked for."""


class Asked(NamedTuple):
    """What to look for in every file."""

    model: str
    consistency: str | None
    options: dict[str, str]
    format: str | None
    budget: Budget
    draw: bool


def _known(kind: str, names: Iterable[str]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def check(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
        if value is not None and value not in names:
            raise click.BadParameter(unknown_name(kind, value, names))
        return value

    return check


def _pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for value, (name, equals, _) in zip(values, pairs, strict=True):
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--model",
    required=True,
    metavar="NAME",
    callback=_known("model", [*MODELS, *ISOLATION, *JUDGES]),
    help=f"The data type, to be linearizable: {', '.join(MODELS)}. "
    f"Or what else to look for: {', '.join([*ISOLATION, *JUDGES])}.",
)
@click.option(
    "--consistency",
    metavar="NAME",
    callback=_known("consistency model", CONSISTENCY),
    help=f"What transactions ({', '.join(WORKLOADS)}) should keep, as snapshot-isolation, serializable or "
    "strong-session-serializable.  [default: strict-serializable]",
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="What is to hold, where the history does not say it; "
    + "; ".join(f"{name}: {', '.join(options_of(name))}" for name in JUDGES if options_of(name))
    + ".",
)
@click.option(
    "--format",
    "format_",
    metavar="NAME",
    callback=_known("format", FORMATS),
    help=f"{', '.join(FORMATS)}.  [default: recognized from the file]",
)
@click.option(
    "--configurations",
    default=Budget().configurations,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many configurations one key may take before it is given up as unknown.",
)
@click.option(
    "--memory-mib",
    default=Budget().memory_bytes >> 20,
    show_default=True,
    type=click.IntRange(min=1),
    help="How much memory one key may take before it is given up as unknown.",
)
@click.option(
    "--pictures",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Draw each cycle of transactions or writes that is found as an SVG file in this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON, and nothing else.")
def check(
    files: tuple[str, ...],
    model: str,
    consistency: str | None,
    options: dict[str, str],
    format_: str | None,
    configurations: int,
    memory_mib: int,
    pictures: Path | None,
    as_json: bool,
) -> NoReturn:
    """Judge recorded histories: is there an order that explains every reply?

    FILE is a history, a folder that holds one, or - for standard input. A history that breaks the
    rules of histories is refused with its line, and the exit code is 255.

    \b
        ackproof check etcd_000.log --model cas-register
        ackproof check store/latest --model registry
        ackproof check - --model kv-append --format porcupine-kv < log.txt
        ackproof check history.edn --model list-append --consistency snapshot-isolation
        ackproof check history.edn --model bank --option total=100
    """
    if consistency is not None and model not in WORKLOADS:
        raise click.UsageError(f"--consistency is for {' and '.join(WORKLOADS)}, not for {model}")
    try:
        if options:
            judge_named(model, options)
    except ValueError as refusal:
        raise click.UsageError(str(refusal)) from None
    asked = Asked(
        model, consistency, options, format_, Budget(configurations, memory_mib << 20), pictures is not None
    )
    results = _judge_all(files, asked)
    if pictures is not None:
        _draw(results, pictures)
    if as_json:
        click.echo(msgspec.json.encode(results))
    else:
        for result in results:
            _show(result)
    refused = [result for result in results if result.refused is not None]
    if as_json:
        for result in refused:
            click.echo(f"ackproof: {result.refused}", err=True)
    if refused:
        raise SystemExit(COULD_NOT_RUN)
    raise SystemExit(EXIT[Validity.worst(r.verdict.validity for r in results if r.verdict is not None)])


def _judge_all(files: Sequence[str], asked: Asked) -> Sequence[Judged]:
    """In order; large ones in as many processes as there are processors."""
    text = decoded(sys.stdin.buffer.read()) if STDIN in files else None
    size = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    workers = min(len(files), os.cpu_count() or 1)
    if workers < 2 or size < WORTH_A_PROCESS_BYTES:
        return [judge_file(file, text, asked) for file in files]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        begun = [pool.submit(judge_file, file, text if file == STDIN else None, asked) for file in files]
        return [future.result() for future in begun]


def _has_lists(history: History) -> bool:
    return any(f == "list" or f.startswith("final-") for f in history.columns.f_names)


def judge_file(file: str, text: str | None, asked: Asked) -> Judged:
    """Read and judge one file, or the text that came by standard input."""
    begun = time.perf_counter()
    try:
        foreign = read(None if file == STDIN else Path(file), text, format_=asked.format)
        read_at = time.perf_counter()
        verdict = _judged(foreign, asked)
    except (HistoryError, OSError) as refusal:
        return Judged(file, refused=str(refusal))
    done = time.perf_counter()
    bars = tuple(picture(foreign.history, evidence) for evidence in verdict.evidence)
    cycles: tuple[str, ...] = ()
    if asked.draw:
        drawn = (cycle(e, foreign.history, f"cycle-{n}") for n, e in enumerate(verdict.evidence, start=1))
        cycles = tuple(str(svg) for svg in drawn if svg is not None)
    return Judged(file, verdict, None, read_at - begun, done - read_at, bars, cycles)


def _judged(foreign: RecordedHistory, asked: Asked) -> Verdict:
    """The verdict; a history that the judge is not for is refused, with the line."""
    recording = Recording(nodes=(), history=foreign.history)
    if asked.model in ISOLATION or asked.model in JUDGES:
        in_isolation = ISOLATION.get(asked.model)
        judge = in_isolation(asked.consistency) if in_isolation else judge_named(asked.model, asked.options)
        try:
            return judge.judge(recording)
        except IllegalOperation as refusal:
            raise foreign.error(refusal.operation, refusal.rule) from None
    # Not above: this loads the compiled search, which no other command needs.
    from checkers.linearizability.by_model import LinearizabilityOf, first_illegal

    if asked.model == "registry" and (len(foreign.history) >= LARGE or _has_lists(foreign.history)):
        checker: Checker = Linearizability()
    else:
        checker = LinearizabilityOf(MODELS[asked.model], asked.budget)
        illegal = first_illegal(foreign.history, MODELS[asked.model])
        if illegal is not None:
            raise foreign.error(*illegal)
    return checker.check(recording)


def _draw(results: Iterable[Judged], folder: Path) -> None:
    """Write each file's cycles beside each other, as NAME-1.svg and so on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, result in enumerate(results, start=1):
            name = f"{number}-{Path(result.file).stem}" if result.file != STDIN else f"{number}-stdin"
            for place, svg in enumerate(result.cycles, start=1):
                (folder / f"{name}-{place}.svg").write_text(svg + "\n", encoding="utf-8")
    except OSError as error:
        click.echo(f"ackproof: cannot write the pictures to {folder}: {error}", err=True)
        raise SystemExit(COULD_NOT_RUN) from error


def picture(history: History, evidence: Evidence) -> str:
    """The operations of one piece of evidence as bars, from left to right in time; not to scale."""
    column = {index: 3 * place for place, index in enumerate(evidence.operations)}
    rows = []
    for index, begin in column.items():
        invocation = history[index]
        if invocation.type != "invoke":
            continue
        completion = history.completion(invocation)
        known = completion is not None and completion.index in column
        end = column[completion.index] if completion is not None and known else 3 * len(column)
        bar = " " * begin + "|" + "-" * (end - begin - 1) + ("|" if known else "...")
        said = completion.value if completion is not None and known else invocation.value
        words = f"{invocation.f} {msgspec.json.encode(said).decode()}"
        rows.append(f"{index:>9}  p{invocation.process:<4} {words[:32]:<32} {bar}")
    return "\n".join(rows)


def _show(result: Judged) -> None:
    if result.verdict is None:
        click.echo(f"ackproof: {result.refused}", err=True)
        return
    verdict = result.verdict
    timing = f"read {result.read_s:.3f} s, checked {result.check_s:.3f} s"
    click.echo(f"{result.file}: {verdict.validity.value.upper()}  {verdict.summary}  ({timing})")
    for evidence, bars in zip(verdict.evidence, result.pictures, strict=True):
        click.echo(f"\n  {evidence.title}\n  {evidence.text}")
        if bars:
            click.echo("\n" + bars + "\n")
    sys.stdout.flush()
