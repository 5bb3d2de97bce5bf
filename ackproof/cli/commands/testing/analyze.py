"""`ackproof analyze`: judges a stored run again."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.ending import judge_and_finish, judge_recorded_and_finish


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.ci_options()
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="Write the proofs of what was found to this file, which `ackproof verify` checks.",
)
@options.json_option()
def analyze(folder: Path, certificate: Path | None, as_json: bool) -> NoReturn:
    """Judge a stored run again.

    FOLDER is a run's folder, such as store/latest, or what `ackproof record` recorded. It may also be the
    folder of a run that was killed: the operations that it recorded until then are judged.
    """
    from harness.recording.folder import RecordedFolder
    from harness.run.folder import RunFolder

    folder = folder.resolve()
    if RecordedFolder.is_one(folder):
        judge_recorded_and_finish(RecordedFolder(folder), as_json=as_json, certificate=certificate)
    judge_and_finish(RunFolder(folder), as_json=as_json, certificate=certificate)
