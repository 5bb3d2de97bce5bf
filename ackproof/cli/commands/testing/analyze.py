"""`ackproof analyze`: judges a stored run again."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ackproof.cli import options
from ackproof.cli.dask import by_key_elsewhere, by_key_jobs_option, dask_option
from ackproof.cli.output.ending import judge_and_finish, judge_recorded_and_finish
from ackproof.judging.limits import budget_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.ci_options()
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="Write the proofs of what was found to this file, which `ackproof verify` checks.",
)
@click.option(
    "--mermaid",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=options.to_be_written,
    help="Write the picture of what led to a violation to this file, as the text of a Mermaid diagram.",
)
@options.seconds_option(".")
@options.memory_option("; it holds everything that the command keeps.")
@by_key_jobs_option()
@dask_option("Judge the keys of one large history")
@options.json_option()
def analyze(
    folder: Path,
    certificate: Path | None,
    mermaid: Path | None,
    seconds: float | None,
    memory_mib: int | None,
    jobs: int | None,
    dask: str | None,
    as_json: bool,
) -> NoReturn:
    """Judge a stored run again.

    FOLDER is a run's folder, such as store/latest, or what `ackproof record` recorded. It may also be the
    folder of a run that was killed: the operations that it recorded until then are judged.

    \b
        ackproof analyze store/latest
        ackproof analyze store/latest --seconds 60
        ackproof analyze store/latest --jobs 8
        ackproof analyze store/latest --dask tls://10.0.0.1:8786
    """
    from harness.recording.folder import RecordedFolder
    from harness.run.folder import RunFolder

    folder = folder.resolve()
    elsewhere = None
    budget = budget_of(seconds, memory_mib)
    if jobs is not None or dask is not None:
        if memory_mib is not None:
            raise click.UsageError("--memory-mib bounds one process; leave it out with --jobs and --dask")
        _refuse_undivided(folder)
        elsewhere = by_key_elsewhere(dask, jobs)
    if RecordedFolder.is_one(folder):
        recorded = RecordedFolder(folder)
        judge_recorded_and_finish(
            recorded,
            as_json=as_json,
            certificate=certificate,
            mermaid=mermaid,
            elsewhere=elsewhere,
            budget=budget,
        )
    judge_and_finish(
        RunFolder(folder),
        as_json=as_json,
        certificate=certificate,
        mermaid=mermaid,
        elsewhere=elsewhere,
        budget=budget,
    )


def _refuse_undivided(folder: Path) -> None:
    """Refuse to divide a run or a recording that is not judged key by key."""
    from ackproof.judging.checking import divides_by_key
    from ackproof.results import stored_facts
    from checkers.linearizability.by_model import LinearizabilityOf
    from harness.recording.folder import RecordedFolder
    from harness.run.folder import RunFolder
    from harness.workload import workload

    if RecordedFolder.is_one(folder):
        what = RecordedFolder(folder).facts().asked.model
        divides = divides_by_key(what)
    else:
        what = str(stored_facts(RunFolder(folder)).get("workload"))
        try:
            checkers = workload(what, ("n1", "n2", "n3"), 3).checkers
        except ValueError:
            return  # judging says what is wrong
        divides = any(isinstance(checker, LinearizabilityOf) for checker in checkers)
    if not divides:
        raise click.UsageError(
            f"{what} is judged over all keys together, so --jobs and --dask cannot divide it; leave them out"
        )
