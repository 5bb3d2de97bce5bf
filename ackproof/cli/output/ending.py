"""How a command ends: it prints its result, for people or as JSON, and exits by the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from ackproof.cli.output.exits import Exit, exit_of, validity_of
from ackproof.cli.output.for_ci import wanted, write_for_ci
from ackproof.cli.output.progress import Working
from ackproof.cli.output.warnings import warned
from ackproof.clock import CLOCK
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from ackproof.judging.checking import Elsewhere
    from ackproof.results import About
    from checkers.check_all import Results
    from checkers.linearizability.answer import Budget
    from checkers.verdict import Checker
    from harness.recording.folder import RecordedFolder
    from harness.run.folder import RunFolder
    from history import Recording
    from reports.ci.suite import CiCase


def finish(
    outcome: str | Exit,
    result: object,
    show: Callable[[], object],
    *,
    as_json: bool,
    about: Callable[[], About] | None = None,
    judges: bool = True,
    file: Path | None = None,
    cases: Callable[[], Iterable[CiCase]] | None = None,
) -> NoReturn:
    """Print the result and exit with the code of the outcome.

    Args:
        outcome: a validity, the outcome of an exploration, or the exit code itself.
        result: what --json prints in addition to the keys that all commands have (ackproof/results.py).
        show: prints the result for people.
        as_json: whether --json was given.
        about: makes what --json says of what was tested.
        judges: whether the exit code says what was judged, and not only whether the command did its work.
        file: where to write what --json prints, whether or not it was given.
        cases: makes the test cases for CI servers; without it, they are the verdicts of the result.

    Raises:
        CouldNotRun: a file cannot be written.
    """
    code = outcome if isinstance(outcome, Exit) else exit_of(outcome)
    text = b""
    if as_json or file is not None or wanted():
        from ackproof.results import result_of  # here, since what people see needs none of it

        validity = validity_of(code) if judges else None
        clock = click.get_current_context().find_root().meta.get(CLOCK)
        facts = None if about is None else about()
        found = result_of(command_name(), code, result, validity=validity, about=facts, clock=clock)
        found = msgspec.structs.replace(found, warnings=warned())
        text = msgspec.json.encode(found)
        write_for_ci(found, facts, None if cases is None else cases())
    if file is not None:
        try:
            file.write_bytes(text + b"\n")
        except OSError as error:
            raise CouldNotRun(f"cannot write {file}: {error.strerror}") from error
    if as_json:
        click.echo(text)
    else:
        show()
    raise SystemExit(code)


def command_name() -> str:
    """The command that is being done, without the name of the program: `campaign run`."""
    context: click.Context | None = click.get_current_context()
    names: list[str] = []
    while context is not None:
        if context.parent is not None or not isinstance(context.command, click.Group):
            names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(names)


def judge_and_finish(
    folder: RunFolder,
    *,
    as_json: bool,
    certificate: Path | None = None,
    mermaid: Path | None = None,
    elsewhere: Elsewhere | None = None,
    budget: Budget | None = None,
    more: Callable[[str], object] | None = None,
) -> NoReturn:
    """Judge a run's folder, print the verdicts, and exit with the code of the worst of them.

    Args:
        folder: the run; its report is written there.
        as_json: whether --json was given.
        certificate: where to write the proofs of what was found.
        mermaid: where to write what led to a violation as a diagram of Mermaid.
        elsewhere: finds out on other processes which keys have an order; None to do all here.
        budget: the time and the memory of all checkers together; None for that of each search alone.
        more: prints, for people, what follows the verdicts; it is given the run's validity.
    """
    from ackproof.results import about_folder
    from harness.run.judging import judge  # here, since commands that judge no run need neither
    from harness.run.time_limits.reckoning import Reckoning
    from reports.terminal import show
    from reports.text import clean

    changes: list[Callable[[Checker], Checker]] = []
    if budget is not None:
        from ackproof.judging.limited import limited

        changes.append(limited(budget))
    if elsewhere is not None:
        from ackproof.judging.by_key import divided

        changes.append(divided(elsewhere))

    def changed(checker: Checker) -> Checker:
        for change in changes:
            checker = change(checker)
        return checker

    reckoning = Reckoning()
    working = Working("judging", quiet=as_json, left_s=reckoning.left_s)
    with _judged_later_if_interrupted(folder.path), working:
        results = judge(folder, changed=changed, reckoning=reckoning)
    written = None
    if certificate is not None:
        from ackproof.judging.certifying import certify_run

        written = certify_run(folder.recording(), results.verdicts, certificate)
    diagram = None if mermaid is None else _diagram(folder.recording, results, mermaid)

    def show_all() -> None:
        show(
            results.verdicts,
            folder.report_html,
            required=results.required,
            explanation=results.explanation,
        )
        for system, version in about_folder(folder, results.validity).versions.items():
            click.echo(f"System    {clean(system)}, version {clean(version)}")
        click.echo(f"Evidence  {clean(results.seal)}")
        if written is not None:
            click.echo(f"Proofs    {clean(written)}")
        if diagram is not None:
            click.echo(f"Diagram   {clean(diagram)}")
        if more is not None:
            more(results.validity)

    finish(
        results.validity,
        results,
        show_all,
        as_json=as_json,
        about=lambda: about_folder(folder, results.validity),
    )


def judge_recorded_and_finish(
    folder: RecordedFolder,
    *,
    as_json: bool,
    certificate: Path | None = None,
    mermaid: Path | None = None,
    elsewhere: Elsewhere | None = None,
    budget: Budget | None = None,
    on_stderr: bool = False,
) -> NoReturn:
    """Judge a recording's folder, print the verdict, and exit with its code.

    Args:
        folder: the recording; its report is written there.
        as_json: whether --json was given.
        certificate: where to write the proof of the verdict.
        mermaid: where to write what led to a violation as a diagram of Mermaid.
        elsewhere: finds out on other processes which keys have an order; None to do all here.
        budget: the time and the memory that judging may take; None for that of each search alone.
        on_stderr: whether standard output belongs to the client's answers.
    """
    from rich.console import Console  # here, since commands that judge no run need none of these

    from ackproof.judging.recorded import judge_recorded, recording_of, write_certificate
    from ackproof.results import about_folder
    from harness.run.time_limits.reckoning import Reckoning
    from reports.terminal import show
    from reports.text import clean

    reckoning = Reckoning()
    working = Working("judging", quiet=as_json, left_s=reckoning.left_s)
    with _judged_later_if_interrupted(folder.path), working:
        results = judge_recorded(folder, elsewhere, reckoning, budget)
    proof = None if certificate is None else write_certificate(folder, results.verdicts[0], certificate)
    diagram = None if mermaid is None else _diagram(lambda: recording_of(folder), results, mermaid)

    def show_all() -> None:
        report = folder.run.report_html
        show(
            results.verdicts,
            report,
            required=results.required,
            explanation=results.explanation,
            console=Console(stderr=on_stderr),
        )
        click.echo(f"Evidence  {clean(results.seal)}", err=on_stderr)
        if proof is not None:
            click.echo(f"Proof     {clean(proof)}", err=on_stderr)
        if diagram is not None:
            click.echo(f"Diagram   {clean(diagram)}", err=on_stderr)

    finish(
        results.validity,
        results,
        show_all,
        as_json=as_json,
        about=lambda: about_folder(folder.run, results.validity),
    )


def _diagram(recording: Callable[[], Recording], results: Results, file: Path) -> str:
    """Write what led to a violation as a diagram of Mermaid; the file, or why there is none.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    from reports.plots.picture.chosen import mermaid_of  # here, since few commands draw

    text = mermaid_of(recording(), results.verdicts, results.explanation)
    if text is None:
        return "not written, as this run shows no violation that can be drawn"
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {file}: {error.strerror}") from error
    return str(file)


@contextmanager
def _judged_later_if_interrupted(folder: Path) -> Iterator[None]:
    """Let Ctrl-C say that the folder stays, and how to judge it later."""
    try:
        yield
    except KeyboardInterrupt:
        later = f"ackproof analyze {shlex.quote(str(folder))}"
        raise KeyboardInterrupt(f"interrupted while judging; to judge it later: {later}") from None
