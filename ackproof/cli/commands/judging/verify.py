"""`ackproof verify`: rechecks the certificate of a verdict, without the code that found the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click
import msgspec

from ackproof.cli import options
from ackproof.cli.output.cases import of_proofs
from ackproof.cli.output.ending import finish
from ackproof.cli.output.exits import Exit
from ackproof.cli.output.printing import say
from ackproof.cli.output.progress import Working
from harness.errors import CouldNotRun


def _format_names() -> Iterable[str]:
    from history.formats import NAMES

    return NAMES


READ_SHARE = 0.5
"""About which part of the time it takes to read the history."""


class Verification(msgspec.Struct, frozen=True):
    """What `ackproof verify` found."""

    history: str
    claim: str | None
    """What the certificate says of the history."""
    proved: bool | None
    """None if the certificate holds no proof, or one that is too large to recheck."""
    why: str
    """What the proof shows, what is wrong with it, or why there is none."""


@click.command()
@click.argument("history", type=click.Path(path_type=Path, exists=True))
@click.argument("certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--format",
    "format_",
    metavar="NAME",
    callback=options.known("format", _format_names),
    help="The format of the history, as for `ackproof check`.  [default: recognized from the file]",
)
@options.columns_option()
@click.option(
    "--configurations",
    default=2_000_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Give up on a proof whose search visits more configurations than this.",
)
@options.ci_options()
@options.json_option()
def verify(
    history: Path,
    certificate: Path,
    format_: str | None,
    columns: dict[str, str],
    configurations: int,
    as_json: bool,
) -> NoReturn:
    """Check the proof that came with a verdict.

    HISTORY is what `ackproof check` judged, or the folder of a run that `ackproof analyze` judged;
    CERTIFICATE is what its --certificate wrote. What checks a certificate is a few hundred lines that import
    no search and no judge, so a verdict need not be trusted.

    \b
        ackproof check log.edn --model register --certificate proof.json
        ackproof verify log.edn proof.json
        ackproof analyze store/latest --certificate proofs.json
        ackproof verify store/latest proofs.json

    \b
    Exit codes: 0 the certificate proves what it says (that the history is
    valid, or that it is invalid), 1 it does not, 2 it holds no proof, or one
    that is too large.
    """
    from ackproof.judging.certifying import recheck, recheck_all  # here, since the help needs none of these
    from history import HistoryError
    from history.files import RefusedFile, read_regular
    from history.formats import read

    try:
        content = read_regular(certificate)
        with Working("checking the proof", quiet=as_json, in_logs=False) as working:
            if (history / "test.json").is_file():
                from harness.run.folder import RunFolder

                found = recheck_all(RunFolder(history.resolve()).recording(), content, working.tell)
            else:
                recorded = read(history, format_=format_, columns=columns)
                working.tell(READ_SHARE)
                found = [recheck(recorded, content, configurations)]
    except (HistoryError, RefusedFile, OSError) as refusal:
        raise CouldNotRun(str(refusal)) from refusal
    results = [Verification(str(history), one.claim, one.proved, one.why) for one in found]
    if any(one.proved is False for one in found):
        outcome = Exit.INVALID
    else:
        outcome = Exit.VALID if found and all(one.proved for one in found) else Exit.UNKNOWN

    def show() -> None:
        for result in results:
            _show(result)
        if not results:
            say(f"{history}: UNKNOWN  the file holds no proof")

    finish(outcome, results, show, as_json=as_json, cases=lambda: of_proofs(results))


def _show(result: Verification) -> None:
    match result.proved:
        case True:
            verdict = f"PROVED {str(result.claim).upper()}"
        case False:
            verdict = "NOT PROVED"
        case None:
            verdict = "UNKNOWN"
    say(f"{result.history}: {verdict}  {result.why}")
