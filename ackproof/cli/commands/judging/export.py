"""`ackproof export`: writes the history of a run in another tool's format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from harness.errors import CouldNotRun

READ_SHARE, WRITTEN_SHARE = 0.3, 0.9
"""About which part of the time it takes to read the history, and until its lines are made."""


class Exported(msgspec.Struct, frozen=True):
    """What `ackproof export` wrote."""

    file: str
    format: str
    events: int
    """How many lines, each an event."""
    left_out: int
    """How many operations the format does not have."""
    read_as: str
    """What `ackproof check --format` takes to read the file as it was meant."""


def _format_names() -> Iterable[str]:
    from history.formats.exporting import WRITERS

    return WRITERS


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--to",
    "format_",
    required=True,
    metavar="NAME",
    callback=options.known("format", _format_names),
    shell_complete=options.completing(_format_names),
    help="edn, as Jepsen writes it; or porcupine, the text that tests of Porcupine read.",
)
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=options.to_be_written,
    help="Where to write it.",
)
@options.json_option()
def export(run: Path, format_: str, out: Path, as_json: bool) -> NoReturn:
    """Write a run's history for another tool to judge.

    RUN is the folder of a run or of a recording, or any file that `ackproof check` reads. `ackproof check`
    reads what is written.

    \b
        ackproof export store/latest --to edn --out history.edn
        ackproof export store/latest --to porcupine --out history.txt
        ackproof check history.txt --model kv-append --format porcupine-kv
    """
    from history import HistoryError  # here, since the command's help needs none of these
    from history.formats import read
    from history.formats.exporting import WRITERS

    try:
        with Working("writing the history", quiet=as_json, in_logs=False) as working:
            history = read(run).history
            working.tell(READ_SHARE)
            written = WRITERS[format_](history)
            working.tell(WRITTEN_SHARE)
            out.write_text("".join(f"{line}\n" for line in written.lines), encoding="utf-8")
    except HistoryError as refusal:
        raise CouldNotRun(str(refusal)) from refusal
    except OSError as error:
        raise CouldNotRun(f"cannot write {out}: {error.strerror}") from error
    found = Exported(str(out), format_, len(written.lines), written.left_out, written.read_as)

    def show() -> None:
        say(f"{out}: {found.events:,} events; ackproof check reads them with --format {found.read_as}")
        if found.left_out:
            say(f"left out: {found.left_out:,} operations that failed, or that the format does not have")

    finish(Exit.VALID, found, show, as_json=as_json, judges=False)
