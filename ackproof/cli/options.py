"""Options that several commands share, and the checks of their values.

Names of workloads, mutants and systems are loaded when a value is checked, so that the help of a command and
the start of another one stay quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from checkers.linearizability.answer import Budget
from harness.errors import unknown_name

if TYPE_CHECKING:
    from harness.sim.lockstep.protocol import ForeignCore

Callback = Callable[[click.Context, click.Parameter, Any], Any]
Completion = Callable[[click.Context, click.Parameter, str], list[str]]
"""What click asks for the values that a shell offers."""
Option = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What `click.option` gives: a decorator of a command's function."""

MOST_JOBS = 256
MOST_NODES = 99
MOST_CLIENTS = 1000
MOST_SECONDS = 10_000_000
"""As in history/limits.py, which takes too long to load for a command's help; a test holds them equal."""
PORTS = click.IntRange(1024, 65_000)


class LateHelp(click.Option):
    """An option whose help is made when it is shown, as it names what the command itself may not load."""

    def __init__(self, *names: Any, help_of: Callable[[], str], **settings: Any) -> None:
        self._help_of = help_of
        super().__init__(*names, **settings)

    @property
    def help(self) -> str | None:
        """The text, made now."""
        return self._help_of()

    @help.setter
    def help(self, _: str | None) -> None:
        """Click sets what the option was given, which is nothing."""


# ---- checks of values -----------------------------------------------------------------------------------


def known(kind: str, names: Callable[[], Iterable[str]]) -> Callback:
    """A click callback that accepts the names of one kind of thing, alone or several of them.

    A wrong name is refused with the nearest one that exists. An option that was not given stays None.
    """

    def check(_context: click.Context, _option: click.Parameter, value: Any) -> Any:
        if value is None or value == ():
            return value
        exists = list(names())
        for name in (value,) if isinstance(value, str) else value:
            if name not in exists:
                raise click.BadParameter(unknown_name(kind, name, exists))
        return value

    return check


