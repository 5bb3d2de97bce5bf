"""What a command writes for CI servers: JUnit, CTRF, a summary in Markdown, and annotations of GitHub.

The options are in `options.ci_options`; `ending.finish` writes the files of every command that has them. A
command that could not do its work writes them, too, so that no file of an earlier build is taken for its
result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ackproof.cli.output.exits import Exit, validity_of
from ackproof.clock import CLOCK
from harness.errors import CouldNotRun

if TYPE_CHECKING:
    from ackproof.results import About, CommandResult
    from reports.ci.suite import CiCase, CiSuite

_KEY = "ackproof.for_ci"
"""Where click's context keeps what is wanted."""
JUNIT, CTRF, SUMMARY, GITHUB = "junit", "ctrf", "summary", "github"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with which GitHub names the file of a job's summary."""


def want(context: click.Context, option: click.Parameter, value: Path | bool | None) -> Path | bool | None:
    """A click callback that keeps what is wanted: a path whose folder exists, or a flag."""
    from ackproof.cli import options

    if isinstance(value, Path):
        options.to_be_written(context, option, value)
    if value and option.name is not None:
        context.meta.setdefault(_KEY, {})[option.name] = value
    return value


def wanted() -> Mapping[str, Path | bool]:
    """What the command that is being done is to write, by the names of the options."""
    return _wanted_of(click.get_current_context())


def _wanted_of(context: click.Context) -> Mapping[str, Path | bool]:
    found: dict[str, Path | bool] = context.find_root().meta.get(_KEY, {})
    return found


def write_for_ci(found: CommandResult, about: About | None, cases: Iterable[CiCase] | None) -> None:
    """Write what is wanted.

    Args:
        found: what the command did.
        about: what was tested.
        cases: the test cases; None for those of the command's verdicts.

    Raises:
        CouldNotRun: a file cannot be written.
    """
    if wanted():
        _write(_suite(found, about, cases), wanted())


def write_failure_for_ci(context: click.Context, command: str, message: str, code: Exit) -> None:
    """Write that the command could not do its work; what cannot be written is left."""
    asked = _wanted_of(context)
    if not asked:
        return
    from ackproof.results import result_of

    clock = context.find_root().meta.get(CLOCK)
    found = result_of(command, code, None, error=message, clock=clock)
    try:
        _write(_suite(found, None, ()), asked)
    except CouldNotRun as error:
        from ackproof.cli.output.printing import say, shortened

        if str(error) != message:  # or else it is what the command fails for, and is said then
            say(shortened(f"ackproof: {error}"), error=True)


def _suite(found: CommandResult, about: About | None, cases: Iterable[CiCase] | None) -> CiSuite:
    from checkers.verdict import Validity  # here, since the options need none of these
    from reports.ci.suite import cases_of_verdicts, story_of, suite_of

    title = "" if about is None or not about.title else f": {about.title}"
    if cases is None:
        cases = cases_of_verdicts(found.verdicts, found.required, found.explanation)
    validity = validity_of(found.exit_code) or Validity.UNKNOWN
    given = tuple(cases)
    return suite_of(
        f"ackproof {found.command}{title}",
        given,
        validity,
        _why(found, given),
        began_at=found.times.began_at,
        seconds=found.times.took_s,
        story=story_of(found.explanation),
        facts=_facts(found),
        next_=found.next,
    )


def _why(found: CommandResult, cases: Iterable[CiCase]) -> str:
    """The one sentence."""
    if found.error is not None:
        return found.error
    if found.explanation is not None:
        return found.explanation.headline
    bad = next((case for case in cases if case.end == "failure"), None)
    bad = bad or next((case for case in cases if case.end == "error"), None)
    if bad is not None:
        return bad.message or bad.mark
    return (
        "Nothing wrong was found." if found.exit_code == 0 else f"It ended with exit code {found.exit_code}."
    )


def _facts(found: CommandResult) -> dict[str, str]:
    given = {
        "command": f"ackproof {found.command}",
        "exit_code": str(found.exit_code),
        "system": found.system,
        "seed": None if found.seed is None else str(found.seed),
        "folder": found.folder,
        "report": found.report,
        "seal": found.seal or None,
        **{f"version of {name}": version for name, version in found.versions.items()},
    }
    return {name: value for name, value in given.items() if value is not None}


def _write(suite: CiSuite, asked: Mapping[str, Path | bool]) -> None:
    from reports.ci.ctrf import ctrf
    from reports.ci.github import github_annotations
    from reports.ci.junit import junit
    from reports.ci.markdown import markdown

    makers: Mapping[str, Callable[[CiSuite], bytes]] = {JUNIT: junit, CTRF: ctrf, SUMMARY: markdown}
    for name, make in makers.items():
        path = asked.get(name)
        if isinstance(path, Path):
            _put(path, make(suite), "wb")
    if asked.get(GITHUB):
        for line in github_annotations(suite):
            click.echo(line, err=True)
        if os.environ.get(STEP_SUMMARY):
            _put(Path(os.environ[STEP_SUMMARY]), markdown(suite), "ab")


def _put(path: Path, content: bytes, mode: str) -> None:
    try:
        with path.open(mode) as file:
            file.write(content)
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error
