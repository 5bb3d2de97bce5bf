"""`ackproof analyze`: judges a stored run again."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.ending import judge_and_finish


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.junit_option()
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proofs of what was found to this file, which `ackproof verify` checks.",
)
@options.json_option()
def analyze(folder: Path, junit: Path | None, certificate: Path | None, as_json: bool) -> NoReturn:
    """Judge a stored run again.

    FOLDER is a run's folder, such as store/latest. It may also be the folder of a run that was killed: the
    operations that it recorded until then are judged.
    """
    from harness.run.folder import RunFolder

    judge_and_finish(RunFolder(folder.resolve()), as_json=as_json, junit=junit, certificate=certificate)