def seconds_or_range(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """A click callback for a length of time: one number, or the least and the greatest: 4-8."""
    if value is None:
        return None
    low, dash, high = value.partition("-")
    try:
        found = (float(low), float(high) if dash else float(low))
    except ValueError:
        found = (0.0, 0.0)
    if not 0 < found[0] <= found[1] < MOST_SECONDS:
        raise click.BadParameter(
            f"{value!r} is not a number of seconds above 0, or two: 4-8", context, option
        )
    return found


def moment(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A click callback for a time: a date, a date with time, or how long ago."""
    from harness.store.choice import moment as moment_of

    try:
        return None if value is None else moment_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


def host_and_port(text: str) -> tuple[str, int]:
    """HOST:PORT; an IPv6 address in brackets.

    Raises:
        ValueError: it is not.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8642")
    return host, int(port)


def core(_context: click.Context, _option: click.Parameter, value: str | None) -> ForeignCore | None:
    """A click callback for the command of a core: it is started and asked what it is."""
    return None if value is None else core_of_text(value)


def core_of_text(text: str) -> ForeignCore:
    """The core that an option names.

    Raises:
        click.BadParameter: the text is no command.
    """
    from harness.sim.lockstep.runs import core_of

    try:
        return core_of(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no command: {error}", param_hint="'--core'") from error


def core_option(help_: str) -> Option:
    """The option --core, for commands that run nodes of others in the simulated world."""
    return click.option(
        "--core", metavar="COMMAND", is_eager=True, callback=core, help=f"{help_} (docs/lockstep.md)."
    )


def to_be_written(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    """A click callback for a file that the command will write: its folder must be there already."""
    if value is not None and not value.parent.is_dir():
        raise click.BadParameter(
            f"the folder {str(value.parent)!r} does not exist: make it first", context, option
        )
    return value


def completing(names: Callable[[], Iterable[str]], *, by_commas: bool = False) -> Completion:
    """What a shell offers for a value: the names that begin like it; of a list, for its last part."""

    def offer(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
        before, comma, last = begun.rpartition(",") if by_commas else ("", "", begun)
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last)]

    return offer


def fault_names() -> Iterable[str]:
    """The names that --nemesis accepts, besides targets."""
    from harness.nemesis import ALL, NEMESES

    return (*NEMESES, ALL, "none")


def system_names() -> Iterable[str]:
    """The names that --system accepts, besides files."""
    from harness.systems import SYSTEMS

    return SYSTEMS


def workload_names() -> Iterable[str]:
    """The names that --workload accepts."""
    from harness.workload import WORKLOADS

    return WORKLOADS


def mutant_names() -> Iterable[str]:
    """The names that --mutant accepts."""
    from harness.mutants.catalogue import MUTANTS

    return MUTANTS


def fault_list(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """A click callback for faults separated by commas, each NAME or NAME:TARGET; `none` for no fault."""
    if value is None:
        return None
    faults = tuple(dict.fromkeys(fault.strip() for fault in value.split(",") if fault.strip()))
    return () if faults == ("none",) else faults


def pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """A click callback for NAME=VALUE, which may be given several times."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        found[name] = text
    return found


def system_options(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """A click callback for NAME=VALUE of systems: what is secret is kept out of all that is written."""
    from harness.systems.secrets import hidden

    return hidden(pairs(context, option, values))


def columns(_context: click.Context, _option: click.Parameter, value: str | None) -> dict[str, str]:
    """A click callback for FIELD=COLUMN,... of tables."""
    from history.formats.tables import FIELDS

    found = {}
    for part in (value or "").split(",") if value else ():
        name, equals, column = part.partition("=")
        if name.strip() not in FIELDS or not equals or not column.strip():
            raise click.BadParameter(f"{part!r} is not FIELD=COLUMN; the fields are {', '.join(FIELDS)}")
        found[name.strip()] = column.strip()
    return found


# ---- options --------------------------------------------------------------------------------------------


def group(*options: Option) -> Option:
    """One decorator for several options; they keep their order in the command's help."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def columns_option() -> Option:
    """--columns."""
    return click.option(
        "--columns",
        metavar="FIELD=COLUMN,...",
        callback=columns,
        help="For tables (CSV, Parquet, JSON objects): which column holds which field, such as "
        "process=worker,f=op,type=event. Rows that are whole operations have start, end and result.",
    )


def workload_option(check: Callback | None = None, *, by_system: bool = False) -> Option:
    """--workload: by default the registry's, or the first that fits the system.

    `check` is a click callback that refuses what does not fit.
    """
    words = "  [default: registry, or else the first that fits the system]" if by_system else ""
    return click.option(
        "--workload",
        default=None if by_system else "registry",
        show_default=not by_system,
        metavar="NAME",
        callback=check or known("workload", workload_names),
        shell_complete=completing(workload_names),
        help=f"What the clients do; docs/workloads.md describes each workload.{words}",
    )


def mutant_option(text: str) -> Option:
    """--mutant; the text says what has the bug."""
    return click.option(
        "--mutant",
        metavar="NAME",
        callback=known("mutant", mutant_names),
        shell_complete=completing(mutant_names),
        help=f"{text} (see `ackproof mutants --list`).",
    )


def lease_option() -> Option:
    """--lease, of the reference node."""
    return click.option(
        "--lease",
        is_flag=True,
        help="Reference node only: a leader answers reads under a lease, without asking its followers.",
    )


def store_option(text: str) -> Option:
    """--store; the text says what is put there."""
    return click.option(
        "--store",
        default=Path("store"),
        show_default=True,
        type=click.Path(path_type=Path, file_okay=False),
        help=text,
    )


def listen_option(default: str) -> Option:
    """--listen, of commands that serve HTTP."""

    def check(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, int] | None:
        try:
            return None if value is None else host_and_port(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return click.option(
        "--listen",
        metavar="HOST:PORT",
        callback=check,
        help=f"Where to listen for HTTP; port 0 is any free one.  [default: {default}]",
    )


def jobs_option() -> Option:
    """--jobs, for commands that use several processes."""
    return click.option(
        "--jobs", type=click.IntRange(1, MOST_JOBS), help="Number of processes.  [default: one per core]"
    )


def base_port_option(text: str) -> Option:
    """--base-port; the text says which ports."""
    return click.option("--base-port", type=PORTS, help=f"{text}  [default: free ports]")


def seconds_option(more: str) -> Option:
    """--seconds, of the commands that judge what is stored."""
    return click.option(
        "--seconds",
        type=click.FloatRange(min=0),
        help=f"Give up as unknown what is not decided after this time{more}",
    )


def memory_option(more: str) -> Option:
    """--memory-mib, of the same commands."""
    return click.option(
        "--memory-mib",
        type=click.IntRange(min=1),
        help=f"Give up as unknown what needs more memory than this{more}  "
        f"[default: {Budget().memory_bytes >> 20} for each search alone]",
    )


def ci_options() -> Option:
    """What a command that judges writes for CI servers; `ending.finish` writes it."""
    from ackproof.cli.output.for_ci import want

    def file(name: str, text: str) -> Option:
        return click.option(
            name,
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False, writable=True),
            callback=want,
            expose_value=False,
            help=text,
        )

    return group(
        file("--junit", "Write a JUnit file here, for CI servers."),
        file("--ctrf", "Write the same in the Common Test Report Format (JSON) here."),
        file("--summary", "Write a summary in Markdown here, for a pull request."),
        click.option(
            "--github",
            is_flag=True,
            callback=want,
            expose_value=False,
            help="In a job of GitHub: annotate what failed, and add the summary to the job's page.",
        ),
    )


def json_option() -> Option:
    """--json, of every command with a result."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the result as JSON, and nothing else on standard output.",
    )
